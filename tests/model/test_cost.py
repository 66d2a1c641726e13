"""What a recognition costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from adaframe.config import Glance, Look, Model
from adaframe.model.actions import Actions, Decisions
from adaframe.model.backbones import Tiny
from adaframe.model.cost import Costs, count_macs
from adaframe.model.network import Clips, Network
from adaframe.model.plans import parse_plan

ACTIONS = Actions(looks=("big", "small"), glance_answers=True, skips=(1, 2, 4))
# Glance and policy 10 a frame; the looks add 100 and 30 with their projections, the glance's projection 5.
COSTS = Costs(glance=8, policy=2, looks=(96, 27), project=(4, 3, 5), head=7)


def test_macs_of_a_tiny_backbone_by_hand() -> None:
    # 3 -> 2 -> 4 -> 8 -> 8 channels by 3×3 convolutions, on 4, 2, 1 and 1 pixels.
    by_hand = 16 * 2 * 27 + 4 * 4 * 18 + 1 * 8 * 36 + 1 * 8 * 72

    assert count_macs(Tiny(2), torch.empty(1, 3, 8, 8)) == by_hand


def test_counting_leaves_the_module_as_it_was() -> None:
    tiny = Tiny(2)
    before = {name: value.clone() for name, value in tiny.state_dict().items()}

    count_macs(tiny, torch.empty(1, 3, 8, 8))

    assert tiny.training
    assert all(torch.equal(value, before[name]) for name, value in tiny.state_dict().items())


def test_costs_of_a_tiny_network_by_hand(make_network: Callable[..., Network]) -> None:
    network = make_network()

    at_8 = 16 * 2 * 27 + 4 * 4 * 18 + 8 * 36 + 8 * 72
    at_16 = 64 * 2 * 27 + 16 * 4 * 18 + 4 * (8 * 36 + 8 * 72)
    # 16 glance features to 6; an LSTM of 6 to 6 with four gates; 6 actions. Features to 8; averages and changes to 3.
    policy = 16 * 6 + 4 * 6 * (6 + 6) + 6 * 6
    assert network.costs == Costs(at_8, policy, (4 * at_16, at_16), (16 * 8,) * 3, 16 * 3)


def test_a_baseline_pays_for_neither_glance_nor_policy(make_network: Callable[..., Network]) -> None:
    costs = make_network(plan="uniform").costs

    assert (costs.glance, costs.policy, len(costs.looks), len(costs.project)) == (0, 0, 1, 1)


def test_executed_and_streamed_cost_decision_by_decision(make_decisions: Callable[..., Decisions]) -> None:
    decisions = make_decisions(ACTIONS, "big skip-4 skip-4 skip-4 skip-4 glance", "small skip-2 skip-2 big", "glance")

    assert COSTS.executed(decisions).tolist() == [6 * 10 + 100 + 5 + 7, 4 * 10 + 30 + 100 + 7, 10 + 5 + 7]
    # A stream glances at neither the last three frames of a skip of four, nor the second of a skip of two.
    assert COSTS.streamed(decisions).tolist() == [3 * 10 + 100 + 5 + 7, 3 * 10 + 30 + 100 + 7, 10 + 5 + 7]


def test_streamed_is_never_more_than_executed(
    make_network: Callable[..., Network], make_clips: Callable[..., Clips]
) -> None:
    network = make_network()

    decisions = network.recognise(make_clips(videos=16))[1]

    executed, streamed = network.costs.executed(decisions), network.costs.streamed(decisions)
    assert (streamed <= executed).all()
    assert (streamed < executed).any()
    assert executed.dtype == torch.float64


def test_uniform_is_every_valid_frame_through_the_strongest_look(tiny: Model) -> None:
    assert COSTS.uniform(torch.tensor([1, 8])).tolist() == [100 + 7, 8 * 100 + 7]

    valid = torch.arange(8) < torch.tensor([[8], [3]])
    network = Network(tiny, classes=3)
    executed = network.costs.executed(parse_plan("uniform", tiny).decisions(valid, network.actions))
    assert executed.tolist() == network.costs.uniform(valid.sum(dim=1)).tolist()


def test_the_strongest_look_is_the_one_with_the_most_macs() -> None:
    assert COSTS.strongest == 0
    assert replace(COSTS, looks=(27, 96)).strongest == 1


def test_a_checkpoint_without_looks_counts_its_glance() -> None:
    assert Costs(glance=8, policy=0, looks=(), project=(5,), head=7).uniform_frame == 13


def test_cost_per_action_is_streamed_macs_per_frame_over_those_of_uniform() -> None:
    assert COSTS.per_action(ACTIONS) == pytest.approx((1.1, 0.4, 0.15, 0.1, 0.05, 0.025))


def test_price_is_what_deciding_for_an_action_adds() -> None:
    # Looks and the glance's answer add their own; a skip of n saves the n-1 glances that follow.
    assert COSTS.price(ACTIONS) == pytest.approx((1.0, 0.3, 0.05, 0.0, -0.1, -0.3))


def test_costs_agree_with_a_counter_around_the_recognition_of_mobilenets() -> None:
    torch.manual_seed(0)
    model = Model(
        glance=Glance(32, "mobilenet_v2", "none", shares="look-96"),
        looks=(
            Look("look-96", 96, "mobilenet_v2", "none"),
            Look("look-64", 64, "mobilenet_v2", "none", shares="look-96"),
        ),
    )
    network = Network(model, classes=5).eval()
    valid = torch.ones(1, 6, dtype=torch.bool)
    clips = Clips(torch.randint(0, 256, (1, 6, 96, 96, 3), dtype=torch.uint8), valid, torch.arange(6.0)[None])
    for favourite in ("look-96", "look-64", "skip-2"):
        bias = torch.zeros(1, len(network.actions))
        bias[:, network.actions.names.index(favourite)] = 0.15

        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            decisions = network.recognise(clips, bias=bias)[1]

        measured = counter.get_total_flops() / 2
        assert float(network.costs.executed(decisions)) == pytest.approx(measured, rel=0.02), decisions.names(0)


STARTED = replace(COSTS, starts=(50.0, 20.0, 0.0), counted="latency")


def test_a_start_is_counted_once_for_each_video_that_uses_the_look(make_decisions: Callable[..., Decisions]) -> None:
    decisions = make_decisions(ACTIONS, "big big small skip-1", "glance glance skip-1 skip-1")

    added = STARTED.executed(decisions) - COSTS.executed(decisions)

    assert added.tolist() == [70.0, 0.0]


def test_uniform_starts_once() -> None:
    assert float(STARTED.uniform(torch.tensor([4]))) == 4 * 100 + 50 + 7


def test_the_floor_is_all_glances_and_the_cheapest_answer() -> None:
    # The glance's own projection is cheapest; where every source has to start, the least of both together.
    assert COSTS.floor(4) == pytest.approx((4 * 10 + 5 + 7) / (4 * 100 + 7))
    dear = replace(STARTED, starts=(50.0, 20.0, 60.0))
    assert dear.floor(4) == pytest.approx((4 * 10 + (30 + 20) + 7) / (4 * 100 + 50 + 7))


def test_costs_are_macs_unless_they_say_otherwise() -> None:
    assert (COSTS.counted, COSTS.unit, COSTS.of_uniform) == ("macs", "GMACs", "uniform")
