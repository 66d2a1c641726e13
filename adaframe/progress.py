"""One line on stderr that says how far something is and how long it will still take."""

from __future__ import annotations

import sys
import time


def clock(seconds: float) -> str:
    """Seconds as 4:07 or 1:02:33."""
    whole = max(round(seconds), 0)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


class Line:
    """Progress of a countable thing. On a terminal the line is rewritten; elsewhere a new one comes every ten seconds.

    Args:
        what: is being done.
        begun: how much of it was done before: it says nothing about how long the rest will take.
        unit: of what is counted, where the line shall say how many of them a second.
    """

    def __init__(self, what: str, *, begun: int = 0, unit: str = "") -> None:
        self.what, self.begun, self.unit = what, begun, unit
        self.started = time.monotonic()
        self.last = 0.0 if sys.stderr.isatty() else self.started
        self.shown = False
        self._first: tuple[float, int] | None = None

    def update(self, done: int, total: int) -> None:
        """`done` of `total`. The speed is that since the first update: what came before it (imports) tells nothing."""
        now = time.monotonic()
        self._first = self._first or (now, done)
        terminal = sys.stderr.isatty()
        if now - self.last < (0.2 if terminal else 10.0):
            return
        self.last, self.shown = now, True
        since, before = self._first if self._first[1] < done else (self.started, self.begun)
        new, seconds = max(done - before, 1), now - since
        rate = f"{new / seconds:.3g} {self.unit}/s, " if self.unit and seconds > 0 else ""
        text = f"{self.what}: {done} of {total}, {rate}{clock(seconds / new * (total - done))} left"
        print(f"\r{text:<79}" if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True)

    def done(self) -> None:
        """End the line."""
        if self.shown and sys.stderr.isatty():
            print(f"\r{'':<79}\r", end="", file=sys.stderr, flush=True)
        seconds = time.monotonic() - self.started
        if seconds > 2:
            print(f"{self.what}: done in {clock(seconds)}", file=sys.stderr, flush=True)
