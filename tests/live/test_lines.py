"""Lines for people and for programs."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from adaframe.inference.moment import Event, Moment
from adaframe.live.lines import JsonLines, PlainLines, cut, decision_marks, event_line, moment_line

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def moment(**parts: Any) -> Moment:
    plain = {
        "source": "0",
        "time": NOW,
        "stream_s": 75.0,
        "label": "fight",
        "confidence": 0.934,
        "unsure": False,
        "action": "look-96",
        "delay_s": 0.0471,
        "dropped": 3,
        "load": 0.5,
        "gmacs_per_s": 1.0,
        "saved": 0.87,
        "top": [("fight", 0.934)],
    }
    return Moment(**(plain | parts))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "24")
    return Terminal()


def test_a_moment_for_people() -> None:
    text = moment_line(moment(), "▂·▅")

    assert text == "0  1:15  fight 93%                ▂·▅ look-96   87% saved  47 ms"
    assert moment_line(moment(unsure=True, note="5 frames a second instead of 8"), "").startswith(
        "0  1:15  fight 93% ? "
    )


def test_a_moment_fits_80_columns() -> None:
    assert len(moment_line(moment(source="rtsp://cam:***@192.0.2.7:554/stream1", action="look-160"), "█" * 12)) <= 80


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Event("start", "0", NOW, stream_s=3.0, label="fight", peak=0.8), "  0:03  0  fight begins, 80%"),
        (
            Event("end", "0", NOW, label="fight", peak=0.97, began=NOW - timedelta(seconds=4.2), snapshot="a.jpg"),
            "  0  fight ends, after 4.2 s, peak 97%, a.jpg",
        ),
        (Event("lost", "0", NOW, why="no answer"), "  0  lost, trying again, no answer"),
        (Event("lost", "a.mp4", NOW, why="no video", retried=False), "  a.mp4  cannot be used, no video"),
        (Event("back", "0", NOW), "  0  back"),
        (Event("start", "0", NOW, label="a\n\x1b[2Jb", peak=0.5), "  0  a  [2Jb begins, 50%"),
    ],
)
def test_an_event_for_people(event: Event, text: str) -> None:
    assert event_line(event) == f"{NOW.astimezone():%Y-%m-%d %H:%M:%S}{text}"


def test_json_lines_are_what_moments_and_events_say(capsys: pytest.CaptureFixture[str]) -> None:
    lines = JsonLines()

    lines.show(moment())
    lines.show(Event("back", "0", NOW))
    lines.say("a note")

    captured = capsys.readouterr()
    assert [json.loads(line) for line in captured.out.splitlines()] == [
        moment().to_json(),
        Event("back", "0", NOW).to_json(),
    ]
    assert captured.err == "adaframe: a note\n"


def test_on_a_terminal_every_source_has_its_line_and_events_stand_above(terminal: Terminal) -> None:
    lines = PlainLines(["look-96", "glance"], terminal)

    lines.show(moment())
    lines.show(moment(source="1"))
    terminal.seek(0)
    terminal.truncate()
    lines.show(Event("lost", "1", NOW, why="gone"))

    back, *shown = terminal.getvalue().split("\n")
    assert back.startswith("\x1b[2F\x1b[J2026-01-02 ")  # over both lines, the event first
    assert back.endswith("  1  lost, trying again, gone")
    assert shown[0].startswith("0  1:15  fight 93%")
    assert shown[1:] == ["1  lost", ""]


def test_a_note_does_not_tear_the_lines(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    lines = PlainLines(["look-96", "glance"], terminal)
    lines.show(moment())

    lines.say("disk full")

    first, again = terminal.getvalue().split("\x1b[1F\x1b[J")
    assert first == again
    assert capsys.readouterr().err == "adaframe: disk full\n"


def test_elsewhere_only_events_are_printed() -> None:
    out = io.StringIO()
    lines = PlainLines(["look-96", "glance"], out)

    lines.show(moment())
    lines.show(Event("back", "0", NOW))

    assert out.getvalue().splitlines() == [event_line(Event("back", "0", NOW))]
    assert "\x1b" not in out.getvalue()


def test_the_dearer_the_action_the_higher_its_mark() -> None:
    assert decision_marks(["look-160", "look-96", "glance"]) == {
        "look-160": "█",
        "look-96": "▅",
        "glance": "▂",
        "skip": "·",
    }
    assert decision_marks(["look-160"]) == {"look-160": "█", "skip": "·"}


@pytest.mark.parametrize(
    ("text", "columns", "kept"), [("abcd", 3, "abc"), ("字字字", 5, "字字"), ("e\u0301e\u0301e", 2, "e\u0301e\u0301")]
)
def test_a_line_is_cut_by_what_it_takes_on_the_screen(text: str, columns: int, kept: str) -> None:
    assert cut(text, columns) == kept
