"""What changes a training clip: the same for all of its frames. Letters: T frames, H×W pixels, c pixels of the crop."""

from __future__ import annotations

import numpy as np
import torch

from adaframe.config import Data, Preprocess


def augment(
    frames: np.ndarray, preprocess: Preprocess, data: Data | None, rng: np.random.Generator | None
) -> np.ndarray:
    """Crop frames of the cache, at random in training and at the centre otherwise.

    Args:
        frames: uint8, RGB, (T, H, W, 3), at the size of `preprocess.resize`.
        preprocess: gives the crop's side c.
        data: strengths of the changes; not used without a generator.
        rng: None for the centre crop and no change.

    Returns:
        uint8, RGB, (T, c, c, 3).
    """
    height, width = frames.shape[1:3]
    crop = preprocess.crop
    if rng is None or data is None:
        top, left = (height - crop) // 2, (width - crop) // 2
        return frames[:, top : top + crop, left : left + crop]
    side = crop if data.scale >= 1 else max(1, round(crop * float(rng.uniform(data.scale, 1.0))))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    out = frames[:, top : top + side, left : left + side]
    if data.flip and rng.random() < 0.5:
        out = out[:, :, ::-1]
    if side == crop and not data.jitter:
        return out
    from torchvision.transforms.v2 import functional as change

    images = torch.from_numpy(np.ascontiguousarray(out)).permute(0, 3, 1, 2)
    if side != crop:
        images = change.resize(images, [crop, crop], antialias=True)
    if data.jitter:
        images = change.adjust_brightness(images, 1 + data.jitter * float(rng.uniform(-1, 1)))
        images = change.adjust_contrast(images, 1 + data.jitter * float(rng.uniform(-1, 1)))
    return images.permute(0, 2, 3, 1).numpy()
