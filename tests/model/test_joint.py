"""The joint stage: its scores are those of the routed way, and its gradients those of a fully dense network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from adaframe.config import Model
from adaframe.model.network import Clips, Network
from adaframe.model.policy import Choice

Build = Callable[..., Network]
Draw = Callable[..., Clips]
Joint = Callable[..., tuple[Tensor, Choice, Tensor]]
LENGTHS = [8, 8, 7, 5, 2, 1]


@pytest.mark.parametrize("answers", [True, False], ids=["glance-answers", "glance-silent"])
@pytest.mark.parametrize("lengths", [LENGTHS, [8], [3]], ids=["batch", "one-clip", "one-short-clip"])
def test_joint_and_routed_ways_give_the_same_scores(
    run_joint: Joint, make_network: Build, make_clips: Draw, answers: bool, lengths: list[int]
) -> None:
    network = make_network(answers=answers, opinion=0.3)
    clips = make_clips(videos=len(lengths), lengths=lengths)
    met = set()

    for seed in range(48 // sum(lengths) + 4):
        scores, choice, glances = run_joint(network, clips, seed=seed)
        routed = network.look(clips, glances, choice.decisions)

        torch.testing.assert_close(routed, scores, rtol=0, atol=1e-4)
        met |= set(choice.decisions.actions[clips.valid].tolist())

    assert met == set(range(len(network.actions)))


@pytest.mark.parametrize("action", ["look-32", "look-16", "glance", "skip-1", "skip-2", "skip-4"])
def test_joint_and_routed_ways_agree_where_one_action_prevails(
    run_joint: Joint, make_network: Build, make_clips: Draw, action: str
) -> None:
    network, clips = make_network(), make_clips(videos=6, lengths=LENGTHS)
    bias = torch.zeros(6, len(network.actions))
    bias[:, network.actions.names.index(action)] = 1e6

    scores, choice, glances = run_joint(network, clips, bias=bias)

    assert choice.decisions.shares()[action] > 0.7
    torch.testing.assert_close(network.look(clips, glances, choice.decisions), scores, rtol=0, atol=1e-4)


def dense_joint(network: Network, clips: Clips, *, seed: int, bias: Tensor) -> tuple[Tensor, Choice]:
    """The reference: every look computes every frame with gradients, weighted by the straight-through one-hots."""
    assert network.policy is not None
    features = network.all_features(clips)
    assert features.glance is not None
    generator = torch.Generator().manual_seed(seed)
    choice = network.policy.decide(features.glance, clips.valid, bias=bias, temperature=2.0, generator=generator)
    sources = [*features.looks, *([features.glance] if network.actions.glance_answers else [])]
    projected = [project(f) for project, f in zip(network.head.project, sources, strict=True)]
    weights = choice.one_hot[..., : len(sources)]
    return network.head(torch.stack(projected, dim=2), weights, clips.times_s), choice


@pytest.mark.parametrize("shares", ["", "look-32"], ids=["own-weights", "shared-weights"])
@pytest.mark.parametrize("answers", [True, False], ids=["glance-answers", "glance-silent"])
@pytest.mark.parametrize("lengths", [LENGTHS, [8]], ids=["batch", "one-clip"])
def test_gradients_equal_those_of_the_fully_dense_network(
    run_joint: Joint, make_network: Build, make_clips: Draw, tiny: Model, answers: bool, shares: str, lengths: list[int]
) -> None:
    small = replace(tiny.looks[1], shares=shares)
    model = replace(tiny, looks=(tiny.looks[0], small), glance=replace(tiny.glance, shares=shares))
    network = make_network(model, answers=answers, opinion=0.3)
    clips = make_clips(videos=len(lengths), lengths=lengths)
    targets = torch.arange(len(lengths)) % 3
    # Fewer skips, so that even one clip meets every look twice.
    bias = torch.tensor([0.0] * len(network.actions.sources) + [-2.0] * 3).expand(len(lengths), -1)

    gradients = []
    for way in ("joint", "dense"):
        network.zero_grad()
        run = run_joint if way == "joint" else dense_joint
        scores, choice = run(network, clips, seed=5, bias=bias)[:2]
        (torch.nn.functional.cross_entropy(scores, targets) + choice.one_hot[..., 0].mean()).backward()
        gradients.append({n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in network.named_parameters()})

    for name, expected in gradients[1].items():
        torch.testing.assert_close(gradients[0][name], expected, rtol=1e-3, atol=1e-5, msg=f"gradient of {name}")
    parts = ("looks.0", "looks.1", "glance", "policy", "head.gap", "head.project.0", "head.classify")
    for part in parts:
        assert any(g.abs().sum() > 1e-3 for n, g in gradients[1].items() if n.startswith(part)), part


def test_joint_from_features_equals_joint_from_clips(run_joint: Joint, make_network: Build, make_clips: Draw) -> None:
    network, clips = make_network(), make_clips(videos=6, lengths=LENGTHS)
    with torch.no_grad():
        features = network.all_features(clips)

    from_clips, choice, _ = run_joint(network, clips)
    from_features, other, _ = run_joint(network, clips, features=features)

    torch.testing.assert_close(from_features, from_clips, rtol=0, atol=1e-4)
    assert torch.equal(other.decisions.actions, choice.decisions.actions)


def test_classification_alone_reaches_the_policy(run_joint: Joint, make_network: Build, make_clips: Draw) -> None:
    network, clips = make_network(), make_clips(videos=4)
    assert network.policy is not None

    scores, _, _ = run_joint(network, clips)
    torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1, 2, 0])).backward()

    for name, parameter in network.policy.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_frozen_looks_leave_the_policy_its_gradient(run_joint: Joint, make_network: Build, make_clips: Draw) -> None:
    network, clips = make_network(), make_clips(videos=4)
    assert network.policy is not None
    network.looks.requires_grad_(False)

    run_joint(network, clips)[0].square().sum().backward()

    assert network.policy.logits.weight.grad is not None
    assert network.policy.logits.weight.grad.abs().sum() > 0
