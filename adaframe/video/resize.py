"""The first resize and the crop: from frames of any size to those of the model, once, in uint8."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    how = _FILTERS[preprocess.filter]
    if not crop:
        return fitted(image, tall, wide, how=how)
    top, left = round((tall - side) / 2), round((wide - side) / 2)
    rows, columns = _around(height, tall, top, side), _around(width, wide, left, side)
    around = np.ascontiguousarray(image[rows.source, columns.source])
    small = fitted(around, rows.stop - rows.start, columns.stop - columns.start, how=how)
    return np.ascontiguousarray(small[top - rows.start :, left - columns.start :][:side, :side])


@dataclass(frozen=True)
class _Part:
    """A stretch of a frame's rows or columns: what is taken of the frame, and from where to where it reaches when resized."""

    source: slice
    start: int
    stop: int


def _around(long: int, short: int, first: int, kept: int) -> _Part:
    """The least of `long` rows, resized to `short`, whose resizing gives the same as that of all to those kept from `first` on.

    To resize what lies outside the crop would be half of the work at 16:9. Pillow can resize any box, but one that begins
    between two pixels is a level off here and there, and a policy that hesitates decides otherwise. So the part begins and
    ends where a pixel of the frame and one of the resized frame begin together, and further out than any filter reaches.
    """
    step = short // math.gcd(long, short)
    reach = 3  # of the bicubic filter: 2 pixels, when shrinking of the resized frame's, when enlarging of the frame's
    margin = max(reach, math.ceil(reach * short / long))
    start = max(0, first - margin) // step * step
    stop = min(-(-(first + kept + margin) // step) * step, short)
    return _Part(slice(start * long // short, stop * long // short), start, stop)


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


def fitted(
    image: NDArray[np.uint8], height: int, width: int, *, how: Image.Resampling = Image.Resampling.BILINEAR
) -> NDArray[np.uint8]:
    """One frame at exactly this size; untouched where it has it."""
    # Across before down: which way Pillow goes first depends on its version and on sizes, and so does a level here and there.
    picture = Image.fromarray(image)
    if picture.width != width:
        picture = picture.resize((width, picture.height), how)
    if picture.height != height:
        picture = picture.resize((width, height), how)
    return np.asarray(picture)
