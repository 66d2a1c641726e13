"""What rules take frames by: chance that belongs to the clip, and change of the picture."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from adaframe.config import Model, Preprocess
from adaframe.model.network import Clips
from adaframe.model.priority import drawn_by_content, frame_priority, glance_change

MakeClips = Callable[..., Clips]


def prefix(*lengths: int, frames: int = 4) -> Tensor:
    return torch.arange(frames) < torch.tensor(lengths)[:, None]


def test_change_is_the_mean_difference_of_successive_glances() -> None:
    levels = torch.tensor([[100, 100, 151, 100], [0, 255, 0, 0]], dtype=torch.uint8)
    crops = levels[..., None, None, None].expand(2, 4, 16, 16, 3)
    plain = Preprocess(resize=16, crop=16, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))

    change = glance_change(crops, prefix(4, 2), 8, plain)

    step = 51 / 255 / 0.5
    assert change[0].tolist() == pytest.approx([2 * step / 3, 0, step, step], abs=1e-5)  # the first: the mean
    assert change[1].tolist() == pytest.approx([2, 2, 0, 0], abs=1e-5)  # beyond the end nothing changes


def test_a_single_frame_has_no_change(make_clips: MakeClips) -> None:
    crops = make_clips(videos=1, frames=4).crops

    assert glance_change(crops, prefix(1), 8, Preprocess(resize=32, crop=32)).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("rule", ["random", "change"])
def test_a_clips_priority_is_its_own_whatever_is_beside_and_behind_it(
    tiny: Model, make_clips: MakeClips, rule: str
) -> None:
    clips = make_clips(videos=5, lengths=[8, 5, 1, 8, 3])
    together = frame_priority(rule, clips.crops, clips.valid, tiny)  # type: ignore[arg-type]

    for b, frames in enumerate([8, 5, 1, 8, 3]):
        alone = clips.crops[b : b + 1, :frames]
        cut = frame_priority(rule, alone, torch.ones(1, frames, dtype=torch.bool), tiny)  # type: ignore[arg-type]
        assert torch.equal(cut[0], together[b, :frames])


def test_random_frames_are_another_clips_others_and_none_is_preferred(make_clips: MakeClips) -> None:
    clips = make_clips(videos=200)

    first = drawn_by_content(clips.crops, clips.valid).argmax(dim=1)

    counts = torch.bincount(first, minlength=8)
    assert counts.sum() == 200
    assert all(10 <= n <= 40 for n in counts.tolist())  # 25 expected, 5 is a standard deviation
