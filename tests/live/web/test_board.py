from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np

from adaframe.inference.moment import Event
from adaframe.live.web import board as module
from adaframe.live.web.board import Board


def taken(said: list[Any]) -> Board:
    """A board that has taken over what was said."""

    async def run() -> Board:
        board = Board(["0"])
        for one in said:
            board.show(one)
        board.open()
        return board

    return asyncio.run(run())


def test_a_source_is_waiting_then_live_and_stale_without_new_pictures(
    moment: Callable[..., Any], monkeypatch: Any
) -> None:
    assert taken([]).tracks["0"].state() == "waiting"

    track = taken([moment()]).tracks["0"]

    assert track.state() == "live"
    monkeypatch.setattr(module, "STALE_S", 0.0)
    assert track.state() == "stale"


def test_a_source_is_lost_until_it_is_back_or_shows_something_newer(moment: Callable[..., Any]) -> None:
    now = moment().time
    lost = Event("lost", "0", now + timedelta(seconds=1), why="unplugged")

    late = taken([moment(), lost, moment()])  # was captured before the loss, and said after it
    back = taken([moment(), lost, Event("back", "0", now + timedelta(seconds=2)), moment()])
    newer = taken([moment(), lost, moment(time=now + timedelta(seconds=2))])

    assert late.tracks["0"].state() == "lost"
    assert back.tracks["0"].state() == newer.tracks["0"].state() == "live"
    assert [line.row["event"] for line in back.events] == ["lost", "back"]


def test_no_more_than_a_minute_is_kept(moment: Callable[..., Any]) -> None:
    start = moment().time

    track = taken([moment(time=start + timedelta(seconds=second)) for second in range(100)]).tracks["0"]

    assert [row[0] / 1000 - start.timestamp() for row in track.since(0)] == list(range(39, 100))
    assert track.since(98)[0][1:] == ["run", 0.75, False, "look-96"]


def test_what_nobody_takes_over_stays_bounded(moment: Callable[..., Any]) -> None:
    board = Board(["0"])
    images = [np.zeros((36, 64, 3), np.uint8) for _ in range(5000)]
    alive = [weakref.ref(image) for image in images]

    while images:
        board.show(moment(image=images.pop()))

    assert sum(one() is not None for one in alive) <= 2  # the newest one, and a variable's here
    assert len(board._said) == module.WAITING


def test_of_pictures_the_newest_wins(moment: Callable[..., Any]) -> None:
    track = taken([moment(grey=1), moment(grey=2), moment(image=None)]).tracks["0"]

    assert track.picture is not None
    assert track.picture._image[0, 0, 0] == 2


def test_a_source_that_was_not_announced_is_shown_too(moment: Callable[..., Any]) -> None:
    assert list(taken([moment(source="1")]).tracks) == ["0", "1"]
