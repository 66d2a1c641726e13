"""What there is to show: of every source the newest picture and the last minute, and the last events of all."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from adaframe.inference.moment import Event, Moment
from adaframe.live.web.picture import Picture

HISTORY_S = 60.0
HISTORY = 3600  # moments a source at most, however fast they come
EVENTS = 100
LINES = 256  # that programs may lag behind
WAITING = 2048  # moments and events not yet taken over by the server's loop
STALE_S = 4.0


@dataclass(frozen=True)
class Line:
    """A moment or an event, as `adaframe stream --json` writes it."""

    number: int
    row: dict[str, Any]


class Track:
    """One source: its newest moment and picture, its last minute, and whether it was lost."""

    def __init__(self) -> None:
        self.moment: dict[str, Any] | None = None
        self.picture: Picture | None = None
        self.picture_came_s = 0.0
        self.lost: Event | None = None
        # number, milliseconds since 1970, label, confidence, unsure, action
        self.history: deque[tuple[int, int, str | list[str], float, bool, str]] = deque(maxlen=HISTORY)

    def add(self, number: int, said: Moment, row: dict[str, Any]) -> None:
        self.moment = row
        ms = round(said.time.timestamp() * 1000)
        self.history.append((number, ms, said.label, row["confidence"], said.unsure, said.action))
        while self.history[0][1] < ms - 1000 * HISTORY_S:
            self.history.popleft()
        if self.lost is not None and said.time > self.lost.time:
            self.lost = None

    def since(self, number: int) -> list[list[Any]]:
        """What of the last minute came after that number: [milliseconds, label, confidence, unsure, action]."""
        rows = []
        for row in reversed(self.history):
            if row[0] <= number:
                break
            rows.append(list(row[1:]))
        return rows[::-1]

    def picture_age_s(self) -> float | None:
        return None if self.picture is None else round(time.monotonic() - self.picture_came_s, 2)

    def state(self) -> str:
        """waiting (for the first picture), live, stale (no new picture for a while) or lost."""
        if self.lost is not None:
            return "lost"
        age = self.picture_age_s()
        return "waiting" if age is None else "live" if age < STALE_S else "stale"


class Board:
    """Takes what is said in one thread, and holds it for the viewers in the server's.

    Only `show` and `close` may be called from anywhere. `show` hands over and returns: the newest picture of a source
    replaces one that was not taken over yet. All else belongs to the thread of the server's loop, so that nothing here
    needs a lock.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self.tracks = {source: Track() for source in sources}
        self.events: deque[Line] = deque(maxlen=EVENTS)
        self.lines: deque[Line] = deque(maxlen=LINES)
        self.number = 0  # of the last line; the next one's is one more
        self.viewers = 0
        self.closed = False
        self.encoders = ThreadPoolExecutor(1, thread_name_prefix="adaframe-jpeg")
        self._said: deque[Moment | Event] = deque(maxlen=WAITING)
        self._pictures: dict[str, Moment] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._called = False
        self._taken = 0  # pictures so far
        self._news: asyncio.Future[None] | None = None

    def show(self, said: Moment | Event) -> None:
        if isinstance(said, Moment) and said.image is not None:
            self._pictures[said.source] = said
        self._said.append(_without_image(said))
        if self._loop is not None and not self._called:
            self._called = True
            with suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._take_over)

    def open(self) -> None:
        """From now on the running loop takes over what is said."""
        self._loop = asyncio.get_running_loop()
        self._take_over()

    def close(self) -> None:
        """Send all viewers away. May be called from any thread."""
        self.closed = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._wake)
        self.encoders.shutdown(wait=False, cancel_futures=True)

    async def news(self, after: int, timeout_s: float) -> None:
        """Wait until there is a line with a higher number, the server closes, or the time is over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while self.number <= after and not self.closed and loop.time() < deadline:
            if self._news is None:
                self._news = loop.create_future()
            await asyncio.wait([self._news], timeout=deadline - loop.time())

    def since(self, number: int) -> list[Line]:
        """The lines after that number, oldest first, as far as they are kept."""
        lines = []
        for line in reversed(self.lines):
            if line.number <= number:
                break
            lines.append(line)
        return lines[::-1]

    def _take_over(self) -> None:
        self._called = False  # first, so that what is said from here on calls again
        while self._said:
            self._add(self._said.popleft())
        while self._pictures:
            source, moment = self._pictures.popitem()
            assert moment.image is not None
            track = self.tracks.setdefault(source, Track())
            time_iso = moment.time.isoformat(timespec="milliseconds")
            self._taken += 1
            track.picture = Picture(moment.image, self._taken, time_iso)
            track.picture_came_s = time.monotonic()
        self._wake()

    def _add(self, said: Moment | Event) -> None:
        self.number += 1
        row = said.to_json()
        line = Line(self.number, row)
        self.lines.append(line)
        track = self.tracks.setdefault(said.source, Track())
        if isinstance(said, Moment):
            track.add(self.number, said, row)
            return
        self.events.append(line)
        if said.event in ("lost", "back"):
            track.lost = said if said.event == "lost" else None

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
        self._news = None


def _without_image(said: Moment | Event) -> Moment | Event:
    """Small enough to be kept: lists of pictures, or of hundreds of classes, would grow too large."""
    return replace(said, image=None, top=said.top[:5]) if isinstance(said, Moment) else replace(said, image=None)
