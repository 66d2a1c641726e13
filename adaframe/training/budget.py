"""Keeping to a budget while training: a multiplier on the cost, raised while the model spends more than it may."""

from __future__ import annotations

import torch
from torch import Tensor, nn

LARGEST_EXCESS = 0.25
# Not from 0: a policy that may look at everything for nothing settles on that before the multiplier has woken up.
START = 0.5


class Multiplier(nn.Module):
    """Dual ascent on the executed cost; its value is a buffer, so that it is saved and resumed.

    Args:
        budget: upper bound on the mean cost, as a fraction of uniform's.
        step: rise per update, times the excess.
        standing: a price that is always paid, so that compute that buys nothing is not spent.
        highest: bound on the multiplier.
        start: its first value.
    """

    def __init__(
        self, *, budget: float, step: float, standing: float, highest: float = 20.0, start: float = START
    ) -> None:
        super().__init__()
        self.budget, self.step, self.standing, self.highest = budget, step, standing, highest
        self.register_buffer("value", torch.tensor(start))
        self.value: Tensor

    def update(self, cost: float) -> None:
        """Move by the excess of an executed (argmax) cost over the budget.

        The excess counts up to a quarter of uniform's cost: the argmax answers late and in jumps, and a multiplier that ran
        ahead of it would push the policy past the budget into skipping everything.
        """
        excess = min(max(cost - self.budget, -LARGEST_EXCESS), LARGEST_EXCESS)
        self.value.add_(self.step * excess).clamp_(0.0, self.highest)

    def price(self) -> Tensor:
        """What a cost of 1 (uniform's) adds to the loss."""
        return self.value + self.standing
