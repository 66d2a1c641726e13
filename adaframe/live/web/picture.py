"""A picture as viewers get it: encoded once for all of them, and only if somebody looks."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDEST = 960  # pixels; more is not seen on a page, and costs time and network
QUALITY = 75


class Picture:
    """One frame, and its JPEG once somebody has asked for it. Used in the server's loop alone.

    Args:
        image: RGB, uint8, (H, W, 3).
        number: grows from picture to picture.
        time: when it was captured, ISO 8601.
    """

    def __init__(self, image: NDArray[np.uint8], number: int, time: str) -> None:
        self.number, self.time = number, time
        self._image = image
        self._jpeg: asyncio.Future[bytes] | None = None

    async def jpeg(self, workers: Executor) -> bytes:
        """The JPEG; whoever asks while it is being encoded waits for the same one."""
        if self._jpeg is None:
            self._jpeg = asyncio.get_running_loop().run_in_executor(workers, encode, self._image)
        return await asyncio.shield(self._jpeg)  # a viewer that leaves must not cancel it for the others


def encode(image: NDArray[np.uint8]) -> bytes:
    """A frame, RGB, uint8, (H, W, 3), as JPEG of at most WIDEST pixels a side."""
    picture = Image.fromarray(image)
    picture.thumbnail((WIDEST, WIDEST), Image.Resampling.BILINEAR, reducing_gap=1.0)
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=QUALITY)
    return target.getvalue()
