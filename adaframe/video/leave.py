"""Leave to doze, between whoever takes pictures and the process that captures them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rest:
    """When a picture that shows nothing new is wanted, by time.monotonic().

    Args:
        after_s: from when on, if it is cheap.
        before_s: from when on, whatever it costs.
    """

    after_s: float
    before_s: float


class Leave:
    """For two threads: the one that serves gives it, the one that captures takes it.

    `rest` is None where every picture is wanted; `possible` says whether the source is one that could doze.
    """

    def __init__(self) -> None:
        self.rest: Rest | None = None
        self.possible = False

    def take_back(self) -> None:
        """The source is lost: what was said of its picture is void."""
        self.rest, self.possible = None, False
