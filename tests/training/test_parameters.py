"""Which parameters learn, and how fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pytest
import torch

from adaframe.config import Glance, Head, Look, Model, Policy, Train
from adaframe.model.network import Network
from adaframe.training.parameters import backbones, freeze, frozen_norms, parameter_groups

SMALL = "shufflenet_v2_x0_5"
TINY = Model(
    glance=Glance(8, "tiny-2", "none"),
    looks=(Look("look-32", 32, "tiny-2", "none"), Look("look-16", 16, "tiny-2", "none")),
    policy=Policy(project=6, hidden=6),
    head=Head(width=8),
)
# Counts as pretrained; `pretrained=False` leaves the weights out, as nothing is learned here.
PRETRAINED = replace(
    TINY, looks=(Look("look-64", 64, SMALL, "torchvision"), Look("look-32", 32, SMALL, "torchvision", "look-64"))
)
Build = Callable[[Model], Network]


@pytest.fixture
def build() -> Build:
    return lambda model: Network(model, classes=3, pretrained=False)


def learns(module: torch.nn.Module) -> list[bool]:
    """Of each parameter that belongs to no norm, in order."""
    norms = {id(p) for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d) for p in m.parameters()}
    return [p.requires_grad for p in module.parameters() if id(p) not in norms]


def norms(module: torch.nn.Module) -> list[torch.nn.BatchNorm2d]:
    return [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)]


@pytest.mark.parametrize(("trainable", "low", "high"), [("none", 0.0, 0.0), ("last", 0.1, 0.4), ("all", 1.0, 1.0)])
def test_of_pretrained_backbones_none_the_last_part_or_all_learns(
    build: Build, trainable: Literal["none", "last", "all"], low: float, high: float
) -> None:
    network = build(PRETRAINED)

    freeze(network, Train(trainable=trainable))

    learning = learns(network.looks[0])
    assert low <= sum(learning) / len(learning) <= high
    assert learning == sorted(learning)  # what learns is the end
    assert not any(p.requires_grad for m in norms(network.looks[0]) for p in m.parameters())


def test_pretrained_norms_learn_only_where_all_do(build: Build) -> None:
    own, every = build(PRETRAINED), build(PRETRAINED)

    freeze(own, Train(norms="own"))
    freeze(every, Train(norms="all"))

    assert not any(p.requires_grad for m in norms(own.looks[0]) for p in m.parameters())
    assert all(p.requires_grad for p in every.parameters())


@pytest.mark.parametrize("trainable", ["none", "last", "all"])
def test_what_starts_from_scratch_learns_whatever_is_frozen(
    build: Build, trainable: Literal["none", "last", "all"]
) -> None:
    network = build(PRETRAINED)

    freeze(network, Train(trainable=trainable))

    assert network.glance is not None
    assert network.policy is not None
    for part in (network.glance, network.policy, network.head):
        assert all(p.requires_grad for p in part.parameters())


@pytest.mark.parametrize("backbone", ["swin_t", "convnext_tiny"])
def test_nothing_of_a_frozen_transformer_learns(build: Build, backbone: str) -> None:
    # They hold parameters beside their children: tables of positions, scales of layers.
    with torch.device("meta"):
        network = build(replace(TINY, looks=(Look("look-64", 64, backbone, "torchvision"),)))

    freeze(network, Train(trainable="none"))

    assert [n for n, p in network.looks.named_parameters() if p.requires_grad] == []


def test_norms_run_in_eval_mode_when_pretrained_and_after_the_warm_up(build: Build) -> None:
    network = build(PRETRAINED)
    assert network.glance is not None

    in_warm_up, afterwards = (set(frozen_norms(network, learn_own=own)) for own in (True, False))

    assert in_warm_up == set(norms(network.looks[0]))
    assert afterwards == set(norms(network.looks[0])) | set(norms(network.glance))
    assert all(isinstance(m, torch.nn.BatchNorm2d) for m in afterwards)


def test_each_backbone_is_named_once(build: Build) -> None:
    network = build(PRETRAINED)
    assert network.looks[0] is network.looks[1]

    assert [(m is network.looks[0], m is network.glance, p) for m, p in backbones(network)] == [
        (True, False, True),
        (False, True, False),
    ]


@pytest.mark.parametrize("trainable", ["none", "last", "all"])
@pytest.mark.parametrize("shares", ["", "look-32"])
def test_groups_hold_every_learnable_parameter_exactly_once(
    build: Build, shares: str, trainable: Literal["none", "last", "all"]
) -> None:
    looks = (*TINY.looks[:1], replace(TINY.looks[1], shares=shares), replace(PRETRAINED.looks[0], name="look-48"))
    network = build(replace(TINY, looks=looks))
    train = Train(trainable=trainable)
    freeze(network, train)

    grouped = [p for group in parameter_groups(network, train) for p in group["params"]]

    assert sorted(map(id, grouped)) == sorted(id(p) for p in network.parameters() if p.requires_grad)
    torch.optim.AdamW(parameter_groups(network, train))


def test_pretrained_backbones_learn_slower_the_policy_faster_and_only_matrices_decay(build: Build) -> None:
    network = build(PRETRAINED)
    train = Train(lr=0.01, backbone_lr=0.1, policy_lr=3.0, weight_decay=0.3)
    freeze(network, train)
    assert network.head.gap is not None
    assert network.head.level is not None
    assert network.policy is not None

    groups = parameter_groups(network, train)

    def settings(parameter: torch.Tensor) -> tuple[float, float]:
        (group,) = [g for g in groups if any(p is parameter for p in g["params"])]
        return round(group["lr"], 6), group["weight_decay"]

    assert settings(network.looks[0].get_parameter("conv1.0.weight")) == (0.001, 0.3)
    assert settings(network.policy.logits.weight) == (0.03, 0.3)
    assert settings(network.policy.logits.bias) == (0.03, 0.0)
    assert settings(network.policy.norm.weight) == (0.03, 0.0)
    assert settings(network.head.classify.weight) == (0.01, 0.3)
    assert settings(network.head.gap) == settings(network.head.level) == (0.01, 0.0)


def test_a_baseline_has_groups_too() -> None:
    network = Network(TINY, classes=3, plan="static:look-16/2")

    groups = parameter_groups(network, Train())

    assert sum(len(g["params"]) for g in groups) == len(list(network.parameters()))


def test_only_the_policy_learns_and_a_glance_that_nothing_has_taught(build: Build) -> None:
    own, shared = build(TINY), build(replace(TINY, glance=Glance(16, "tiny-2", "none", shares="look-32")))
    train = replace(Train(), only="policy")

    for network in (own, shared):
        freeze(network, train)

    assert own.policy is not None
    assert own.glance is not None
    assert all(p.requires_grad for module in (own.policy, own.glance) for p in module.parameters())
    assert not any(p.requires_grad for module in (own.head, own.looks) for p in module.parameters())
    assert shared.policy is not None
    wanted = {id(p) for p in shared.policy.parameters()}
    assert {id(p) for p in shared.parameters() if p.requires_grad} == wanted
