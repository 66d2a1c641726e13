"""The first resize and the crop: from frames of any size to those of the model, once, in uint8."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adaframe.config import Preprocess
from adaframe.errors import UsageError

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
}


def resized_size(height: int, width: int, preprocess: Preprocess) -> tuple[int, int]:
    """Height and width after the first resize, before the crop."""
    side = preprocess.resize
    if preprocess.fit == "squash":
        return side, side
    # As torchvision rounds, so that models trained with it see the same pixels.
    if height <= width:
        return side, max(side, int(side * width / height))
    return max(side, int(side * height / width)), side


def resize_frame(image: NDArray[np.uint8], preprocess: Preprocess, *, crop: bool) -> NDArray[np.uint8]:
    """One frame, uint8, (H, W, 3), resized by Pillow (antialiased) and, with crop, cut to the central square.

    Raises:
        UsageError: the crop is larger than the resized frame.
    """
    height, width = image.shape[:2]
    tall, wide = resized_size(height, width, preprocess)
    side = preprocess.crop
    if crop and side > preprocess.resize:
        raise UsageError(f"preprocess.crop ({side}) is larger than preprocess.resize ({preprocess.resize})")
    top, left = (round((tall - side) / 2), round((wide - side) / 2)) if crop else (0, 0)
    out_tall, out_wide = (side, side) if crop else (tall, wide)
    if (tall, wide) == (height, width):
        return np.ascontiguousarray(image[top : top + out_tall, left : left + out_wide])
    # Pillow computes only what the crop keeps: less than half the work at 16:9, the same pixels to within rounding.
    y, x = height / tall, width / wide
    box = (left * x, top * y, min((left + out_wide) * x, width), min((top + out_tall) * y, height))
    small = Image.fromarray(image).resize((out_wide, out_tall), _FILTERS[preprocess.filter], box=box)
    return np.asarray(small)


def resize_frames(images: NDArray[np.uint8], preprocess: Preprocess, *, crop: bool = True) -> NDArray[np.uint8]:
    """Frames already in memory, by the same arithmetic as `read_frames`.

    Args:
        images: RGB, uint8, (T, H, W, 3).
        preprocess: the sizes and the filter.
        crop: whether the central square is cut out after the resize.

    Returns:
        uint8, (T, crop, crop, 3), or (T, h, w, 3) without crop. Frames that have the crop's size already are
        returned as they are.

    Raises:
        ValueError: another shape or type.
        UsageError: the crop is larger than the resized frame.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"frames must be uint8 (T, H, W, 3), got {images.dtype} {images.shape}")
    target = (preprocess.crop, preprocess.crop) if crop else resized_size(images.shape[1], images.shape[2], preprocess)
    if images.shape[1:3] == target:
        return images
    if not len(images):
        return np.zeros((0, *target, 3), np.uint8)
    return np.stack([resize_frame(np.ascontiguousarray(image), preprocess, crop=crop) for image in images])


def fitted(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """One frame at exactly this size; untouched where it has it."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
