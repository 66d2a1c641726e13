"""Random decisions for the warm-up."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from adaframe.model.actions import Actions, Decisions
from adaframe.training.warmup import random_decisions

ACTIONS = Actions(looks=("big", "small"), glance_answers=True, skips=(1, 2))


def lengths(*frames: int, of: int = 8) -> Tensor:
    return torch.arange(of) < torch.tensor(frames)[:, None]


def draw(
    valid: Tensor, *, actions: Actions = ACTIONS, seed: int = 0, uniform: float = 0.4, strongest: int = 0
) -> Decisions:
    generator = torch.Generator().manual_seed(seed)
    return random_decisions(valid, actions, generator, uniform=uniform, strongest=strongest)


def test_mixed_clips_meet_every_source_about_equally_often() -> None:
    seen = draw(lengths(*[8] * 3000), uniform=0.0).seen().sum(dim=(0, 1)).float()

    torch.testing.assert_close(seen / seen.sum(), torch.full((3,), 1 / 3), rtol=0, atol=0.03)


@pytest.mark.parametrize("uniform", [0.0, 0.4])
def test_every_number_of_frames_seen_is_met_and_never_none(uniform: float) -> None:
    seen = draw(lengths(*[8] * 2000), uniform=uniform).seen().sum(dim=(1, 2))

    assert set(seen.tolist()) == set(range(1, 9))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_short_clips_are_seen_at_least_once_and_only_where_valid(length: int) -> None:
    decisions = draw(lengths(*[length] * 500))

    assert decisions.seen().any(dim=2).any(dim=1).all()
    assert not decisions.seen()[:, length:].any()
    assert (decisions.actions[:, length:] == 0).all()


def test_uniform_clips_are_seen_wholly_through_one_source() -> None:
    decisions = draw(lengths(8, 8, 8, 5, 8, 8, 8, 8, 8, 8), uniform=1.0)

    seen = decisions.seen().sum(dim=1)
    assert torch.equal(seen.max(dim=1).values, decisions.valid.sum(dim=1))
    assert len(set(seen.argmax(dim=1).tolist())) > 1


@pytest.mark.parametrize("strongest", [0, 1])
def test_half_of_the_uniform_clips_and_their_share_of_the_rest_take_the_strongest_look(strongest: int) -> None:
    seen = draw(lengths(*[8] * 3000), uniform=1.0, strongest=strongest).seen().sum(dim=(0, 1)).float()

    expected = torch.full((3,), 1 / 6)
    expected[strongest] = 1 / 2 + 1 / 6
    torch.testing.assert_close(seen / seen.sum(), expected, rtol=0, atol=0.03)


def test_clips_mix_their_sources_in_all_proportions() -> None:
    counts = draw(lengths(*[8] * 5000), uniform=0.0).seen().sum(dim=1)

    # Of clips with 7 frames seen, a flat Dirichlet leaves 3 of 36 to one source alone; even odds would leave 3 of 2187.
    seven = counts[counts.sum(dim=1) == 7]
    alone = (seven.max(dim=1).values == 7).float().mean()
    assert len(seven) > 300
    assert float(alone) == pytest.approx(3 / 36, abs=0.04)
    assert ((seven > 0).sum(dim=1) == 3).float().mean() > 0.3


def test_a_share_of_a_batch_meets_the_decisions_that_it_would_meet_in_the_whole() -> None:
    valid = lengths(8, 3, 8, 1, 5)
    whole = draw(valid, uniform=0.4)

    for first, stop in ((0, 2), (2, 5)):
        generator = torch.Generator().manual_seed(0)
        share = random_decisions(valid[first:stop], ACTIONS, generator, among=(first, 5))
        assert torch.equal(share.actions, whole.actions[first:stop])


def test_the_frames_that_are_not_seen_are_skipped() -> None:
    decisions = draw(lengths(*[8] * 200))

    unseen = ~decisions.seen().any(dim=2)
    assert unseen.any()
    assert {decisions.of.names[a] for a in decisions.actions[unseen].tolist()} == {"skip-1"}


def test_a_model_that_cannot_skip_sees_every_frame() -> None:
    decisions = draw(lengths(8, 5, 1), actions=Actions(("big", "small"), False, ()))

    assert torch.equal(decisions.seen().any(dim=2), decisions.valid)


def test_decisions_repeat_with_the_generator_only() -> None:
    valid = lengths(*[8] * 20)

    assert torch.equal(draw(valid).actions, draw(valid).actions)
    assert not torch.equal(draw(valid).actions, draw(valid, seed=1).actions)
