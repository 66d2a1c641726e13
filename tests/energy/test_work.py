"""What decisions make the hardware do."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from adaframe.config import Glance, Head, Look, Model, Policy, Preprocess, Sampling
from adaframe.energy.work import count_activations, count_weights, executed_work
from adaframe.model.actions import Actions, Decisions
from adaframe.model.network import Network

MODEL = Model(
    glance=Glance(pixels=8, backbone="tiny-2", weights="none", answers=True),
    looks=(Look("look-32", 32, "tiny-2", "none"), Look("look-16", 16, "tiny-2", "none")),
    policy=Policy(project=6, hidden=6, skips=(1,)),
    head=Head(width=8),
    sampling=Sampling(frames=4),
    preprocess=Preprocess(resize=32, crop=32),
)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(MODEL, classes=3).eval()


def chosen(actions: Actions, *names: str) -> Decisions:
    """One video."""
    index = torch.tensor([[actions.names.index(name) for name in names]])
    every = torch.ones_like(index, dtype=torch.bool)
    return Decisions(index, every, every, every, actions)


def test_weights_and_activations_by_hand() -> None:
    backbone = nn.Sequential(nn.Conv2d(3, 2, 3, stride=2, padding=1, bias=False), nn.ReLU())

    assert count_weights(backbone) == 2 * 27
    # The picture, and two channels of 2×2; what the ReLU gives is written in its place.
    assert count_activations(backbone, 4) == 3 * 16 + 2 * 4


def test_a_video_that_looks_twice_reads_the_weights_once(network: Network) -> None:
    once = executed_work(network, chosen(network.actions, "look-32", "skip-1", "skip-1", "skip-1"))
    twice = executed_work(network, chosen(network.actions, "look-32", "look-32", "skip-1", "skip-1"))

    assert twice.weights == once.weights
    assert twice.activations - once.activations == count_activations(network.looks[0], 32)


def test_a_look_that_is_not_used_reads_nothing(network: Network) -> None:
    both = executed_work(network, chosen(network.actions, "look-32", "look-16", "skip-1", "skip-1"))
    one = executed_work(network, chosen(network.actions, "look-32", "look-32", "skip-1", "skip-1"))

    assert both.weights - one.weights == count_weights(network.looks[1]) + count_weights(network.head.project[1])


def test_a_glance_that_answers_runs_its_backbone_no_second_time(network: Network) -> None:
    answers = executed_work(network, chosen(network.actions, "glance", "look-32", "skip-1", "skip-1"))
    skips = executed_work(network, chosen(network.actions, "skip-1", "look-32", "skip-1", "skip-1"))

    assert answers.activations == skips.activations
    assert answers.weights - skips.weights == count_weights(network.head.project[2])


def test_macs_are_those_that_are_counted_anyway(network: Network) -> None:
    decisions = chosen(network.actions, "look-32", "glance", "skip-1", "skip-1")

    assert executed_work(network, decisions).macs == float(network.costs.executed(decisions).mean())
