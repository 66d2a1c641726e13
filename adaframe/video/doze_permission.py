"""Permission to leave pictures undecoded: given by whoever takes them, used by the process that captures them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Doze:
    """When a picture that shows nothing new is wanted, by time.monotonic().

    Args:
        after_s: from when on, if it is cheap.
        before_s: from when on, whatever it costs.
    """

    after_s: float
    before_s: float


class DozePermission:
    """For two threads of the capturing process: the one that serves writes it, the one that captures reads it.

    `doze` is None where every picture is wanted; `possible` says whether the source is one that could doze.
    """

    def __init__(self) -> None:
        self.doze: Doze | None = None
        self.possible = False

    def take_back(self) -> None:
        """The source is lost: what was said of its picture is void."""
        self.doze, self.possible = None, False
