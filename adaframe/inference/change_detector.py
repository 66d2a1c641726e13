"""Whether anything in a picture has changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BLOCKS = 16  # a side
# Of 255, in any block and colour. Heavy noise of a sensor (10 of 255 in every pixel of a 640×480 frame) moves the largest
# difference of blocks by 1 to 2, and rounding by 1; an object of a third of a block and a contrast of 20 by 6.
STILL_BELOW = 4


class ChangeDetector:
    """Compares pictures by the averages of 16×16 blocks with the last one that was kept.

    The largest difference counts, not the mean: something small that moves is no still picture.
    """

    def __init__(self) -> None:
        self._kept: NDArray[np.int16] | None = None
        self._latest: NDArray[np.int16] | None = None

    def same(self, crop: NDArray[np.uint8]) -> bool:
        """Whether a crop, uint8, (H, W, 3), shows what the last one kept showed."""
        blocks = Image.fromarray(crop).resize((BLOCKS, BLOCKS), Image.Resampling.BOX)
        self._latest = np.asarray(blocks, dtype=np.int16)
        return self._kept is not None and int(np.abs(self._latest - self._kept).max()) < STILL_BELOW

    def keep(self) -> None:
        """The crop last compared is the one to compare with from now on: slow changes add up."""
        self._kept = self._latest
