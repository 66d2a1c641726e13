"""Fixed plans: the baselines that spend their looks without a policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from adaframe.config import Look, Model
from adaframe.errors import UsageError
from adaframe.model.actions import Actions
from adaframe.model.network import Clips, Network
from adaframe.model.plans import Plan, evenly, parse_plan, planned, strongest_look

ACTIONS = Actions(looks=("big", "small"), glance_answers=True, skips=(1, 2))


def lengths(*frames: int, of: int = 8) -> Tensor:
    return torch.arange(of) < torch.tensor(frames)[:, None]


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("uniform", Plan("uniform", "look-32", 1)),
        ("glance", Plan("glance", "glance", 1)),
        ("static:look-16/4", Plan("static:look-16/4", "look-16", 4)),
        ("static:look-16", Plan("static:look-16", "look-16", 1)),
        ("random:look-16/4", Plan("random:look-16/4", "look-16", 4, "random")),
        ("change:look-32/2", Plan("change:look-32/2", "look-32", 2, "change")),
    ],
)
def test_plans_by_name(tiny: Model, text: str, plan: Plan) -> None:
    assert parse_plan(text, tiny) == plan


@pytest.mark.parametrize("text", ["unifrom", "static:look-16/0", "random:look-16/x", "change", ""])
def test_what_is_no_plan_is_refused_with_an_example(tiny: Model, text: str) -> None:
    with pytest.raises(UsageError, match=r"expected adaptive, .* random:LOOK/K .* static:look-32/4|no look is called"):
        parse_plan(text, tiny)


def test_an_unknown_look_is_refused_with_the_known_ones(tiny: Model) -> None:
    with pytest.raises(UsageError, match="no look is called look-64; this model has look-32, look-16"):
        parse_plan("change:look-64/2", tiny)


def test_every_kth_frame_is_seen_in_the_middle_of_its_stretch(
    tiny: Model, make_network: Callable[..., Network]
) -> None:
    network = make_network(plan="static:look-16/4")
    assert network.plan is not None

    decisions = network.plan.decisions(lengths(8, 7, 3, 2, 1), network.actions)

    # Frames 2 and 6; a clip that ends before them is seen at its first frame.
    seen = [[t for t in range(8) if row[t]] for row in decisions.seen()[..., 0].tolist()]
    assert seen == [[2, 6], [2, 6], [2], [0], [0]]
    assert decisions.names(3) == ["look-16", "skip"]


def test_a_rule_takes_as_many_frames_as_the_static_plan_those_of_the_highest_priority() -> None:
    valid = lengths(8, 7, 3, 2, 1)
    priority = torch.tensor([[1, 9, 3, 0, 2, 8, 5, 7]]).expand(5, 8)

    decisions = Plan("change:big/4", "big", 4, "change").decisions(valid, ACTIONS, priority)

    seen = [[t for t in range(8) if row[t]] for row in decisions.seen()[..., 0].tolist()]
    assert seen == [[1, 5], [1, 5], [1], [1], [0]]
    as_static = Plan("static:big/4", "big", 4).decisions(valid, ACTIONS)
    assert torch.equal(decisions.seen().sum(dim=1), as_static.seen().sum(dim=1))
    assert not decisions.glanced.any()


def test_of_frames_that_changed_alike_the_earlier_are_taken() -> None:
    decisions = Plan("change:big/2", "big", 2, "change").decisions(lengths(8), ACTIONS, torch.zeros(1, 8))

    assert decisions.names(0) == ["big"] * 4 + ["skip"] * 4


def test_a_rule_without_priorities_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="change:big/2: frames are chosen by their priority"):
        Plan("change:big/2", "big", 2, "change").decisions(lengths(8), ACTIONS)


@pytest.mark.parametrize("rule", ["random", "change"])
def test_under_a_rule_only_its_frames_are_computed_and_a_clip_is_answered_alike_in_any_batch(
    make_network: Callable[..., Network], make_clips: Callable[..., Clips], rule: str
) -> None:
    network, clips = make_network(plan=f"{rule}:look-32/3"), make_clips(videos=4, lengths=[8, 6, 3, 1])
    run: list[int] = []
    network.looks[0].register_forward_hook(lambda _, inputs, __: run.append(len(inputs[0])))

    with torch.no_grad():
        scores, decisions = network.recognise(clips)
        looks = sum(run)
        dense = network.classify(network.all_features(clips), decisions.seen().float(), clips.times_s)
        pairs = [network.recognise(Clips(*(x[b : b + 1] for x in vars(clips).values()))) for b in range(4)]

    assert network.glance is None
    assert decisions.seen().flatten(1).sum(dim=1).tolist() == [3, 2, 1, 1]
    assert looks == 7
    torch.testing.assert_close(scores, dense, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(scores, torch.cat([score for score, _ in pairs]), atol=1e-5, rtol=1e-5)
    assert torch.equal(decisions.actions, torch.cat([alone.actions for _, alone in pairs]))
    one_look = network.costs.looks[0] + network.costs.project[0]
    assert network.costs.executed(decisions).tolist() == [n * one_look + network.costs.head for n in (3, 2, 1, 1)]


@pytest.mark.parametrize("plan", ["uniform", "glance", "static:look-32/3", "static:look-32/5", "static:look-16/20"])
def test_every_clip_gets_a_look_whatever_its_length(make_network: Callable[..., Network], plan: str) -> None:
    network = make_network(plan=plan)

    decisions = network.decide(None, lengths(*range(1, 9)))

    assert decisions.seen().any(dim=2).any(dim=1).all()
    assert not decisions.seen()[~decisions.valid].any()


def test_a_plan_of_looks_glances_at_nothing(make_network: Callable[..., Network]) -> None:
    valid = lengths(8, 5)
    adaptive = make_network()

    decisions = Plan("static:look-16/4", "look-16", 4).decisions(valid, adaptive.actions)

    assert not decisions.glanced.any()
    one_look = adaptive.costs.looks[1] + adaptive.costs.project[1]
    assert adaptive.costs.executed(decisions).tolist() == [
        2 * one_look + adaptive.costs.head,
        one_look + adaptive.costs.head,
    ]


def test_the_glance_plan_glances_at_every_frame(make_network: Callable[..., Network]) -> None:
    network, valid = make_network(plan="glance"), lengths(8, 5)

    decisions = network.decide(None, valid)

    assert torch.equal(decisions.glanced, valid)
    assert torch.equal(decisions.seen()[..., 0], valid)
    glance = network.costs.glance + network.costs.project[0]
    assert network.costs.executed(decisions).tolist() == [
        8 * glance + network.costs.head,
        5 * glance + network.costs.head,
    ]


def test_uniform_takes_the_look_with_the_most_macs_not_the_most_pixels(tiny: Model) -> None:
    assert strongest_look(tiny) == "look-32"

    uneven = replace(tiny, looks=(Look("wide", 32, "tiny-2", "none"), Look("deep", 28, "tiny-8", "none")))

    assert strongest_look(uneven) == "deep"
    costs = Network(uneven, classes=2).costs
    assert uneven.looks[costs.strongest].name == "deep"


@pytest.mark.parametrize(("looks", "seen"), [(8, list(range(8))), (4, [0, 2, 4, 6]), (2, [1, 5]), (1, [3])])
def test_so_many_looks_are_spread_evenly(looks: int, seen: list[int]) -> None:
    decisions = evenly(lengths(8), 1, looks, ACTIONS)

    at = [t for t in range(8) if decisions.seen()[0, t, 1]]
    assert len(at) == looks
    gaps = {b - a for a, b in pairwise(at)}
    assert len(gaps) <= 1
    assert all(abs(a - b) <= 1 for a, b in zip(at, seen, strict=True))


@pytest.mark.parametrize("looks", range(1, 9))
def test_short_clips_get_their_share_of_looks_and_at_least_one(looks: int) -> None:
    valid = lengths(*range(1, 9))

    seen = evenly(valid, 0, looks, ACTIONS).seen()

    assert seen[..., 0].sum(dim=1).tolist() == [-(-frames * looks // 8) for frames in range(1, 9)]
    assert not seen[..., 1:].any()
    assert not seen[~valid].any()


def test_planned_decisions_glance_only_where_the_glance_answers() -> None:
    chosen = torch.tensor([[0, -1, 2, 1], [2, -1, 0, 0]])

    decisions = planned(chosen, lengths(4, 2, of=4), ACTIONS)

    assert decisions.names(0) == ["big", "skip", "glance", "small"]
    assert decisions.names(1) == ["glance", "skip"]
    assert decisions.glanced.tolist() == [[False, False, True, False], [True, False, False, False]]


def test_a_model_without_skips_cannot_leave_out_frames() -> None:
    actions = Actions(looks=("big",), glance_answers=False, skips=())

    with pytest.raises(ValueError, match="cannot leave out"):
        planned(torch.tensor([[0, -1]]), lengths(2, of=2), actions)
    assert planned(torch.tensor([[0, -1]]), lengths(1, of=2), actions).names(0) == ["big"]
