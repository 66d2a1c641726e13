"""What changes a training clip: the same for all of its frames. Letters: T frames, H×W pixels, c pixels of the crop."""

from __future__ import annotations

import numpy as np
import torch

from adaframe.config import Data, Preprocess

MULTI_SCALES = (1.0, 0.875, 0.75, 0.66)  # of AR-Net's release (ops/transforms.py), as TSN's


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
    crop = preprocess.crop
    if rng is None or data is None:
        top, left = ((side - crop) // 2 for side in frames.shape[1:3])
        return frames[:, top : top + crop, left : left + crop]
    width, height, left, top = _box(frames, crop, data, rng)
    out = frames[:, top : top + height, left : left + width]
    if data.flip and rng.random() < 0.5:
        out = out[:, :, ::-1]
    if (height, width) == (crop, crop) and not data.jitter:
        return out
    from torchvision.transforms.v2 import functional as change

    images = torch.from_numpy(np.ascontiguousarray(out)).permute(0, 3, 1, 2)
    if (height, width) != (crop, crop):
        images = change.resize(images, [crop, crop], antialias=True)
    if data.jitter:
        images = change.adjust_brightness(images, 1 + data.jitter * float(rng.uniform(-1, 1)))
        images = change.adjust_contrast(images, 1 + data.jitter * float(rng.uniform(-1, 1)))
    return images.permute(0, 2, 3, 1).numpy()


def _box(frames: np.ndarray, crop: int, data: Data, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Width, height, left and top of a training crop."""
    tall, wide = frames.shape[1:3]
    if data.crops == "multi-scale":
        shapes = multi_scale_shapes(tall, wide, crop)
        width, height = shapes[int(rng.integers(len(shapes)))]
        places = thirteen_places(tall, wide, height, width)
        return width, height, *places[int(rng.integers(len(places)))]
    side = crop if data.scale >= 1 else max(1, round(crop * float(rng.uniform(data.scale, 1.0))))
    top, left = int(rng.integers(tall - side + 1)), int(rng.integers(wide - side + 1))
    return side, side, left, top


def multi_scale_shapes(height: int, width: int, crop: int) -> list[tuple[int, int]]:
    """The 10 widths and heights of TSN's crops (arXiv:1608.00859): neighbours among four shares of the shorter side."""
    sides = [int(min(height, width) * scale) for scale in MULTI_SCALES]
    # What is as good as the crop's size is not resampled.
    sides = [crop if abs(side - crop) < 3 else side for side in sides]
    return [(w, h) for i, h in enumerate(sides) for j, w in enumerate(sides) if abs(i - j) <= 1]


def thirteen_places(height: int, width: int, tall: int, wide: int) -> list[tuple[int, int]]:
    """Left and top of a crop (tall, wide) in corners, middles of the edges, centre and quarter points: TSN's fixed offsets."""
    x, y = (width - wide) // 4, (height - tall) // 4
    fours = [(0, 0), (4, 0), (0, 4), (4, 4), (2, 2), (0, 2), (4, 2), (2, 4), (2, 0), (1, 1), (3, 1), (1, 3), (3, 3)]
    return [(a * x, b * y) for a, b in fours]
