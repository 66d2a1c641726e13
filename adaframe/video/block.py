"""Shared memory for one frame. The camera owns it, so that a capture process that dies leaves nothing behind."""

from __future__ import annotations

from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray


class Block:
    """Room for a frame, none at first; `name` is how another process finds it, "" while there is none."""

    def __init__(self) -> None:
        self._memory: SharedMemory | None = None

    @property
    def name(self) -> str:
        return self._memory.name if self._memory is not None else ""

    def grow(self, size: int) -> None:
        """Makes room for so many bytes, under another name."""
        self.close()
        self._memory = SharedMemory(create=True, size=size)

    def copy(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """What is in it, as uint8 of this shape."""
        assert self._memory is not None
        pixels: NDArray[np.uint8] = np.ndarray(shape, np.uint8, self._memory.buf)
        return np.array(pixels)

    def close(self) -> None:
        """Gives the memory back."""
        if self._memory is not None:
            self._memory.close()
            self._memory.unlink()
            self._memory = None
