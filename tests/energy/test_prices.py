"""Joules as what a budget counts."""

from __future__ import annotations

import pytest
import torch

from adaframe.config import Glance, Head, Look, Model, Policy, Preprocess, Sampling
from adaframe.energy.estimate import estimate
from adaframe.energy.hardware import load_hardware
from adaframe.energy.prices import energy_costs
from adaframe.energy.work import executed_work
from adaframe.model.actions import Decisions
from adaframe.model.network import Network

MODEL = Model(
    glance=Glance(pixels=8, backbone="tiny-2", weights="none", answers=True),
    looks=(Look("look-32", 32, "tiny-2", "none"), Look("look-16", 16, "tiny-4", "none")),
    policy=Policy(project=6, hidden=6, skips=(1,)),
    head=Head(width=8),
    sampling=Sampling(frames=4),
    preprocess=Preprocess(resize=32, crop=32),
)


@pytest.mark.parametrize("hardware", ["asic-45nm", "analog-pcm", "server-cpu"])
@pytest.mark.parametrize(
    "chosen", [("look-32", "look-32", "skip-1", "glance"), ("look-16", "look-32", "skip-1", "skip-1")]
)
def test_the_parts_add_up_to_the_estimate_of_what_is_executed(hardware: str, chosen: tuple[str, ...]) -> None:
    network = Network(MODEL, classes=3).eval()
    actions = torch.tensor([[network.actions.names.index(name) for name in chosen]])
    every = torch.ones_like(actions, dtype=torch.bool)
    decisions = Decisions(actions, every, every, every, network.actions)

    costs = energy_costs(load_hardware(hardware), network)

    whole = estimate(load_hardware(hardware), executed_work(network, decisions)).joules
    assert float(costs.executed(decisions)) == pytest.approx(whole)
    assert (costs.counted, costs.unit, costs.by) == ("energy", "joules", hardware)


def test_where_weights_stay_nothing_has_to_start() -> None:
    network = Network(MODEL, classes=3).eval()

    assert max(energy_costs(load_hardware("analog-pcm"), network).starts) == 0
    assert min(energy_costs(load_hardware("asic-45nm"), network).starts) > 0
