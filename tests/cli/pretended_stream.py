"""`adaframe stream` as a program, with a recognition that only pretends: quick to start, and as odd as PRETEND says.

steady: moments, and an event every fifth; it ends what holds when it shall stop. silent: the source is lost, and nothing comes.
unusable: the only source is a file that cannot be used. hung: it does not even ask if it shall stop, and a process of its own
runs. broken: it fails.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import sys
import time
import types
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from adaframe.errors import VideoError
from adaframe.inference.moment import Event, Moment

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def moment(number: int, source: str = "0") -> Moment:
    return Moment(
        source=source,
        time=BEGAN + timedelta(seconds=number / 10),
        stream_s=number / 10,
        label="fight",
        confidence=0.9,
        unsure=False,
        action=("glance", "skip", "look-160")[number % 3],
        delay_s=0.05,
        dropped=0,
        load=0.5,
        gmacs_per_s=1.0,
        saved=0.75,
        top=[("fight", 0.9), ("no-fight", 0.1)],
        image=np.full((4, 6, 3), 200, dtype=np.uint8),
    )


def event(number: int, kind: str = "start", source: str = "0") -> Event:
    now = moment(number)
    return Event(kind, source, now.time, stream_s=now.stream_s, label="fight", peak=0.95, image=now.image)


def watch(model: Any, sources: Any, *, stop: Callable[[], bool], **rest: Any) -> Iterator[Moment | Event]:
    how = os.environ["PRETEND"]
    if how == "broken":
        raise VideoError("cam", "is no camera")
    if how == "unusable":
        yield Event("lost", "0", BEGAN, why="no video", retried=False)
        return
    if how == "silent":
        yield Event("lost", "0", BEGAN, why="connection refused")
    if how == "hung":
        multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,), daemon=True).start()
        print("process", multiprocessing.active_children()[0].pid, file=sys.stderr, flush=True)
        yield moment(0)
        time.sleep(60)
    for number in itertools.count():
        if stop():
            break
        if how == "steady":
            yield moment(number)
            if number % 5 == 0:
                yield event(number)
        time.sleep(0.01)
    if how == "steady":
        yield event(number, "end")


def main() -> None:
    for name, part in (("watch", watch), ("recognizer", None)):
        module = types.ModuleType(f"adaframe.inference.{name}")
        setattr(module, "load" if part is None else name, part)
        sys.modules[module.__name__] = module
    from adaframe.cli.main import run

    run()


if __name__ == "__main__":
    main()
