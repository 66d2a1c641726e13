"""Many files part by part: in order, decoded ahead but not without end, whatever happens to one of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import video_pool_tasks as tasks

from adaframe.config import Preprocess, Sampling
from adaframe.errors import DecoderFailure, VideoError
from adaframe.video.clip import ClipFrames, ClipRequest
from adaframe.video.parts import Parts
from adaframe.video.pool import DecodeFuture, DecodePool

Render = Callable[..., Path]


def request(path: str | Path) -> ClipRequest:
    """Two windows a part at most."""
    return ClipRequest(str(path), Sampling(1, 1.0), Preprocess(resize=8, crop=8), max_windows=2)


class Pool:
    """Decodes at once: `windows[path]` windows, each picture of its window's number; counts what waits to be taken."""

    workers = 1

    def __init__(self, windows: dict[str, int], fails: set[tuple[str, int]] | None = None) -> None:
        self.windows, self.fails = windows, fails or set()
        self.asked: list[tuple[str, int]] = []
        self.decoded: set[ClipRequest] = set()
        self.waited_for: list[list[str]] = []
        self.taken = self.most_waiting = self.cancelled = 0

    def wait(self, futures: list[Future], within_s: float | None = None) -> None:
        """Decodes the first of them."""
        self.waited_for.append([future.request.path for future in futures])
        self.decoded.add(futures[0].request)

    def submit(self, function: Any, request: ClipRequest) -> Future:
        self.asked.append((request.path, request.first_window))
        self.most_waiting = max(self.most_waiting, len(self.asked) - self.taken)
        return Future(self, request)


class Future:
    def __init__(self, pool: Pool, request: ClipRequest) -> None:
        self.pool, self.request = pool, request

    def done(self) -> bool:
        return "slow" not in self.request.path or self.request in self.pool.decoded

    def cancel(self) -> None:
        self.pool.cancelled += 1

    def result(self) -> ClipFrames:
        self.pool.taken += 1
        first, total = self.request.first_window, self.pool.windows.get(self.request.path, 1)
        if (self.request.path, first) in self.pool.fails:
            raise VideoError(self.request.path, "the decoder crashed")
        numbers = np.arange(first, min(first + self.request.max_windows, total))
        column = numbers[:, None].astype(np.float64)
        images = np.zeros((len(numbers), 1, 8, 8, 3), np.uint8) + numbers[:, None, None, None, None].astype(np.uint8)
        valid = np.ones((len(numbers), 1), bool)
        return ClipFrames(
            self.request.path,
            images,
            column,
            numbers[:, None],
            valid,
            numbers * 1.0,
            numbers + 1.0,
            total,
            0.5,
            (),
            "pyav",
        )


def told(parts: Parts) -> list[tuple[str, list[int] | str, bool]]:
    """Of each part the file, its windows (or what is wrong), and whether it is the last one."""
    return [
        (p.path, p.frames.what if isinstance(p.frames, VideoError) else p.frames.images[:, 0, 0, 0, 0].tolist(), p.last)
        for p in parts
    ]


def test_parts_come_in_order_and_the_last_of_a_file_says_so() -> None:
    pool = Pool({"a": 1, "b": 5, "c": 2}, fails={("bad", 0)})

    parts = told(Parts(pool, map(request, ["a", "b", "bad", "c"])))  # type: ignore[arg-type]

    assert parts == [
        ("a", [0], True),
        ("b", [0, 1], False),
        ("b", [2, 3], False),
        ("b", [4], True),
        ("bad", "the decoder crashed", True),
        ("c", [0, 1], True),
    ]


def test_a_part_that_fails_later_leaves_its_windows_out_with_a_warning() -> None:
    pool = Pool({"a": 7}, fails={("a", 2), ("a", 6)})

    parts = list(Parts(pool, [request("a")]))  # type: ignore[arg-type]

    frames = [part.frames for part in parts if isinstance(part.frames, ClipFrames)]
    assert [len(f.images) for f in frames] == [2, 0, 2, 0]
    assert [f.warnings for f in frames] == [
        (),
        ("2 windows are left out: the decoder crashed",),
        (),
        ("1 windows are left out: the decoder crashed",),
    ]
    assert [f.decode_s for f in frames] == [0.5, 0.0, 0.5, 0.0]
    assert [part.last for part in parts] == [False, False, False, True]


@pytest.mark.parametrize("windows", [1, 10_000])
def test_what_waits_is_bounded_whatever_the_number_and_the_length_of_the_files(windows: int) -> None:
    paths = (f"{n}" for n in itertools.count())
    pool = Pool({f"{n}": windows for n in range(1000)})

    taken = list(itertools.islice(Parts(pool, map(request, paths)), 300))  # type: ignore[arg-type]

    assert len(taken) == 300
    # Eight files ahead, with one worker, and as many parts of the one at hand.
    assert pool.most_waiting <= (8 if windows == 1 else 16)


def test_the_next_part_is_ready_once_it_is_decoded() -> None:
    parts = Parts(Pool({"a": 1, "slow": 3}), map(request, ["a", "slow"]))  # type: ignore[arg-type]

    ready = []
    for _ in range(3):
        ready.append(parts.ready())
        next(parts)

    assert ready == [True, False, False]  # the second part of "slow" is waited for as well
    assert parts.ready()  # the end
    assert next(parts, None) is None


def test_what_is_decoded_early_may_go_before_what_is_not() -> None:
    pool = Pool({"slow": 3, "long": 3}, fails={("bad", 0)})
    paths = ["slow", "a", "long", "bad", "b"]

    parts = Parts(pool, map(request, paths), overtake=9)  # type: ignore[arg-type]

    assert [(p.number, p.path, p.last) for p in parts] == [
        (1, "a", True),
        (3, "bad", True),
        (4, "b", True),
        (0, "slow", False),
        (0, "slow", True),
        (2, "long", False),  # of several parts: it waits for its turn
        (2, "long", True),
    ]


def test_no_more_than_so_many_go_before_one() -> None:
    pool = Pool({})
    paths = ["slow", *(f"{n}" for n in range(100))]

    parts = Parts(pool, map(request, paths), overtake=20)  # type: ignore[arg-type]

    assert [p.number for p in parts] == [*range(1, 21), 0, *range(21, 101)]


def test_the_next_part_is_ready_once_any_is_that_may_go_first() -> None:
    pool = Pool({})

    parts = Parts(pool, map(request, ["slow", "a", "slow-too"]), overtake=9)  # type: ignore[arg-type]

    assert parts.ready()
    assert next(parts).path == "a"
    assert not parts.ready()
    assert parts.ready(1.0)
    assert pool.waited_for == [["slow", "slow-too"]]


def test_processes_are_busy_with_what_is_not_decoded() -> None:
    pool = Pool({})
    parts = Parts(pool, map(request, ["slow", "a", "slow-too"]), overtake=9)  # type: ignore[arg-type]

    parts.begin()

    assert parts.busy() == 1  # of two files one process can have one
    assert [part.path for part in parts] == ["a", "slow", "slow-too"]
    assert parts.busy() == 0


def test_closing_gives_up_on_what_was_not_handed_out() -> None:
    pool = Pool({f"{n}": 1 for n in range(9)})
    parts = Parts(pool, (request(f"{n}") for n in range(9)))  # type: ignore[arg-type]
    next(parts)

    parts.close()

    assert pool.cancelled == len(pool.asked) - 1
    assert list(parts) == []


class Troubled(DecodePool):
    """The files called crash and hang do so."""

    def submit(self, function: Callable[..., Any], *args: Any) -> DecodeFuture[Any]:
        name = Path(args[0].path).name
        return super().submit({"crash": tasks.crash, "hang": tasks.hang}.get(name, function), *args)


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with Troubled(workers=2, timeout_s=2.0) as pool:
        yield pool


def test_a_crash_and_a_hang_are_their_files_errors_and_cost_no_other(pool: DecodePool, render: Render) -> None:
    good = render(frames=20)
    paths = [good, "crash", good, "hang", "missing.mp4", good]

    parts = list(Parts(pool, (replace(request(path), sampling=Sampling(4)) for path in paths)))

    assert [part.path for part in parts] == list(map(str, paths))
    assert [part.number for part in parts] == list(range(6))
    assert [isinstance(part.frames, ClipFrames) for part in parts] == [True, False, True, False, False, True]
    assert isinstance(parts[1].frames, DecoderFailure)
    assert "the decoder crashed" in parts[1].frames.what
    assert isinstance(parts[3].frames, DecoderFailure)
    assert "longer than 2 s" in parts[3].frames.what
