"""From one uint8 crop to what each look gets. Letters: N frames, H×W pixels of the crop, p pixels of the look."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from adaframe.config import Preprocess


def at_pixels(crops: Tensor, pixels: int, preprocess: Preprocess) -> Tensor:
    """Resize crops for a look, in float, and normalise them.

    Args:
        crops: uint8, RGB, (N, H, W, 3), H = W.
        pixels: side of the look, p.
        preprocess: the filter of this resize, mean and std.

    Returns:
        float32, (N, 3, p, p), in channels_last memory.
    """
    scale, shift = _scale_and_shift(preprocess.mean, preprocess.std, crops.device)
    images = crops.permute(0, 3, 1, 2)
    if images.shape[-1] != pixels or images.shape[-2] != pixels:
        # By planes, where torch's antialiasing takes two thirds of the time that it takes on channels_last.
        images = images.to(torch.float32, memory_format=torch.contiguous_format)
        if preprocess.look_filter == "area":
            images = F.adaptive_avg_pool2d(images, pixels)
        elif preprocess.look_filter == "nearest":
            images = F.interpolate(images, size=(pixels, pixels), mode="nearest")
        else:
            images = F.interpolate(images, size=(pixels, pixels), mode="bilinear", antialias=True, align_corners=False)
    return torch.addcmul(shift, images.to(torch.float32), scale).contiguous(memory_format=torch.channels_last)


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def _scale_and_shift(mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """What turns 0..255 into normalised values, each (3, 1, 1); kept, as sending them to a GPU anew would wait for it."""
    scale = 1 / (255.0 * torch.tensor(std, device=device).view(3, 1, 1))
    return scale, -255.0 * torch.tensor(mean, device=device).view(3, 1, 1) * scale
