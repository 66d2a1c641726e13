"""Baselines spend what they are given, where they say they do. Costs are small numbers that can be checked in the head."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import Tensor

from adaframe.evaluation.baselines import (
    equal_cost_looks,
    frame_macs,
    most_changed,
    shuffled,
    spare_looks,
)
from adaframe.model.actions import Actions, Decisions
from adaframe.model.cost import Costs
from adaframe.model.plans import evenly

LARGE, SMALL, GLANCE, SKIP = 0, 1, 2, 3
ACTIONS = Actions(("large", "small"), glance_answers=True, skips=(1, 2))
# A large look costs 100, a small one 30, an answer of the glance 10 + 1. Under a policy each frame costs 10 + 2 more, but the
# glance is made once.
COSTS = Costs(glance=10, policy=2, looks=(99, 29), project=(1, 1, 1), head=5)


FREE_GLANCES = Costs(glance=0, policy=0, looks=(99, 29), project=(1, 1, 1), head=5)


def prefix(*lengths: int, frames: int = 8) -> Tensor:
    return torch.arange(frames) < torch.tensor(lengths)[:, None]


def policys(*videos: str, frames: int = 8) -> Decisions:
    """What a policy chose, a letter a frame (Large, small, glance, - skip); it glances at all frames, as files do."""
    valid = prefix(*(len(video) for video in videos), frames=frames)
    chosen = torch.zeros(len(videos), frames, dtype=torch.long)
    for row, video in enumerate(videos):
        chosen[row, : len(video)] = torch.tensor(["Lsg-".index(letter) for letter in video])
    return Decisions(chosen, valid.clone(), valid.clone(), valid, ACTIONS)


def letters(decisions: Decisions, video: int = 0) -> str:
    short = {"large": "L", "small": "s", "glance": "g", "skip": "-"}
    return "".join(short[name] for name in decisions.names(video))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# -- evenly ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("looks", "expected"),
    [(1, "----L---"), (2, "--L---L-"), (4, "-L-L-L-L"), (8, "LLLLLLLL")],
)
def test_a_static_plan_spreads_its_looks_evenly(looks: int, expected: str) -> None:
    chosen = letters(evenly(prefix(8), LARGE, looks, ACTIONS))

    # In the middle of each stretch, or just before it.
    assert chosen in (expected, expected[1:] + expected[:1])


@pytest.mark.parametrize("frames", [8, 16, 30])
def test_a_static_plan_has_exactly_its_looks_at_equal_distances(frames: int) -> None:
    for looks in range(1, frames + 1):
        decisions = evenly(prefix(frames, frames=frames), SMALL, looks, ACTIONS)

        at = decisions.seen()[0, :, SMALL].nonzero().flatten()
        assert len(at) == looks == int(decisions.seen().sum())
        gaps = at.diff().tolist()
        assert all(frames // looks <= gap <= -(-frames // looks) for gap in gaps)
        before, after = int(at[0]), frames - 1 - int(at[-1])
        assert abs(before - after) <= 1  # nothing at one end that the other has not
        assert max(before, after) <= frames / looks


def test_shorter_clips_get_their_share_but_at_least_one_look() -> None:
    decisions = evenly(prefix(8, 4, 3, 1), LARGE, 2, ACTIONS)

    assert [letters(decisions, video).count("L") for video in range(4)] == [2, 1, 1, 1]
    assert letters(decisions, 3) == "L"
    assert not decisions.seen()[~decisions.valid].any()


def test_a_static_plan_glances_only_where_the_glance_answers() -> None:
    looks, glances = evenly(prefix(8), LARGE, 2, ACTIONS), evenly(prefix(8), GLANCE, 2, ACTIONS)

    assert not looks.glanced.any()
    assert COSTS.executed(looks).tolist() == [2 * 100 + 5]
    assert torch.equal(glances.glanced, glances.seen()[..., GLANCE])
    assert int(glances.glanced.sum()) == 2


# -- random and the change rule ----------------------------------------------------------------------------------------


def test_random_keeps_the_looks_of_the_policy_and_adds_what_it_saves() -> None:
    # Spare: of seven glances and eight steps of the policy 86 (one large look); of four 48 (none); of eight 96 (one).
    policy = policys("Ls--g---", "s---", "LLLLLLL-")

    random = shuffled(policy, COSTS, generator())

    assert Counter(letters(random, 0)) == Counter("Ls--g--L")
    assert Counter(letters(random, 1)) == Counter("s---")
    assert Counter(letters(random, 2)) == Counter("LLLLLLLL")


def test_random_puts_them_anywhere() -> None:
    policy = policys("L-------")

    at = {letters(shuffled(policy, FREE_GLANCES, generator(seed))).index("L") for seed in range(100)}

    assert at == set(range(8))


def test_random_is_the_same_for_the_same_seed() -> None:
    policy = policys("Ls--g---", "s---")

    one, two, other = (shuffled(policy, COSTS, generator(seed)) for seed in (7, 7, 8))

    assert torch.equal(one.actions, two.actions)
    assert not torch.equal(one.actions, other.actions)


def test_the_change_rule_looks_where_most_changes() -> None:
    policy = policys("Ls------", "-g--")
    change = torch.tensor([[0, 3, 1, 9, 2, 7, 0, 0], [1, 2, 4, 3, 99, 99, 99, 99]])

    rule, with_more = (most_changed(policy, costs, change) for costs in (FREE_GLANCES, COSTS))

    assert letters(rule, 0) == "---L-s--"
    assert letters(rule, 1) == "--g-"  # frames beyond the clip's end do not count
    assert letters(with_more, 0) == "-s-L-L--"
    assert letters(with_more, 1) == "--g-"


def test_the_largest_look_comes_first_in_whatever_order_the_model_has_them() -> None:
    small_first = Costs(glance=0, policy=0, looks=(29, 99), project=(1, 1, 1), head=5)
    policy = policys("Ls------")  # here a small and a large one

    rule = most_changed(policy, small_first, torch.arange(8.0)[None])

    assert letters(rule) == "------Ls"


def test_neither_glances_unless_the_glance_answers() -> None:
    policy = policys("Ls--g---")

    for baseline in (shuffled(policy, COSTS, generator()), most_changed(policy, COSTS, torch.arange(8.0)[None])):
        assert torch.equal(baseline.glanced, baseline.seen()[..., GLANCE])
        assert COSTS.executed(baseline).tolist() == [2 * 100 + 30 + (10 + 1) + 5]


# -- equal cost --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "macs", "looks"),
    [
        (LARGE, 205, 2),
        (LARGE, 206, 3),  # rounded up: in the baseline's favour
        (SMALL, 5 + 61, 3),
        (GLANCE, 5 + 22, 2),  # 11 each: the glance and its projection
        (GLANCE, 5 + 23, 3),
        (LARGE, 5, 1),
        (SMALL, 9999, 8),
    ],
)
def test_how_many_looks_cost_at_least_as_much(source: int, macs: float, looks: int) -> None:
    assert equal_cost_looks(COSTS, source, macs, 8) == looks


def test_a_glance_that_needs_no_projection_has_a_price_too() -> None:
    free_head = Costs(glance=10, policy=2, looks=(99, 29), project=(0, 0, 0), head=5)

    assert equal_cost_looks(free_head, 2, 5 + 25, 8) == 3


def test_what_a_frame_costs_without_a_policy() -> None:
    assert [frame_macs(COSTS, source) for source in (LARGE, SMALL, GLANCE)] == [100, 30, 11]


def test_static_plans_of_equal_cost_are_never_cheaper() -> None:
    for videos in (("Ls--g---",), ("gggggggg",), ("Lsss----", "g---", "LLLLLLLL")):
        policy = policys(*videos)
        mean = float(COSTS.executed(policy).mean())
        frames = int(policy.valid.sum(dim=1).max())
        for source in (LARGE, SMALL, GLANCE):
            looks = equal_cost_looks(COSTS, source, mean, frames)
            plan = evenly(policy.valid, source, looks, ACTIONS)
            assert float(COSTS.executed(plan).mean()) >= mean or looks == frames


@pytest.mark.parametrize(
    ("video", "looks"),
    [
        ("L-------", 1),  # eight glances at 12: 96, nearly a large look
        ("L---", 0),  # four: 48, less than half of one
        ("L----", 1),  # five: 60
        ("gggg----", 1),  # four of the eight are answers, which a baseline pays for too: 96 - 40
        ("ggggg---", 0),  # 96 - 50
    ],
)
def test_what_the_policy_itself_costs_in_looks(video: str, looks: int) -> None:
    assert spare_looks(COSTS, policys(video)).tolist() == [looks]


def test_what_rounding_leaves_over_is_the_next_videos() -> None:
    videos = ["L---"] * 6  # 48 are spare in each: of 48, 96, 44, 92, 40, 88 the nearest looks are 0, 1, 0, 1, 0, 1

    assert spare_looks(COSTS, policys(*videos)).tolist() == [0, 1, 0, 1, 0, 1]


def test_where_no_frame_is_left_larger_looks_take_what_is_spare() -> None:
    # The policy's own cost is 96. One frame's 30 becomes 100, which leaves 26: less than half of another 70.
    policy = policys("ssssssss")

    assert spare_looks(COSTS, policy).tolist() == [1]
    assert Counter(letters(shuffled(policy, COSTS, generator()))) == Counter("Lsssssss")


def test_random_and_the_change_rule_are_never_starved() -> None:
    rows = torch.randint(0, 4, (200, 8), generator=generator()).tolist()
    lengths = torch.randint(1, 9, (200,), generator=generator(1)).tolist()
    videos = ["".join("Lsg-"[a] for a in row[:n]) for row, n in zip(rows, lengths, strict=True)]
    policy = policys(*[video if set(video) != {"-"} else "s" + video[1:] for video in videos])
    change = torch.rand(200, 8, generator=generator(2))

    for baseline in (shuffled(policy, COSTS, generator()), most_changed(policy, COSTS, change)):
        spent, had = COSTS.executed(baseline), COSTS.executed(policy)
        assert abs(float((spent - had).sum())) <= 50  # half a large look, of all videos together
        # What a video that is looked at wholly leaves over goes to others; else it is a look at most, either way.
        everything = COSTS.uniform(policy.valid.sum(dim=1))
        assert ((spent - had).abs() <= 100).logical_or(spent == everything).double().mean() > 0.9
