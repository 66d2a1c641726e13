"""Numbers that a camera and its capture process share; they outlive the process."""

from __future__ import annotations

import time

from adaframe.video.child_process import CONTEXT

_DEADLINE, _FIRST, _NUMBER, _DROPPED = range(4)


class CaptureStatus:
    """How capture is doing. One side writes, the other reads; pass it to a process as an argument."""

    def __init__(self) -> None:
        self._values = CONTEXT.RawArray("d", 4)

    def promise(self, seconds: float) -> None:
        """Says that within so many seconds there will be another promise; whoever breaks one hangs."""
        self._values[_DEADLINE] = time.monotonic() + seconds

    @property
    def hangs(self) -> bool:
        return time.monotonic() > float(self._values[_DEADLINE])

    def count(self, arrived_s: float) -> tuple[int, float]:
        """Counts a frame that was captured at this time of the monotonic clock: its number, and seconds since the first."""
        number = int(self._values[_NUMBER])
        if number == 0:
            self._values[_FIRST] = arrived_s
        self._values[_NUMBER] = number + 1
        return number, arrived_s - self._values[_FIRST]

    def leave_out(self, count: int) -> None:
        """Counts frames that were captured, and will never be taken."""
        self._values[_NUMBER] += count
        self._values[_DROPPED] += count

    @property
    def dropped(self) -> int:
        return int(self._values[_DROPPED])

    @dropped.setter
    def dropped(self, count: int) -> None:
        self._values[_DROPPED] = count
