"""The curve along which a checkpoint can move."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from adaframe.model.plans import evenly
from adaframe.training.calibration import BETAS, Outcome, curve, outcome, trace


def answered(cost: float, *, right: int = 1, of: int = 2, stream: float | None = None) -> Outcome:
    ones = np.ones(of)
    scores = np.array([[1.0, 0.0]] * of)
    targets = np.eye(2)[[0] * right + [1] * (of - right)]
    return Outcome(np.arange(of), scores, targets, ones * cost, ones * (stream or cost), ones, ones, {})


def test_a_point_tells_bias_costs_and_accuracy() -> None:
    (point,) = curve([(0.5, answered(0.8, right=3, of=4, stream=0.7))])

    assert (point.beta, point.cost, point.cost_stream, point.accuracy) == (0.5, 0.8, 0.7, 0.75)


def test_cost_falls_with_the_bias_and_what_buys_nothing_is_left_out() -> None:
    costs = [0.9, 0.95, 0.700004, 0.699998, 0.7, 0.4]

    points = curve([(float(n), answered(cost)) for n, cost in enumerate(costs)])

    assert [(p.beta, p.cost) for p in points] == [(0.0, 0.9), (2.0, 0.7), (5.0, 0.4)]


def test_the_curve_of_a_network_falls_from_its_own_choice_to_its_cheapest(
    make_recogniser: Callable[..., Any], make_batch: Callable[..., Any]
) -> None:
    module = make_recogniser()
    batches = [make_batch(module.network, videos=12, seed=n, short=False, features=True) for n in range(2)]
    torch.manual_seed(1)
    with torch.no_grad():
        module.network.policy.logits.weight.normal_(0, 5)
        for batch in batches:
            batch.features.glance.normal_()  # pictures of noise look all the same to an untrained glance

    points = curve([(beta, outcome(module, batches, beta)) for beta in BETAS])

    costs = module.network.costs
    cheapest = 4 * (costs.glance + costs.policy) + costs.sources()[1] + costs.head
    assert len(points) >= 3
    assert all(a.cost > b.cost and a.beta < b.beta for a, b in itertools.pairwise(points))
    assert points[0].beta == 0.0
    assert points[-1].cost == pytest.approx(cheapest / (4 * costs.uniform_frame + costs.head), abs=1e-5)
    assert points[-1].cost_stream < points[-1].cost  # a stream does not glance at what is skipped


def test_an_outcome_is_what_the_network_does_clip_by_clip(
    make_recogniser: Callable[..., Any], make_batch: Callable[..., Any]
) -> None:
    module = make_recogniser()
    batches = [make_batch(module.network, videos=3, seed=n) for n in range(2)]

    found = outcome(module, batches, 0.2)

    assert found.scores.shape == (6, 2)
    np.testing.assert_allclose(found.scores.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found.gmacs / found.gmacs_uniform, found.cost)
    assert sum(found.actions.values()) == pytest.approx(1)
    with torch.no_grad():
        scores, decisions = module.recognise(batches[1], 0.2)
    np.testing.assert_allclose(found.scores[3:], torch.softmax(scores, dim=1).numpy(), rtol=1e-5)
    np.testing.assert_allclose(found.gmacs[3:], module.network.costs.executed(decisions).numpy() / 1e9)
    assert found.right.tolist() == (found.scores.argmax(axis=1) == found.targets.argmax(axis=1)).tolist()


def test_shares_of_actions_weigh_frames_not_batches(
    make_recogniser: Callable[..., Any], make_batch: Callable[..., Any]
) -> None:
    module = make_recogniser()
    one, many = make_batch(module.network, videos=1), make_batch(module.network, videos=9, seed=4)

    found = outcome(module, [one, many])

    with torch.no_grad():
        taken = [module.recognise(b)[1] for b in (one, many)]
    frames = torch.cat([d.actions[d.valid] for d in taken])
    expected = [float((frames == n).float().mean()) for n in range(len(taken[0].of))]
    assert list(found.actions.values()) == pytest.approx(expected)


def test_a_plan_can_stand_in_for_the_policy(
    make_recogniser: Callable[..., Any], make_batch: Callable[..., Any]
) -> None:
    module = make_recogniser()
    plan = partial(evenly, source=0, looks=4, actions=module.network.actions)

    found = outcome(module, [make_batch(module.network)], plan=plan)

    np.testing.assert_allclose(found.cost, 1.0)
    assert found.actions["look-32"] == 1.0


def test_confidences_of_several_labels_are_of_each_on_its_own(
    make_recogniser: Callable[..., Any], make_batch: Callable[..., Any]
) -> None:
    module = make_recogniser(multi_label=True)
    batch = make_batch(module.network)

    found = outcome(module, [batch])

    with torch.no_grad():
        expected = torch.sigmoid(module.recognise(batch)[0])
    np.testing.assert_allclose(found.scores, expected.numpy(), rtol=1e-5)


def test_measuring_leaves_the_module_able_to_learn_again(
    make_recogniser: Callable[..., Any], make_batch: Callable[..., Any]
) -> None:
    module = make_recogniser()
    batch = make_batch(module.network)

    outcome(module, [batch])
    scores, _ = module.recognise(batch)
    scores.sum().backward()

    assert module.network.head.classify.weight.grad is not None


def test_biases_are_tried_between_others_where_the_cost_falls_steeply() -> None:
    asked: list[float] = []

    def answer(beta: float) -> Outcome:
        asked.append(beta)
        return answered(max(0.1, 0.9 - beta))  # from 0.9 to 0.1 between the biases 0 and 0.8

    traced = trace(answer)

    costs = [float(o.cost.mean()) for _, o in traced]
    assert [beta for beta, _ in traced] == sorted(asked)
    assert set(BETAS) <= set(asked)
    assert max(a - b for a, b in itertools.pairwise(costs)) <= 0.03 + 1e-9


def test_a_jump_that_no_bias_divides_does_not_take_for_ever() -> None:
    asked: list[float] = []

    def answer(beta: float) -> Outcome:
        asked.append(beta)
        return answered(0.9 if beta < 0.61 else 0.1)

    traced = trace(answer)

    below = [beta for beta, o in traced if o.cost.mean() > 0.5]
    assert len(asked) < len(BETAS) + 10
    assert max(below) == pytest.approx(0.61, rel=0.02)
