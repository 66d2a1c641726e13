"""The thread that recognises, and what its reader gets."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

import pytest

from adaframe.live.pump import Pump


def test_all_items_come_in_order_and_none_where_nothing_came() -> None:
    more = threading.Event()

    def items() -> Generator[int, None, None]:
        yield 1
        more.wait(5)
        yield 2

    pump = Pump(items(), threading.Event(), tick_s=0.01, end_s=1)
    seen: list[int | None] = []
    for item in pump:
        seen.append(item)
        if seen[-3:] == [None, None, None]:
            more.set()

    assert [item for item in seen if item is not None] == [1, 2]
    assert pump.close()


def test_an_error_is_raised_where_the_items_are_read() -> None:
    def items() -> Generator[int, None, None]:
        yield 1
        raise ValueError("two")

    reader = iter(Pump(items(), threading.Event(), tick_s=1, end_s=1))

    assert next(reader) == 1
    with pytest.raises(ValueError, match="two"):
        next(reader)


def test_a_slow_reader_slows_it_down() -> None:
    made = []

    def items() -> Generator[int, None, None]:
        for number in range(100):
            made.append(number)
            yield number

    pump = Pump(items(), threading.Event(), tick_s=1, end_s=1)
    next(iter(pump))
    time.sleep(0.2)

    assert len(made) <= 3  # one read, one waiting, one in its hands
    assert pump.close()


def test_what_it_gives_while_it_is_being_ended_is_read_but_not_its_errors() -> None:
    stop = threading.Event()

    def items() -> Generator[str, None, None]:
        yield "moment"
        stop.wait(5)
        yield "end"
        raise OSError("the camera is gone")

    seen = []
    for item in Pump(items(), stop, tick_s=0.01, end_s=2):
        seen.append(item)
        stop.set()

    assert [item for item in seen if item is not None] == ["moment", "end"]


def test_what_does_not_end_is_left_after_a_while() -> None:
    stop, free = threading.Event(), threading.Event()

    def items() -> Generator[int, None, None]:
        free.wait(10)
        yield 1

    pump = Pump(items(), stop, tick_s=0.01, end_s=0.1)
    stop.set()

    assert [item for item in pump if item is not None] == []
    assert not pump.close()
    free.set()
