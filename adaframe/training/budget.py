"""Keeping to a budget while training: a multiplier on the cost, raised while the model spends more than it may."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Multiplier(nn.Module):
    """Dual ascent on the executed cost; its value is a buffer, so that it is saved and resumed.

    Args:
        budget: upper bound on the mean cost, as a fraction of uniform's.
        step: rise per update, times the excess.
        standing: a price that is always paid, so that compute that buys nothing is not spent.
        highest: bound on the multiplier.
    """

    def __init__(self, *, budget: float, step: float, standing: float, highest: float = 20.0) -> None:
        super().__init__()
        self.budget, self.step, self.standing, self.highest = budget, step, standing, highest
        self.register_buffer("value", torch.zeros(()))
        self.value: Tensor

    def update(self, cost: float) -> None:
        """Move by the excess of an executed (argmax) cost over the budget."""
        self.value.add_(self.step * (cost - self.budget)).clamp_(0.0, self.highest)

    def price(self) -> Tensor:
        """What a cost of 1 (uniform's) adds to the loss."""
        return self.value + self.standing
