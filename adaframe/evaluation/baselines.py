"""What adaptivity must beat: the same looks without a policy. Letters: B videos, T sampled frames, S sources."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from adaframe.config import Preprocess
from adaframe.model.actions import Decisions
from adaframe.model.cost import Costs
from adaframe.model.pixels import at_pixels
from adaframe.model.plans import planned


def shuffled(decisions: Decisions, extra: Tensor, strongest: int, generator: torch.Generator) -> Decisions:
    """Random: the looks of the policy, at random frames of the same video, and what it saves on glances spent on more looks.

    Args:
        decisions: of the policy.
        extra: additional looks through the strongest source, int64, (B,).
        strongest: its index.
        generator: on the CPU.
    """
    return _spend(decisions, extra, strongest, torch.rand(decisions.valid.shape, generator=generator))


def most_changed(decisions: Decisions, extra: Tensor, strongest: int, change: Tensor) -> Decisions:
    """The change rule: the looks of the policy, spent on the frames whose glance changed most; the largest looks first.

    Args:
        decisions: of the policy.
        extra: additional looks through the strongest source, int64, (B,).
        strongest: its index.
        change: of each frame's glance against the one before, (B, T).
    """
    return _spend(decisions, extra, strongest, change)


def _spend(decisions: Decisions, extra: Tensor, strongest: int, priority: Tensor) -> Decisions:
    actions, valid = decisions.of, decisions.valid
    sources = len(actions.sources)
    chosen = torch.full_like(decisions.actions, -1)
    for b in range(len(valid)):
        looks = decisions.actions[b][valid[b]]
        looks = looks[looks < sources]
        frames = int(valid[b].sum())
        looks = torch.cat([torch.full((int(extra[b]),), strongest, dtype=looks.dtype), looks.sort().values])[:frames]
        order = priority[b, :frames].argsort(descending=True)[: len(looks)]
        chosen[b, order] = looks
    # A rule on pixels needs no glance network, unless the glance's features are themselves an answer.
    return planned(chosen, valid, actions)


def glance_change(crops: Tensor, valid: Tensor, pixels: int, preprocess: Preprocess) -> Tensor:
    """Mean absolute difference of successive glances in normalised pixels, (B, T).

    The first frame has none of its own: it gets the mean of its video, so that it is neither first nor last in line.
    """
    videos, frames = valid.shape
    small = at_pixels(crops.reshape(-1, *crops.shape[2:]), pixels, preprocess).reshape(videos, frames, -1)
    change = (small[:, 1:] - small[:, :-1]).abs().mean(dim=2) * valid[:, 1:]
    mean = change.sum(dim=1, keepdim=True) / valid[:, 1:].sum(dim=1, keepdim=True).clamp(min=1)
    return torch.cat([mean, change], dim=1)


def equal_cost_looks(costs: Costs, source: int, budget_macs: float, frames: int) -> int:
    """How many looks through a source cost at least as much as a budget (rounded up: in the baseline's favour)."""
    return min(max(math.ceil((budget_macs - costs.head) / costs.sources()[source] - 1e-9), 1), frames)


def spare_looks(costs: Costs, decisions: Decisions, strongest: int) -> Tensor:
    """How many strongest looks the policy's own cost (glances not used as answers, LSTM) would have bought, rounded, (B,)."""
    answers = decisions.seen()[..., len(decisions.of.looks) :].any(dim=2) if decisions.of.glance_answers else None
    glanced = decisions.glanced if answers is None else decisions.glanced & ~answers
    spent = glanced.sum(dim=1) * (costs.glance + costs.policy)
    return (spent / costs.sources()[strongest]).round().long()
