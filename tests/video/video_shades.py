"""What tells rendered frames apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def shade(index: int) -> int:
    """Grey level of rendered frame `index`: far enough apart to survive compression."""
    return 16 + 3 * index % 224


def seen(images: NDArray[np.uint8]) -> list[int]:
    """Grey level of the lower right corner of each frame."""
    return [int(image[-8:, -8:].mean().round()) for image in images]
