"""Features of unequal looks -> one score per class."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from torch import Tensor

from adaframe.model.temporal import Head, HeadState, Standardise

NOMINAL_S = 0.25


def make_head(*, sources: int = 2, width: int = 4, classes: int = 3, changes: bool = True) -> Head:
    torch.manual_seed(0)
    head = Head(
        features=(width,) * sources, width=0, classes=classes, changes=changes, dropout=0.5, nominal_gap_s=NOMINAL_S
    )
    if head.gap is not None:
        torch.nn.init.normal_(head.gap)
    return head.eval()


def readable(head: Head) -> Head:
    """Scores that are the averages themselves: of features, then of changes."""
    head.classify.weight.data = torch.eye(head.classify.in_features)
    torch.nn.init.zeros_(head.classify.bias)
    return head


def inputs(videos: int = 3, frames: int = 6, sources: int = 2, width: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Features, a random source (or none) per frame, and uneven times."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(videos, frames, sources, width, generator=generator)
    picked = torch.randint(0, sources + 1, (videos, frames), generator=generator)
    seen = torch.nn.functional.one_hot(picked, sources + 1)[..., :sources].float()
    times_s = torch.rand(videos, frames, generator=generator).cumsum(dim=1)
    return features, seen, times_s


def run(head: Head, features: Tensor, seen: Tensor, times_s: Tensor) -> HeadState:
    state = head.start(len(features), features)
    for t in range(features.shape[1]):
        state = head.step(state, features[:, t], seen[:, t], times_s[:, t])
    return state


def test_averages_are_of_frames_seen_and_of_changes_within_a_look() -> None:
    # One number per frame. Look 0 sees 1, then 4; look 1 sees 10, then 11; one frame is skipped.
    head = readable(make_head(width=1, classes=2))
    seen = torch.tensor([[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]]).float()[None]
    values = torch.tensor([[1, 99], [99, 10], [99, 99], [4, 99], [99, 11]]).float()[None, ..., None]
    # Both gaps are the nominal one, whatever the gains have learned.
    times_s = torch.tensor([[0.0, 1.0, 0.1, NOMINAL_S, 1.0 + NOMINAL_S]])

    scores = head(values, seen, times_s)

    torch.testing.assert_close(scores, torch.tensor([[(1 + 10 + 4 + 11) / 4, (3 + 1) / 2]]))


def test_a_still_video_has_no_change_under_any_mix_of_looks() -> None:
    head = make_head(sources=3)
    _, seen, times_s = inputs(videos=20, frames=8, sources=3)
    still = torch.randn(20, 1, 3, 4).expand(-1, 8, -1, -1)

    state = run(head, still, seen, times_s)

    assert state.changes.max() > 2
    assert torch.equal(state.change, torch.zeros(20, 4))


def test_the_scores_of_a_still_video_do_not_depend_on_how_often_or_when_it_is_seen() -> None:
    head = make_head(sources=2)
    still = torch.randn(1, 1, 2, 4).expand(1, 6, 2, 4)
    once, often = torch.zeros(2, 1, 6, 2)
    once[:, 4, 1] = 1
    often[:, :, 1] = 1

    torch.testing.assert_close(
        head(still, once, torch.arange(6.0)[None]), head(still, often, torch.rand(1, 6).cumsum(1))
    )


def test_frames_of_different_looks_have_no_change_between_them() -> None:
    features, _, times_s = inputs(videos=1, frames=2)
    apart = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])

    state = run(make_head(), features, apart, times_s)

    assert float(state.changes) == 0
    assert torch.equal(state.change, torch.zeros(1, 4))


def gains(head: Head, gap_s: float) -> Tensor:
    """What a change of 1 counts after a gap, per feature of the first look."""
    features = torch.zeros(1, 2, len(head.project), head.width)
    features[:, 1] = 1
    seen = torch.zeros(1, 2, len(head.project))
    seen[..., 0] = 1
    with torch.no_grad():
        return run(head, features, seen, torch.tensor([[0.0, gap_s]])).change[0]


def test_the_gain_of_a_change_is_one_at_the_nominal_gap_whatever_it_learned_of_gaps() -> None:
    head = make_head(width=16)

    assert torch.equal(gains(head, NOMINAL_S), torch.ones(16))
    assert (gains(head, 2 * NOMINAL_S) - 1).abs().max() > 0.5


def test_gains_do_not_move_beyond_gaps_of_32_times_the_nominal_one_or_a_32nd() -> None:
    head = make_head(width=16)

    for within, beyond in ((32 * NOMINAL_S, 1e9), (NOMINAL_S / 32, 1e-9), (NOMINAL_S / 32, -1.0)):
        torch.testing.assert_close(gains(head, beyond), gains(head, within))
    assert not torch.allclose(gains(head, 16 * NOMINAL_S), gains(head, 32 * NOMINAL_S))


def test_gains_are_set_so_that_changes_average_one_whatever_the_gap() -> None:
    # A random walk: its changes grow with the root of the gap. Its last feature never moves.
    torch.manual_seed(0)
    walk = (torch.randn(300, 9, 1, 4) * torch.tensor([0.1, 1.0, 10.0, 0.0])).cumsum(dim=1)
    valid, times_s = torch.ones(300, 9, dtype=torch.bool), NOMINAL_S * torch.arange(9.0).expand(300, -1)
    head = make_head(sources=1)

    head.fit_changes(0, walk[:, :, 0], valid, times_s)

    for every in (1, 2, 4):
        seen = (torch.arange(9) % every == 0).float().expand(300, -1)[..., None]
        average = head.summary(run(head, walk, seen, times_s))[:, 4:].mean(dim=0)
        torch.testing.assert_close(average, torch.tensor([1.0, 1.0, 1.0, 0.0]), rtol=0.06, atol=0)
    assert gains(head, NOMINAL_S)[3] == pytest.approx(1.0)


def test_from_gaps_that_all_count_as_the_largest_no_slope_is_told() -> None:
    torch.manual_seed(0)
    walk = torch.randn(20, 9, 4).cumsum(dim=1)
    head = make_head(sources=1)

    head.fit_changes(0, walk, torch.ones(20, 9, dtype=torch.bool), 31.9 * NOMINAL_S * torch.arange(9.0).expand(20, -1))

    assert head.gap is not None
    assert not head.gap[0].any()
    assert bool((gains(head, 40 * NOMINAL_S) < 10).all())


def test_a_new_head_does_not_mind_the_gap() -> None:
    head = Head(features=(4, 4), width=4, classes=3, changes=True, dropout=0.0, nominal_gap_s=NOMINAL_S)
    features, seen, times_s = inputs()

    torch.testing.assert_close(head(features, seen, times_s), head(features, seen, times_s * 7))


def test_skipped_frames_leave_the_state_as_it_was() -> None:
    head = make_head()
    features, seen, times_s = inputs()
    before = run(head, features, seen, times_s)

    after = head.step(before, torch.randn(3, 2, 4), torch.zeros(3, 2), times_s[:, -1] + 5)

    for field in fields(HeadState):
        assert torch.equal(getattr(after, field.name), getattr(before, field.name)), field.name


@pytest.mark.parametrize("changes", [True, False])
def test_stepping_with_explicit_state_equals_the_forward(changes: bool) -> None:
    head = make_head(changes=changes)
    features, seen, times_s = inputs()

    torch.testing.assert_close(head.scores(run(head, features, seen, times_s)), head(features, seen, times_s))


@pytest.mark.parametrize("changes", [True, False])
def test_all_frames_at_once_are_as_one_after_the_other(changes: bool) -> None:
    head = make_head(changes=changes, sources=3)
    features, seen, times_s = inputs(videos=40, frames=9, sources=3)
    seen[0], seen[1, 1:] = 0, 0  # nothing seen; one frame alone
    features.requires_grad_()

    at_once, stepped = head.run(features, seen, times_s), run(head, features, seen, times_s)

    for field in fields(HeadState):
        expected = getattr(stepped, field.name)
        torch.testing.assert_close(getattr(at_once, field.name), expected, rtol=1e-6, atol=1e-6, msg=field.name)
    learnt = [features, *([head.level, head.gap] if head.level is not None and head.gap is not None else [])]
    weights = torch.randn(40, head.classify.in_features, generator=torch.Generator().manual_seed(1))
    for one, other in zip(
        *(torch.autograd.grad((head.summary(state) * weights).sum(), learnt) for state in (at_once, stepped)),
        strict=True,
    ):
        assert one.abs().max() > 0
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_without_changes_only_the_average_counts() -> None:
    head = make_head(changes=False)
    features, seen, times_s = inputs(frames=4)
    backwards = [x.flip(1) for x in (features, seen)]

    torch.testing.assert_close(head(*backwards, times_s), head(features, seen, times_s * 3))
    assert head.classify.in_features == 4


def test_what_stands_where_nothing_was_seen_does_not_count() -> None:
    head = make_head()
    features, seen, times_s = inputs()
    expected = head(features, seen, times_s)

    features = torch.where(seen[..., None] > 0, features, torch.tensor(1e6))

    torch.testing.assert_close(head(features, seen, times_s), expected, rtol=0, atol=0)


def test_the_state_keeps_its_size_and_stays_finite_over_ten_thousand_steps() -> None:
    head = make_head(sources=2, width=3)
    generator = torch.Generator().manual_seed(0)
    state = head.start(1, torch.zeros(1))
    sizes = {field.name: getattr(state, field.name).shape for field in fields(HeadState)}
    features = 100 * torch.randn(10_000, 1, 2, 3, generator=generator)
    seen = torch.nn.functional.one_hot(torch.randint(0, 3, (10_000, 1), generator=generator), 3)[..., :2].float()
    times_s = (torch.rand(10_000, 1, generator=generator) * 3).cumsum(dim=0)

    with torch.no_grad():
        for t in range(10_000):
            state = head.step(state, features[t], seen[t], times_s[t])

    for name, size in sizes.items():
        assert getattr(state, name).shape == size, name
        assert getattr(state, name).isfinite().all(), name
    assert float(state.seen) == float(seen.sum())
    assert head.scores(state).isfinite().all()


def test_gradients_are_finite_and_reach_which_source_saw_a_frame() -> None:
    head = make_head()
    features, seen, times_s = inputs()
    features.requires_grad_()
    seen.requires_grad_()

    head(features, seen, times_s).square().sum().backward()

    assert features.grad is not None
    assert seen.grad is not None
    assert features.grad.isfinite().all()
    assert seen.grad.isfinite().all()
    assert (seen.grad.abs() > 0).all()
    assert torch.equal(features.grad[seen == 0], torch.zeros_like(features.grad[seen == 0]))


def test_a_video_of_which_nothing_was_seen_has_finite_scores() -> None:
    head = make_head()
    features, seen, times_s = inputs(videos=1)

    torch.testing.assert_close(head(features, torch.zeros_like(seen), times_s), head.classify.bias[None])


def test_standardise_gives_mean_zero_and_deviation_one_on_what_it_was_set_from() -> None:
    standardise = Standardise(2)
    features = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    assert torch.equal(standardise(features), features)

    standardise.fit(features)

    # The second feature never varies, and keeps its scale.
    torch.testing.assert_close(standardise(features), torch.tensor([[-1.0, 0.0], [1.0, 0.0]]))
    assert float(standardise(torch.tensor([[1.0, 6.0]]))[0, 1]) == pytest.approx(1.0)
    assert set(standardise.state_dict()) == {"mean", "std"}


def test_standardise_set_from_a_single_row_stays_finite() -> None:
    standardise = Standardise(2)

    standardise.fit(torch.tensor([[1.0, 5.0]]))

    assert torch.equal(standardise(torch.tensor([[1.0, 5.0]])), torch.zeros(1, 2))


def test_what_is_far_from_the_training_clips_is_strange() -> None:
    head = Head(features=(4,), width=0, classes=2, changes=False, dropout=0.0, nominal_gap_s=0.1)
    training = torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
    head.usual.fit(training)

    near, far = head.strangeness(training).mean(), head.strangeness(training + 10).mean()

    assert 0.8 < float(near) < 1.1
    assert float(far) > 8
