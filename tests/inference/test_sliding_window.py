"""What a head has seen over the last window is what it would have seen had there been nothing before."""

from __future__ import annotations

import pytest
import torch

from adaframe.inference.sliding_window import SlidingWindow
from adaframe.model.temporal import Head


@pytest.fixture
def head() -> Head:
    torch.manual_seed(0)
    head = Head(features=(3, 3), width=3, classes=2, changes=True, dropout=0.0, nominal_gap_s=0.5).eval()
    assert head.gap is not None
    torch.nn.init.normal_(head.gap)
    return head


@torch.no_grad()
def test_the_window_slides_as_if_it_had_begun_there(head: Head) -> None:
    torch.manual_seed(1)
    features = torch.randn(30, 2, 3)
    sources = torch.randint(0, 2, (30,)).tolist()
    recent = SlidingWindow(head, frames=4, window_s=2.0)
    for n in range(30):
        recent.add(features[n], sources[n], n * 0.5)
        first = max(0, n - 3)

        times = torch.arange(first, n + 1)[None] * 0.5
        seen = torch.nn.functional.one_hot(torch.tensor(sources[first : n + 1]), 2)[None].float()
        expected = head.summary(head.run(features[None, first : n + 1], seen, times))

        assert torch.allclose(recent.summary(), expected, atol=1e-5)
        assert len(recent) == n + 1 - first


@torch.no_grad()
def test_time_passes_without_frames(head: Head) -> None:
    recent = SlidingWindow(head, frames=4, window_s=2.0)
    recent.add(torch.ones(2, 3), 0, 10.0)
    recent.add(torch.ones(2, 3), 0, 11.0)

    assert not recent.expire(11.9)
    assert recent.expire(12.0)  # the first is a window old
    assert len(recent) == 1
    assert recent.expire(20.0)
    assert len(recent) == 0


@torch.no_grad()
def test_days_into_a_stream_gaps_are_still_exact(head: Head) -> None:
    young, old = (SlidingWindow(head, frames=4, window_s=2.0) for _ in range(2))
    for n in range(3):
        young.add(torch.full((2, 3), float(n)), 0, 0.4 * n)
        old.add(torch.full((2, 3), float(n)), 0, 1e7 + 0.4 * n)  # float32 tells seconds apart there

    assert torch.allclose(young.summary(), old.summary(), atol=1e-6)
