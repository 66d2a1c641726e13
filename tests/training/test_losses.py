"""What training minimises."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adaframe.model.actions import Actions, Decisions
from adaframe.model.cost import Costs
from adaframe.model.policy import Choice, Policy
from adaframe.training.losses import (
    balancing_weights,
    classification_loss,
    cost_penalty,
    fixed_weight_loss,
    head_penalty,
)

ACTIONS = Actions(looks=("big", "small"), glance_answers=True, skips=(1, 2, 4))
COSTS = Costs(glance=8, policy=2, looks=(96, 27), project=(4, 3, 5), head=0)


@pytest.fixture
def policy() -> Policy:
    torch.manual_seed(0)
    return Policy(features=5, project=6, hidden=6, actions=ACTIONS)


def choose(policy: Policy, valid: Tensor, *, bias: Tensor | None = None, seed: int = 0) -> Choice:
    generator = torch.Generator().manual_seed(seed)
    glances = torch.randn(*valid.shape, 5, generator=generator)
    return policy.decide(glances, valid, bias=bias, temperature=1.0, generator=generator)


def one_hot(*videos: str) -> Tensor:
    """One-hots of actions by name; "-" is invalid."""
    rows = [[ACTIONS.names.index(name) if name != "-" else len(ACTIONS) for name in video.split()] for video in videos]
    return F.one_hot(torch.tensor(rows), len(ACTIONS) + 1)[..., :-1].float()


def test_cross_entropy_by_hand() -> None:
    scores = torch.tensor([[math.log(3.0), 0.0], [0.0, 0.0]])
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0]])

    loss = classification_loss(scores, targets, multi_label=False)

    assert float(loss) == pytest.approx((-math.log(3 / 4) - math.log(1 / 2)) / 2)


def test_label_smoothing_spreads_the_target_over_all_classes() -> None:
    scores, targets = torch.tensor([[math.log(3.0), 0.0]]), torch.tensor([[1.0, 0.0]])

    loss = classification_loss(scores, targets, multi_label=False, label_smoothing=0.2)

    assert float(loss) == pytest.approx(-0.9 * math.log(3 / 4) - 0.1 * math.log(1 / 4))


def test_binary_cross_entropy_by_hand() -> None:
    scores = torch.tensor([[math.log(3.0), 0.0, 0.0]])
    targets = torch.tensor([[1.0, 1.0, 0.0]])

    loss = classification_loss(scores, targets, multi_label=True)

    assert float(loss) == pytest.approx((-math.log(3 / 4) - 2 * math.log(1 / 2)) / 3)


def test_label_smoothing_of_several_labels_is_between_yes_and_no_of_each() -> None:
    scores, targets = torch.tensor([[math.log(3.0), 0.0]]), torch.tensor([[1.0, 0.0]])

    loss = classification_loss(scores, targets, multi_label=True, label_smoothing=0.2)

    first = -0.9 * math.log(3 / 4) - 0.1 * math.log(1 / 4)
    assert float(loss) == pytest.approx((first - math.log(1 / 2)) / 2)


def test_cost_penalty_by_hand() -> None:
    # Per frame of uniform's 100: big 110, glance 15, skip-2 5 for each of its two frames; small 40.
    hots = one_hot("big skip-2 skip-2 glance", "small - - -")

    penalty = cost_penalty(hots, hots.sum(dim=2) > 0, COSTS, ACTIONS)

    assert float(penalty) == pytest.approx(((1.10 + 0.05 + 0.05 + 0.15) / 4 + 0.40) / 2)


def test_cost_penalty_is_the_mean_cost_of_a_stream(policy: Policy) -> None:
    valid = torch.arange(9) < torch.tensor([9, 9, 9, 9, 6, 4, 2, 1, 9, 9, 9, 9])[:, None]
    choice = choose(policy, valid)
    decisions = choice.decisions
    # A skip that the clip's end cuts short costs its whole glance in a stream, and only a part in the penalty.
    covers = torch.tensor(ACTIONS.covers)[decisions.actions]
    start = torch.where(decisions.decided, torch.arange(9), -1).cummax(dim=1).values
    cut = (start + covers > valid.sum(dim=1, keepdim=True)) & valid
    whole = ~cut.any(dim=1)
    assert 4 < whole.sum() < 12

    penalty = cost_penalty(choice.one_hot[whole], valid[whole], COSTS, ACTIONS)

    kept = Decisions(
        decisions.actions[whole], decisions.decided[whole], decisions.glanced[whole], valid[whole], decisions.of
    )
    streamed = COSTS.streamed(kept) / COSTS.uniform(kept.valid.sum(dim=1))
    assert penalty.item() == pytest.approx(float(streamed.mean()), rel=1e-5)


def test_a_start_is_paid_once_by_each_video_that_uses_the_look() -> None:
    # Of uniform's 100 a frame: big 110 and its start of 50, glance 15, skip-2 5 a frame; small 40 and its start of 20.
    hots = one_hot("big big skip-2 skip-2 glance", "small - - - -")
    started = replace(COSTS, starts=(50, 20, 0))

    penalty = cost_penalty(hots, hots.sum(dim=2) > 0, started, ACTIONS)

    assert float(penalty) == pytest.approx(((2 * 1.10 + 0.5 + 0.05 + 0.05 + 0.15) / 5 + (0.40 + 0.2)) / 2)


def test_only_the_frame_that_alone_chose_a_look_is_charged_for_its_start() -> None:
    once, twice = one_hot("big glance glance").requires_grad_(), one_hot("big big glance").requires_grad_()
    valid = torch.ones(1, 3, dtype=torch.bool)

    for hots in (once, twice):
        cost_penalty(hots, valid, replace(COSTS, starts=(60, 0, 0)), ACTIONS).backward()

    assert once.grad is not None
    assert twice.grad is not None
    # A third of 110 of 100, and of the start's 60 where there is no other.
    assert once.grad[0, :, 0].tolist() == pytest.approx([1.7 / 3, 1.1 / 3, 1.1 / 3])
    assert twice.grad[0, :, 0].tolist() == pytest.approx([1.1 / 3] * 3)


def test_cost_penalty_alone_teaches_the_policy_to_spend_less(policy: Policy) -> None:
    valid = torch.ones(32, 8, dtype=torch.bool)
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.02)
    penalties = []

    for update in range(40):
        penalty = cost_penalty(choose(policy, valid, seed=update).one_hot, valid, COSTS, ACTIONS)
        optimizer.zero_grad()
        penalty.backward()
        if update == 0:
            assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in policy.parameters())
        optimizer.step()
        penalties.append(float(penalty.detach()))

    assert penalties[-1] < 0.5 * penalties[0]


def test_the_fixed_weights_by_hand() -> None:
    # Two looks of four frames: one big (2 GMACs), one glance, two skips.
    costs = replace(COSTS, looks=(2_000_000_000, 1_000_000_000))
    hots = one_hot("big skip-2 skip-2 glance")

    loss = fixed_weight_loss(torch.tensor(0.7), hots, costs, ACTIONS, (0.95, 0.05, 3.0))

    shares = [1 / 4, 0, 1 / 4, 0, 2 / 4, 0]
    spread = math.sqrt(sum((u - 1 / 6) ** 2 for u in shares))
    assert float(loss) == pytest.approx(0.95 * 0.7 + 0.05 * (2 / 4 + 3.0 * spread))


def test_the_fixed_weights_count_no_invalid_frames() -> None:
    short, long = one_hot("big small - -"), one_hot("big small")

    losses = [fixed_weight_loss(torch.tensor(0.0), hots, COSTS, ACTIONS, (1.0, 1.0, 1.0)) for hots in (short, long)]

    torch.testing.assert_close(losses[0], losses[1])


def test_the_fixed_weights_reach_the_policy_and_the_classifier(policy: Policy) -> None:
    accuracy_loss = torch.tensor(1.0, requires_grad=True)
    hots = choose(policy, torch.ones(4, 6, dtype=torch.bool)).one_hot

    fixed_weight_loss(accuracy_loss, hots, COSTS, ACTIONS, (0.95, 0.05, 3.0)).backward()

    assert float(accuracy_loss.grad) == pytest.approx(0.95)  # type: ignore[arg-type]
    assert policy.logits.weight.grad is not None
    assert policy.logits.weight.grad.abs().sum() > 0
    assert policy.logits.weight.grad.isfinite().all()


def test_balancing_weights_make_all_classes_count_alike() -> None:
    targets = torch.tensor([[1.0, 0.0]] * 6 + [[0.0, 1.0]] * 2)

    weights = balancing_weights(targets, multi_label=False)

    assert weights.tolist() == pytest.approx([8 / 12, 2.0])
    assert float((targets @ weights).mean()) == pytest.approx(1.0)


def test_a_very_rare_class_counts_ten_times_a_common_one_at_most() -> None:
    targets = torch.tensor([[1.0, 0.0]] * 500 + [[0.0, 1.0]])

    weights = balancing_weights(targets, multi_label=False)
    presence = balancing_weights(targets, multi_label=True)

    assert float(weights[1] / weights[0]) == pytest.approx(10.0)
    assert presence.tolist() == [1.0, 10.0]


def test_a_class_weight_multiplies_the_losses_of_its_clips() -> None:
    scores, targets = torch.randn(4, 2), torch.eye(2)[[0, 0, 0, 1]]
    each = torch.stack([classification_loss(s[None], t[None], multi_label=False) for s, t in zip(scores, targets)])  # noqa: B905

    loss = classification_loss(scores, targets, multi_label=False, class_weights=torch.tensor([1.0, 3.0]))

    assert float(loss) == pytest.approx(float((each * torch.tensor([1.0, 1.0, 1.0, 3.0])).mean()))


@pytest.mark.parametrize(("classes", "multi_label", "expected"), [(2, False, 8.0), (3, False, 6.0), (2, True, 2.0)])
def test_the_heads_penalty_is_that_of_a_logistic_regression(classes: int, multi_label: bool, expected: float) -> None:
    # Every class has the weights 2 and 0; half the squares times 4, over 4 clips: 2 a class.
    classify = nn.Linear(2, classes)
    with torch.no_grad():
        classify.weight.copy_(torch.tensor([[2.0, 0.0]]).expand(classes, 2))

    penalty = head_penalty(classify, strength=4.0, clips=4, multi_label=multi_label)

    assert float(penalty) == pytest.approx(expected)
    assert float(head_penalty(classify, strength=None, clips=4, multi_label=multi_label)) == 0
