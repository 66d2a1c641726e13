"""Random frames and the change rule at a policy's cost, on clips of a run whose features are computed already."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from adaframe.evaluation.baselines import most_changed, shuffled
from adaframe.model.actions import Decisions, concatenated
from adaframe.training.calibration import Outcome, outcome
from adaframe.training.feeding.material import Material
from adaframe.training.module import Recogniser


@torch.inference_mode()
def rules_at_equal_cost(
    material: Material, module: Recogniser, clips: list[int], beta: float
) -> Iterator[tuple[str, Outcome]]:
    """The policy's looks at random frames, and at those whose glances changed most, through the same weights.

    Args:
        material: what there is.
        module: with a policy.
        clips: numbers.
        beta: bias of the policy's action logits.
    """
    network = module.network
    batches = list(material.batches(network, clips, rule="change"))
    decisions = concatenated([module.recognise(batch, beta)[1] for batch in batches])
    change = torch.cat([batch.priority for batch in batches if batch.priority is not None])
    rules = {
        "random": shuffled(decisions, network.costs, torch.Generator().manual_seed(0)),
        "change rule": most_changed(decisions, network.costs, change),
    }
    for name, chosen in rules.items():
        parts = iter(chosen.split([len(batch.valid) for batch in batches]))
        yield name, outcome(module, batches, plan=partial(_next_of, parts))


def _next_of(parts: Iterator[Decisions], _: Tensor) -> Decisions:
    return next(parts)
