"""What the actions of a model are, and what decisions say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from adaframe.model.actions import Actions, Decisions

ACTIONS = Actions(looks=("big", "small"), glance_answers=True, skips=(1, 2, 4))


def test_actions_are_looks_then_the_glance_then_skips() -> None:
    assert ACTIONS.sources == ("big", "small", "glance")
    assert ACTIONS.names == ("big", "small", "glance", "skip-1", "skip-2", "skip-4")
    assert ACTIONS.covers == (1, 1, 1, 1, 2, 4)
    assert len(ACTIONS) == 6


def test_a_glance_that_does_not_answer_is_no_action() -> None:
    silent = Actions(looks=("big",), glance_answers=False, skips=(2,))

    assert silent.sources == ("big",)
    assert silent.names == ("big", "skip-2")


def test_decisions_name_the_actions_of_the_valid_frames(make_decisions: Callable[..., Decisions]) -> None:
    decisions = make_decisions(ACTIONS, "big skip-2 skip-2 glance", "small skip-1")

    assert decisions.names(0) == ["big", "skip", "skip", "glance"]
    assert decisions.names(1) == ["small", "skip"]


def test_decisions_of_a_batch_are_split_by_videos(make_decisions: Callable[..., Decisions]) -> None:
    decisions = make_decisions(ACTIONS, "big skip-2 skip-2 glance", "small skip-1", "glance")

    first, none, others = decisions.cpu().split([1, 0, 2])

    assert [first.names(0), others.names(0), others.names(1)] == [
        ["big", "skip", "skip", "glance"],
        ["small", "skip"],
        ["glance"],
    ]
    assert none.actions.shape == (0, 4)
    assert torch.equal(others.valid, decisions.valid[1:])
    assert torch.equal(others.decided, decisions.decided[1:])


def test_decisions_say_which_source_saw_each_frame(make_decisions: Callable[..., Decisions]) -> None:
    seen = make_decisions(ACTIONS, "big skip-1 glance", "small").seen()

    assert seen.tolist() == [
        [[True, False, False], [False, False, False], [False, False, True]],
        [[False, True, False], [False, False, False], [False, False, False]],
    ]


def test_shares_are_of_the_valid_frames_and_sum_to_one(make_decisions: Callable[..., Decisions]) -> None:
    shares = make_decisions(ACTIONS, "big skip-2 skip-2 glance", "big").shares()

    assert shares == {"big": 0.4, "small": 0.0, "glance": 0.2, "skip-1": 0.0, "skip-2": 0.4, "skip-4": 0.0}


def test_decisions_of_unequal_shapes_are_refused() -> None:
    chosen, yes = torch.zeros(2, 4, dtype=torch.long), torch.ones(2, 4, dtype=torch.bool)

    with pytest.raises(ValueError, match=r"glanced is \(2, 3\), actions are \(2, 4\)"):
        Decisions(chosen, yes, yes[:, :3], yes, ACTIONS)
