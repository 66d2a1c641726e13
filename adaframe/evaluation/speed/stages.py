"""A window answered in stages, coarse to fine: from every fourth frame, from every second, from all; it may end after each.

The answer after a stage is the one that the model gives to the frames so far as if there were no others, in the order of
time: so without an exit it is the model's own, and what a stage shares with those before it is computed once.

Letters: W windows, B of them in a batch, T sampled frames, N of them so far, S sources, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaframe.evaluation.views import View
from adaframe.model import answer
from adaframe.model.actions import Decisions
from adaframe.model.network import Clips, Features, Network

STRIDES = (4, 2, 1)
FEWER = (1, 2, 4, 8)  # what is compared with it: every so many frames, from the middle of each stretch

# Class scores of this stage and, but for the first, of the one before, (B, K) -> whether each window is settled, bool, (B,).
Settled = Callable[[Tensor, Tensor | None], Tensor]


def coarse_to_fine(frames: int) -> tuple[Tensor, ...]:
    """Frames known after each stage, rising, int64: of 8 [0, 4], [0, 2, 4, 6] and all. Stages without new ones are left out."""
    every = torch.arange(frames)
    known = [every[::stride] for stride in STRIDES]
    return tuple(new for n, new in enumerate(known) if n == 0 or len(new) > len(known[n - 1]))


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model answers to some of the frames of W windows.

    Args:
        scores: before softmax or sigmoid, (W, K).
        macs: executed for that, had there been no answer before, float64, (W,).
        steps: of the policy, (W,).
        seen: which source sees each of the N frames, bool, (W, N, S).
    """

    scores: Tensor
    macs: Tensor
    steps: Tensor
    seen: Tensor


@torch.inference_mode()
def answers(view: View, frames: Tensor, beta: float) -> Answers:
    """Answers of an adaptive model to these frames (int64, rising, (N,)) of all windows, under a bias against cost."""
    network, device = view.recognizer.network, view.recognizer.device
    assert view.features.glance is not None
    glances, valid = view.features.glance[:, frames], view.valid[:, frames]
    price = torch.tensor(network.price, device=device)
    decisions = network.decide(glances.to(device), valid.to(device), bias=-beta * price[None]).cpu()
    looks = tuple(values[:, frames] for values in view.features.looks)
    few = replace(view, features=Features(glances, looks), valid=valid, times_s=view.times_s[:, frames])
    return Answers(few.scores(decisions), network.costs.executed(decisions), valid.sum(dim=1), decisions.seen())


@dataclass(frozen=True, eq=False)
class Staged:
    """What a model answers after each stage.

    Args:
        scores: before softmax or sigmoid, (W, stages, K).
        macs: executed until then, what all stages share counted once, float64, (W, stages).
    """

    scores: Tensor
    macs: Tensor


def staged(view: View, beta: float) -> Staged:
    """The answers after all stages, under a bias against cost."""
    costs = view.recognizer.network.costs
    looked = torch.zeros(*view.valid.shape, len(costs.sources()), dtype=torch.bool)
    policy = torch.zeros(len(view.valid), dtype=torch.float64)
    scores, macs = [], []
    for stage, frames in enumerate(coarse_to_fine(view.valid.shape[1]), 1):
        now = answers(view, frames, beta)
        looked[:, frames] |= now.seen
        # The policy goes over all frames so far again: new ones lie between those that it knows.
        policy += now.steps * float(costs.policy)
        looks = (looked.sum(dim=1).double() * torch.tensor(costs.sources(), dtype=torch.float64)).sum(dim=1)
        macs.append(now.steps * float(costs.glance) + policy + looks + stage * costs.head)
        scores.append(now.scores)
    return Staged(torch.stack(scores, dim=1), torch.stack(macs, dim=1))


@torch.inference_mode()
def recognise_in_stages(
    network: Network, clips: Clips, settled: Settled, *, bias: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Class scores (B, K), and how many stages each window took, int64, (B,).

    Windows that are settled leave the batch; for the others only what is new is glanced at and looked at.

    Args:
        network: adaptive, in eval mode.
        clips: of B windows.
        settled: when a window may end.
        bias: of the action logits, (1, A).
    """
    videos, length = clips.valid.shape
    device, actions = clips.valid.device, network.actions
    glances = clips.times_s.new_zeros(videos, length, network.glance_width)
    looks = [clips.times_s.new_zeros(videos, length, width) for width in network.look_widths]
    looked = torch.zeros(videos, length, len(actions.sources), dtype=torch.bool, device=device)
    scores = clips.times_s.new_zeros(videos, network.head.classes)
    stages = torch.zeros(videos, dtype=torch.long)
    rows, before = torch.arange(videos), None
    for stage, frames in enumerate(coarse_to_fine(length), 1):
        at = (rows[:, None], frames)
        new = torch.zeros_like(clips.valid)
        new[rows[:, None], frames if stage == 1 else frames[1::2]] = True
        glances += network.glance_features(replace(clips, valid=new & clips.valid))
        decisions = network.decide(glances[at], clips.valid[at], bias=bias)
        seen = decisions.seen()
        chosen, missing = torch.zeros_like(clips.valid, dtype=torch.long), torch.zeros_like(clips.valid)
        chosen[at], missing[at] = decisions.actions, (seen & ~looked[at]).any(dim=2)
        found = network.routed_features(clips, None, Decisions(chosen, missing, missing, missing, actions))
        for values, more in zip(looks, found.looks, strict=True):
            values += more
        looked[at] |= seen
        features = Features(glances[at], tuple(values[at] for values in looks))
        now = network.classify(features, seen.float(), clips.times_s[at])
        scores[rows], stages[rows] = now, stage
        stay = ~settled(now, before)
        rows, before = rows[stay.cpu()], now[stay]
        if not len(rows):
            break
    return scores, stages


Likely = NDArray[np.floating]


def _confidence(likely: Likely, before: Likely | None, multi_label: bool) -> Likely:
    return answer.confidence(likely, multi_label=multi_label)


def _margin(likely: Likely, before: Likely | None, multi_label: bool) -> Likely:
    if multi_label:
        return np.asarray(np.abs(2 * likely - 1).min(axis=1))
    best = np.sort(likely, axis=1)
    return np.asarray(best[:, -1] - best[:, -2])


def _unchanged(likely: Likely, before: Likely | None, multi_label: bool) -> Likely:
    if before is None:
        return np.zeros(len(likely))
    same = answer.named(likely, multi_label=multi_label) == answer.named(before, multi_label=multi_label)
    return np.asarray(same.all(axis=1), dtype=np.float64)


# How settled answers are, 0..1, (B,), from the confidences after this stage and after the one before, (B, K): how sure the
# answer is; how far ahead of the next class; whether it is the one before (1) or not (0).
RULES: dict[str, Callable[[Likely, Likely | None, bool], Likely]] = {
    "confidence": _confidence,
    "margin": _margin,
    "unchanged": _unchanged,
}
