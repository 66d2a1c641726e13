"""What comes at its own pace, fetched by a thread, so that whoever waits can do something else meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")


class Pump(Generic[T]):
    """Runs a generator in a thread of its own; iterating gives its items, and None where none came for a while.

    At most one item waits: a slow reader slows the generator down, so that what is read is never old.

    Args:
        items: run, and closed, in the thread. Its errors are raised where the items are read.
        stop: set by anyone, asks for the end; the generator has to heed it itself. What it gives even then is read.
        tick_s: how long to wait for an item before None is given.
        end_s: how long after `stop` to wait for the end.
    """

    def __init__(self, items: Generator[T, None, None], stop: threading.Event, *, tick_s: float, end_s: float) -> None:
        self._items, self._stop, self._tick_s, self._end_s = items, stop, tick_s, end_s
        self._waiting: Queue[T | _End] = Queue(maxsize=1)
        self._left = threading.Event()  # by the reader
        self._thread = threading.Thread(target=self._fetch, name="recognition", daemon=True)

    def __iter__(self) -> Iterator[T | None]:
        self._thread.start()
        until = float("inf")
        while time.monotonic() < until:
            if self._stop.is_set():
                until = min(until, time.monotonic() + self._end_s)
            try:
                item = self._waiting.get(timeout=self._tick_s)
            except Empty:
                yield None
                continue
            if isinstance(item, _End):
                # What fails because it is being ended has not failed.
                if item.error is not None and not self._stop.is_set():
                    raise item.error
                return
            yield item

    def close(self) -> bool:
        """Read no more, and wait a little for the thread; whether it came to its end."""
        self._left.set()
        if self._thread.ident is not None:
            self._thread.join(self._end_s)
        return not self._thread.is_alive()

    def _fetch(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._items:
                self._put(item)
                if self._left.is_set():
                    break
            self._items.close()
        except BaseException as caught:
            error = caught
        self._put(_End(error))

    def _put(self, item: T | _End) -> None:
        while not self._left.is_set():
            try:
                self._waiting.put(item, timeout=0.1)
                return
            except Full:
                continue


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error
