"""How far something is: on a terminal, and in a file."""

from __future__ import annotations

import io
import sys

import pytest

from adaframe import progress
from adaframe.progress import Line, clock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds, to be set by the test."""
    times = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: times[0])
    return times


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0:00"), (0.4, "0:00"), (59.6, "1:00"), (247, "4:07"), (3599.7, "1:00:00"), (3753, "1:02:33")],
)
def test_times_are_minutes_or_hours(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_in_a_file_a_line_comes_every_ten_seconds(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    line = Line("decoding")
    for done in range(1, 26):
        now[0] += 1
        line.update(done, 100)
    line.done()

    out = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert out == "decoding: 10 of 100, 1:30 left\ndecoding: 20 of 100, 1:20 left\ndecoding: done in 0:25\n"


def test_what_was_done_before_tells_nothing_about_the_speed(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    line = Line("classifying", begun=80, unit="videos")
    now[0] += 10
    line.update(85, 100)

    out = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert out == "classifying: 85 of 100, 0.5 videos/s, 0:30 left\n"


def test_what_came_before_the_first_one_tells_nothing_about_the_speed(
    now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    line = Line("classifying", unit="videos")
    now[0] += 6  # imports
    for done in range(1, 6):
        line.update(done, 100)
        now[0] += 1
    line.update(6, 100)

    out = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert out == "classifying: 5 of 100, 1 videos/s, 1:35 left\n"


def test_on_a_terminal_the_line_is_rewritten_and_goes_away(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    line = Line("decoding")
    now[0] += 0.25
    line.update(1, 4)
    now[0] += 0.1
    line.update(2, 4)  # too soon to be read
    now[0] += 0.4
    line.update(3, 4)
    line.done()

    out = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert [text.strip() for text in out.split("\r")] == [
        "",
        "decoding: 1 of 4, 0:01 left",
        "decoding: 3 of 4, 0:00 left",
        "",
        "",
    ]
    assert "\n" not in out


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_what_is_done_at_once_says_nothing(
    now: list[float], monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]
) -> None:
    monkeypatch.setattr(sys, "stderr", stream())
    line = Line("decoding")
    line.done()

    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]
