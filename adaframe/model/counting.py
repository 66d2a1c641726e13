"""Multiply-adds of a network's parts, each at the size that it runs at."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from adaframe.model.cost import Costs, count_macs, picture_macs
from adaframe.model.policy import Policy
from adaframe.model.temporal import Head


def count_costs(
    looks: Sequence[tuple[str, nn.Module, int]],
    glance: tuple[nn.Module, int] | None,
    policy: Policy | None,
    head: Head,
    widths: Sequence[int],
) -> Costs:
    """MACs of the parts.

    Args:
        looks: name, backbone and pixels of each.
        glance: backbone and pixels; None where nothing glances.
        policy: None for a fixed plan.
        head: of the model.
        widths: features of each source.
    """
    pooled = head.width * (2 if head.changes else 1)
    return Costs(
        glance=picture_macs("glance", *glance) if glance else 0,
        policy=count_macs(_OneStep(policy), torch.empty(1, policy.features)) if policy else 0,
        looks=tuple(picture_macs(*look) for look in looks),
        project=tuple(count_macs(p, torch.empty(1, w)) for p, w in zip(head.project, widths, strict=True)),
        head=count_macs(head.classify, torch.empty(1, pooled)),
    )


class _OneStep(nn.Module):
    """A policy step as a function of the glance features alone."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, glance: Tensor) -> Tensor:
        embedded = self.policy.embed(glance)
        return self.policy.step(embedded, self.policy.start(glance.shape[0], glance.device))[0]
