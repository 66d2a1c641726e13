"""What adaptivity must beat: the same looks without a policy. Letters: B videos, T sampled frames, S sources."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from adaframe.model.actions import Decisions
from adaframe.model.cost import Costs
from adaframe.model.plans import by_priority


def shuffled(decisions: Decisions, costs: Costs, generator: torch.Generator) -> Decisions:
    """Random: the looks of the policy, at random frames of the same video, and what it saves on glances spent on more looks.

    Args:
        decisions: of the policy.
        costs: of the model.
        generator: on the CPU.
    """
    return _spend(decisions, costs, torch.rand(decisions.valid.shape, generator=generator))


def most_changed(decisions: Decisions, costs: Costs, change: Tensor) -> Decisions:
    """The change rule: the looks of the policy, spent on the frames whose glance changed most; the largest looks first.

    Args:
        decisions: of the policy.
        costs: of the model.
        change: of each frame's glance against the one before, (B, T).
    """
    return _spend(decisions, costs, change)


def _spend(decisions: Decisions, costs: Costs, priority: Tensor) -> Decisions:
    looks = []
    for b, extra in enumerate(spare_looks(costs, decisions).tolist()):
        frames = int(decisions.valid[b].sum())
        looks.append(([costs.strongest] * extra + _looks(costs, decisions, b))[:frames])
    return by_priority(looks, priority, decisions.valid, decisions.of)


def _looks(costs: Costs, decisions: Decisions, video: int) -> list[int]:
    """Sources of the frames that are looked at, the dearest first."""
    chosen = decisions.actions[video][decisions.valid[video]].tolist()
    looks = [action for action in chosen if action < len(decisions.of.sources)]
    return sorted(looks, key=lambda source: -frame_macs(costs, source))


def frame_macs(costs: Costs, source: int) -> float:
    """Executed MACs of a frame through one source without a policy: a glance is made only where it answers."""
    return costs.sources()[source] + (costs.glance if source >= len(costs.looks) else 0)


def equal_cost_looks(costs: Costs, source: int, budget_macs: float, frames: int) -> int:
    """How many looks through a source cost at least as much as a budget (rounded up: in the baseline's favour)."""
    return min(max(math.ceil((budget_macs - costs.head) / frame_macs(costs, source) - 1e-9), 1), frames)


def spare_looks(costs: Costs, decisions: Decisions) -> Tensor:
    """How many strongest looks the policy's own cost (glances not used as answers, LSTM) would have bought, (B,).

    What rounding leaves over, or spends too much, goes to the next video's account, so that all of them together cost what
    the policy's do. Where no frame is left for one more look, it takes the place of the cheapest of the policy's.
    """
    found, account = [], 0.0
    for b, executed in enumerate((costs.executed(decisions) - costs.head).tolist()):
        frames, looks = int(decisions.valid[b].sum()), _looks(costs, decisions, b)
        spent = []
        for extra in range(frames + 1):
            kept = looks[: frames - extra]
            spent.append(extra * frame_macs(costs, costs.strongest) + sum(frame_macs(costs, look) for look in kept))
        account += executed
        # Of two that are as near, the dearer: in the baseline's favour.
        found.append(min(range(frames + 1), key=lambda extra: (abs(spent[extra] - account), -extra)))
        account -= spent[found[-1]]
    return torch.tensor(found)
