"""A visitor's webcam beside the cameras of this machine."""

from __future__ import annotations

import time
from typing import Any

from adaframe.live.visitor import WithVisitor


class Camera:
    """Gives what it has, then nothing; `several` as Cameras do."""

    def __init__(self, items: list[str], *, several: bool = True, ended: bool = False) -> None:
        self.items, self.several, self.ended, self.closed = items, several, ended, False

    def take(self, timeout_s: float) -> Any:
        if self.items:
            item = self.items.pop(0)
            return [item] if self.several else item
        time.sleep(timeout_s)
        return [] if self.several else None

    def close(self) -> None:
        self.closed = True


def test_both_are_taken_from() -> None:
    both = WithVisitor(Camera(["v1"], several=False), Camera(["a1", "a2"]))  # type: ignore[arg-type]

    assert both.take(1) == ["a1", "v1"]
    assert both.take(1) == ["a2"]
    assert both.take(0.05) == []


def test_the_visitor_alone_is_waited_for() -> None:
    others = Camera([], ended=True)
    both = WithVisitor(Camera(["v1"], several=False), others)  # type: ignore[arg-type]

    assert not both.ended
    assert both.take(1) == ["v1"]

    both.close()
    assert others.closed
