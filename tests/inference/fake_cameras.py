"""Frames as cameras give them, without cameras."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@dataclass(frozen=True, eq=False)
class FakeShot:
    source: str
    number: int
    image: np.ndarray
    stream_s: float
    time: datetime
    arrived_s: float
    dropped: int = 0


@dataclass(frozen=True)
class FakeOutage:
    event: str
    source: str
    time: datetime
    why: str = ""


class FakeCameras:
    """Gives one item at a time (or a list of items that came together), then ends."""

    def __init__(self, items: Iterable[object]) -> None:
        self._items = iter(items)
        self.ended = self.closed = False

    def take(self, timeout_s: float) -> list[object]:
        item = next(self._items, None)
        if item is None:
            self.ended = True
            return []
        return item if isinstance(item, list) else [item]

    def close(self) -> None:
        self.closed = True


def shots(images: Iterable[np.ndarray], fps: float, *, source: str = "cam", start_s: float = 0.0) -> list[FakeShot]:
    """Images as a camera of so many frames a second gives them."""
    return [
        FakeShot(source, i, image, start_s + i / fps, START + timedelta(seconds=start_s + i / fps), time.monotonic())
        for i, image in enumerate(images)
    ]
