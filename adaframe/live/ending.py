"""The end of a live run that was asked for: in order if it can be, at once if it must be."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # SIGHUP: the terminal was closed; not every system has it


class Ending:
    """While it is entered, Ctrl-C and the like set `stop`. Asked twice, or after the grace, the process is gone at once.

    Args:
        stop: what all that runs has to heed.
        grace_s: how long the orderly end may take: a blocked reader of our output, or a driver that hangs, must not keep
            a process that was told to go.

    What is in the list `at_last` is called before a process is ended that did not end in order.
    """

    def __init__(self, stop: threading.Event, *, grace_s: float = 2.0) -> None:
        self.stop, self.grace_s = stop, grace_s
        self.at_last: list[Callable[[], None]] = []
        self._before: dict[int, Any] = {}
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Ending:
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            # What is ignored (by nohup, or by a shell for what runs in the background) goes on being ignored.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._asked)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def leave(self, code: int = 0) -> None:
        """End the process now, and those that it started. What is written whole or not at all is so even then."""
        for last in self.at_last:
            last()
        for child in multiprocessing.active_children():
            child.kill()
        os._exit(code)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        if self._timer is not None:
            self.leave()
        self.stop.set()
        self._timer = threading.Timer(self.grace_s, self.leave)
        self._timer.daemon = True
        self._timer.start()
