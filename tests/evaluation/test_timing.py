"""Methods take turns, so that a machine's moods meet all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import torch

from adaframe.evaluation import timing
from adaframe.evaluation.timing import Timed, time_methods


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock that moves only when it is told to."""
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


def test_methods_take_turns_after_a_round_that_does_not_count() -> None:
    calls: list[str] = []

    time_methods([Timed(lambda name=name: calls.append(name), 1) for name in "ABC"], rounds=2)  # type: ignore[misc]

    assert "".join(calls) == "ABC" * 3


def test_the_median_is_told_in_milliseconds_a_window(clock: Callable[[float], None]) -> None:
    seconds = iter([50.0, 0.3, 0.1, 9.0, 0.2, 0.4])  # the first does not count; the median of the others is 0.3

    (milliseconds,) = time_methods([Timed(lambda: clock(next(seconds)), 3)])

    assert milliseconds == pytest.approx(100.0)


def test_each_method_gets_its_own_time(clock: Callable[[float], None]) -> None:
    methods = [Timed(lambda: clock(0.01), 1), Timed(lambda: clock(0.01), 10), Timed(lambda: clock(0.5), 1)]

    assert time_methods(methods, rounds=3) == pytest.approx([10.0, 1.0, 500.0])


def test_what_takes_longer_is_found_to_take_longer() -> None:
    quick, slow = time_methods([Timed(lambda: None, 1), Timed(lambda: time.sleep(0.02), 1)], rounds=3)

    assert quick < 10 < 20 <= slow


def test_nothing_is_recorded_for_gradients() -> None:
    modes: list[bool] = []

    time_methods([Timed(lambda: modes.append(torch.is_inference_mode_enabled()), 1)], rounds=1)

    assert modes == [True, True]
