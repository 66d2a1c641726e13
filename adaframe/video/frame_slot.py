"""The place for the newest frame, between the thread that captures and the one that hands out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaframe.video.capture_status import CaptureStatus

ToRgb = Callable[[], "NDArray[np.uint8] | None"]


@dataclass(frozen=True, eq=False)
class Captured:
    """A frame as it was captured; it is converted only if it is taken.

    Args:
        to_rgb: gives it as shown, RGB, uint8, (H, W, 3), valid until the next conversion; None where it is broken.
        number, stream_s, wall_s, arrived_s: as of a LiveFrame, the time in seconds since the epoch.
    """

    to_rgb: ToRgb
    number: int
    stream_s: float
    wall_s: float
    arrived_s: float


class FrameSlot:
    """Room for one frame. A newer one replaces it, or (`keep`) waits until it is taken.

    Args:
        status: counts what is replaced.
        announce: called when there is a frame, once until it is asked for.
        keep: loses no frame.
    """

    def __init__(self, status: CaptureStatus, announce: Callable[[], None], *, keep: bool) -> None:
        self.keep = keep
        self._status, self._announce = status, announce
        self._held: Captured | None = None
        self._announced = False
        self._changed = threading.Condition()

    def put(self, frame: Captured) -> None:
        with self._changed:
            if self.keep:
                self._changed.wait_for(lambda: self._held is None)
            elif self._held is not None:
                self._status.dropped += 1
            self._held = frame
            announce, self._announced = not self._announced, True
        if announce:
            self._announce()

    def take(self, waited: Captured | None = None) -> Captured | None:
        """The frame, if there is one.

        Args:
            waited: one that was taken before and not handed on: given again if there is none newer, or no frame may be lost.
        """
        with self._changed:
            if waited is not None:
                if self.keep or self._held is None:
                    return waited
                self._status.dropped += 1
            frame, self._held, self._announced = self._held, None, False
            self._changed.notify()
        return frame

    def clear(self) -> None:
        """Forgets the frame: its source is lost, and it would pass for a live one."""
        with self._changed:
            self._held, self._announced = None, False
