"""Random frames and the change rule at a policy's cost, on clips of a run whose features are computed already."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from adaframe.evaluation.baselines import glance_change, most_changed, shuffled
from adaframe.model.actions import Decisions, concatenated
from adaframe.training.augment import augment
from adaframe.training.calibration import Outcome, outcome
from adaframe.training.material import Material
from adaframe.training.module import Recogniser
from adaframe.training.sources import candidate_plan


@torch.inference_mode()
def rules_at_equal_cost(
    material: Material, module: Recogniser, clips: list[int], beta: float
) -> Iterator[tuple[str, Outcome]]:
    """The policy's looks at random frames, and at those whose glances changed most, through the same weights.

    Args:
        material: with frozen features and a cache of frames.
        module: with a policy.
        clips: numbers.
        beta: bias of the policy's action logits.
    """
    network = module.network
    batches = list(material.batches(network, clips))
    decisions = concatenated([module.recognise(batch, beta)[1] for batch in batches])
    change = torch.cat([_change(material, batch.clips.tolist(), len(batch.valid[0])) for batch in batches])
    rules = {
        "random": shuffled(decisions, network.costs, torch.Generator().manual_seed(0)),
        "change rule": most_changed(decisions, network.costs, change),
    }
    for name, chosen in rules.items():
        parts = iter(chosen.split([len(batch.valid) for batch in batches]))
        yield name, outcome(module, batches, plan=partial(_next_of, parts))


def _next_of(parts: Iterator[Decisions], _: Tensor) -> Decisions:
    return next(parts)


def _change(material: Material, clips: list[int], frames: int) -> Tensor:
    """How much each sampled frame's glance differs from the one before, (B, T); zeros where a clip has no more frames."""
    model, cache = material.config.model, material.cache
    assert cache is not None
    found = torch.zeros(len(clips), frames)
    for row, clip in enumerate(clips):
        indices, _, _ = candidate_plan(cache.times_s(clip), cache.spans_s(clip), model, None)
        crops = augment(cache.frames(clip, indices), model.preprocess, None, None)
        images = torch.from_numpy(np.ascontiguousarray(crops))[None]
        valid = torch.ones(1, len(indices), dtype=torch.bool)
        found[row, : len(indices)] = glance_change(images, valid, model.glance.pixels, model.preprocess)[0]
    return found
