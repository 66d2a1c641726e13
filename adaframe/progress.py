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
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.started = time.monotonic()
        self.last = 0.0 if sys.stderr.isatty() else self.started
        self.shown = False

    def update(self, done: int, total: int) -> None:
        """`done` of `total`."""
        now = time.monotonic()
        terminal = sys.stderr.isatty()
        if now - self.last < (0.2 if terminal else 10.0):
            return
        self.last, self.shown = now, True
        left = (now - self.started) / max(done, 1) * (total - done)
        text = f"{self.what}: {done} of {total}, {clock(left)} left"
        print(f"\r{text:<79}" if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True)

    def done(self) -> None:
        """End the line."""
        if self.shown and sys.stderr.isatty():
            print(f"\r{'':<79}\r", end="", file=sys.stderr, flush=True)
        seconds = time.monotonic() - self.started
        if seconds > 2:
            print(f"{self.what}: done in {clock(seconds)}", file=sys.stderr, flush=True)
