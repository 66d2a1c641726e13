"""What rules take frames by without running any network: chance, or how much the picture changed.

Letters: B videos, T sampled frames, N frames, H×W pixels of the crop.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from adaframe.config import Model, Preprocess
from adaframe.model.pixels import at_pixels

Rule = Literal["random", "change"]


def frame_priority(rule: Rule, crops: Tensor, valid: Tensor, model: Model) -> Tensor:
    """What a rule takes frames by, the highest first, (B, T).

    Args:
        rule: its name.
        crops: uint8, RGB, (B, T, H, W, 3).
        valid: bool, (B, T), a prefix of each row.
        model: gives the glance's size, at which pictures are compared, and how they are shrunk.
    """
    if rule == "random":
        return drawn_by_content(crops, valid)
    return glance_change(crops, valid, model.glance.pixels, model.preprocess)


def drawn_by_content(crops: Tensor, valid: Tensor) -> Tensor:
    """Uniform draws from 0 to 1, (B, T), which the sum of a clip's pixels seeds.

    So a clip is always seen by the same frames, whatever is beside it in a batch, and another clip by others. Seeded by its
    length, all clips of one length would share a draw, and that is a static plan.
    """
    pixels = (crops.flatten(2).sum(dim=2, dtype=torch.int64) * valid).sum(dim=1).tolist()
    draws = np.stack([np.random.default_rng(seed).random(valid.shape[1], dtype=np.float32) for seed in pixels])
    return torch.from_numpy(draws).to(valid.device)


def glance_change(crops: Tensor, valid: Tensor, pixels: int, preprocess: Preprocess) -> Tensor:
    """Mean absolute difference of successive glances in normalised pixels, (B, T); the first frame's as `from_steps` says."""
    videos, frames = valid.shape
    small = at_pixels(crops.reshape(-1, *crops.shape[2:]), pixels, preprocess).reshape(videos, frames, -1)
    return from_steps((small[:, 1:] - small[:, :-1]).abs().mean(dim=2), valid)


def glance_differences(crops: Tensor, pixels: int, preprocess: Preprocess) -> Tensor:
    """Mean absolute difference of each two of N glances in normalised pixels, (N, N).

    Args:
        crops: uint8, RGB, (N, H, W, 3).
        pixels: side of the glance.
        preprocess: how pictures are shrunken and normalised.
    """
    small = at_pixels(crops, pixels, preprocess).flatten(1)
    return torch.stack([(small - one).abs().mean(dim=1) for one in small])


def from_steps(steps: Tensor, valid: Tensor) -> Tensor:
    """Change of each frame, (B, T), from that of one to the next, (B, T-1); zeros where there are no more frames.

    The first frame has none of its own: it gets the mean of its video, so that it is neither first nor last in line.
    """
    change = steps * valid[:, 1:]
    mean = change.sum(dim=1, keepdim=True) / valid[:, 1:].sum(dim=1, keepdim=True).clamp(min=1)
    return torch.cat([mean, change], dim=1)
