"""Frames as cameras give them, without cameras."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone

import numpy as np

from adaframe.video.live_frame import LiveFrame, Outage

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


class FakeCameras:
    """Gives what is there one by one, or together where it stands in a list, then ends."""

    def __init__(self, items: Iterable[LiveFrame | Outage | Sequence[LiveFrame | Outage]]) -> None:
        self._items = iter(items)
        self.ended = self.closed = False

    def take(self, timeout_s: float) -> list[LiveFrame | Outage]:
        item = next(self._items, None)
        if item is None:
            self.ended = True
            return []
        return [item] if isinstance(item, (LiveFrame, Outage)) else list(item)

    def close(self) -> None:
        self.closed = True


def shots(images: Iterable[np.ndarray], fps: float, *, source: str = "cam", start_s: float = 0.0) -> list[LiveFrame]:
    """Images as a camera of so many frames a second gives them."""
    times = [(i, start_s + i / fps, image) for i, image in enumerate(images)]
    return [LiveFrame(source, i, image, t, at(t), time.monotonic(), 0) for i, t, image in times]


def at(stream_s: float) -> datetime:
    return START + timedelta(seconds=stream_s)
