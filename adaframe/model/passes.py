"""Backbones on those frames of a batch that they are to see, and no others.

Letters: B videos, T sampled frames, S sources, F features, H×W pixels of the crop.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from adaframe.config import Preprocess
from adaframe.model.pixels import at_pixels

# Frames of one forward pass on a CPU without gradients: at least these, at most twice as many. More leave the cache, and
# memory for their feature maps is asked of the system anew each time (MobileNetV2 at 160 pixels: 6.7 ms a frame by 64,
# 4.4 by 16 to 31); with fewer than 16 torch takes a slower way through 1×1 convolutions where it has one thread (5.2 ms).
FRAMES_PER_PASS, PIXELS_PER_PASS = 16, 16 * 96**2


def frames_of(seen: Tensor) -> list[Tensor]:
    """Which frames each source sees, (B, T, S) -> S times indices into the B·T frames. The device is waited for once."""
    by_source = seen.detach().flatten(0, 1).t().cpu()
    return [which.nonzero()[:, 0].to(seen.device, non_blocking=True) for which in by_source]


def run_backbone(
    backbone: nn.Module, crops: Tensor, which: Tensor, *, pixels: int, width: int, preprocess: Preprocess
) -> Tensor:
    """A backbone on some frames of a batch.

    Args:
        backbone: pictures (N, 3, pixels, pixels) -> features (N, F).
        crops: uint8, RGB, (B, T, H, W, 3).
        which: indices into the B·T frames, as `frames_of` tells them.
        pixels: side of the pictures that it sees.
        width: F.
        preprocess: of the model.

    Returns:
        Features, (B, T, F); zeros at the other frames.
    """
    frames = crops.flatten(0, 1)
    if not len(which):
        return torch.zeros(*crops.shape[:2], width, device=crops.device)
    passes = 1
    if crops.device.type == "cpu" and not torch.is_grad_enabled() and not backbone.training:
        passes = max(1, len(which) // max(FRAMES_PER_PASS, PIXELS_PER_PASS // pixels**2))
    every = len(which) == len(frames)
    # Not frames[part], which copies byte by byte.
    some = frames.tensor_split(passes) if every else (frames.index_select(0, w) for w in which.tensor_split(passes))
    features = torch.cat([backbone(at_pixels(part, pixels, preprocess)) for part in some])
    if not every:
        features = features.new_zeros(len(frames), width).index_copy(0, which, features)
    return features.view(*crops.shape[:2], width)
