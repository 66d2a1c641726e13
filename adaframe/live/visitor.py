"""A visitor's webcam beside the cameras of this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adaframe.live.web import BrowserCamera
    from adaframe.video.camera import Camera
    from adaframe.video.cameras import Cameras
    from adaframe.video.live_frame import LiveFrame, Outage

_TURN_S = 0.02  # how long one of them is waited for, while the other may have something


class WithVisitor:
    """Takes from both; see Cameras.

    Args:
        visitor: gives frames while a browser sends them.
        others: of this machine, maybe none.
    """

    def __init__(self, visitor: BrowserCamera, others: Cameras) -> None:
        self._visitor, self._others = visitor, others

    @property
    def cameras(self) -> list[Camera]:
        """Those of this machine."""
        return self._others.cameras

    @property
    def ended(self) -> bool:
        return self._visitor.ended and self._others.ended

    def take(self, timeout_s: float) -> list[LiveFrame | Outage]:
        """What is new, at most one thing of each source; waits for the first."""
        until = time.monotonic() + timeout_s
        while True:
            left_s = max(until - time.monotonic(), 0.0)
            alone = self._others.ended
            frame = self._visitor.take(left_s if alone else 0.0)
            news = [] if alone else self._others.take(0.0 if frame is not None else min(left_s, _TURN_S))
            if frame is not None:
                news.append(frame)
            if news or left_s <= 0 or self.ended:
                return news

    def close(self) -> None:
        self._visitor.close()
        self._others.close()
