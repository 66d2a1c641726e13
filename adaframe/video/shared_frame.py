"""Shared memory for one frame. The camera owns it, so that a capture process that dies leaves nothing behind."""

from __future__ import annotations

import os
from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray

from adaframe.errors import AdaframeError

_FOLDER = "/dev/shm"  # where Linux keeps it


class SharedFrame:
    """Room for a frame, none at first; `name` is how another process finds it, "" while there is none."""

    def __init__(self) -> None:
        self._memory: SharedMemory | None = None

    @property
    def name(self) -> str:
        return self._memory.name if self._memory is not None else ""

    def grow(self, size: int) -> None:
        """Makes room for so many bytes, under another name.

        Raises:
            AdaframeError: there is not so much.
        """
        self.close()
        if os.path.isdir(_FOLDER):
            room = os.statvfs(_FOLDER)
            if room.f_bavail * room.f_frsize < size:  # it would be given, and writing to it would end the process
                raise AdaframeError(
                    f"{_FOLDER}: no room for a frame of {size / 1e6:.1f} MB; try: docker run --shm-size=256m, or free some"
                )
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
