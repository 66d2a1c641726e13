"""Clips mixed in pairs, so that few of them say more: mixup (arXiv:1710.09412), of what the head sees (arXiv:1806.05236)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Mix = Callable[[Tensor], Tensor]


def unmixed(values: Tensor) -> Tensor:
    """Every clip as it is."""
    return values


@dataclass(frozen=True, eq=False)
class Mixture:
    """Which clips of a batch are mixed, and how. B clips.

    Mixed are summaries, not frames: their average is linear in the frames of both clips, and the decisions about each clip
    stay those of its own glances.

    Args:
        partners: the other clip of each, int64, (B,).
        shares: of the clip itself, 0.5..1; the rest is its partner's, (B, 1).
    """

    partners: Tensor
    shares: Tensor

    def of(self, values: Tensor) -> Tensor:
        """Summaries or targets, (B, …), mixed."""
        return self.shares * values + (1 - self.shares) * values[self.partners]

    def to(self, device: torch.device) -> Mixture:
        return Mixture(self.partners.to(device), self.shares.to(device))


def draw_mixture(videos: int, alpha: float, rng: np.random.Generator) -> Mixture:
    """Random partners, and a share for each clip from Beta(alpha, alpha), the larger part its own.

    Args:
        videos: B.
        alpha: above 0; 1 draws all shares alike often, a smaller one mostly leaves a clip as it is.
        rng: decides both.
    """
    share = rng.beta(alpha, alpha, (videos, 1)).astype(np.float32)
    return Mixture(torch.from_numpy(rng.permutation(videos)), torch.from_numpy(np.maximum(share, 1 - share)))
