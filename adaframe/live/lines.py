"""Live recognition as lines: JSON for programs; for people events that stay, and on a terminal how things are now."""

from __future__ import annotations

import json
import os
import select
import shutil
import sys
import threading
import unicodedata
from collections import deque
from collections.abc import Sequence
from typing import TextIO

from adaframe.inference.moment import Event, Moment
from adaframe.model.answer import in_words
from adaframe.progress import clock

_STRIP = 12  # decisions in a line
_SOURCE = 16  # characters of its name in a line: of long ones the end tells them apart
_HEIGHTS = "█▆▅▄▃▂"


class JsonLines:
    """One JSON object a line, on stdout, flushed."""

    def show(self, item: Moment | Event) -> None:
        print(json.dumps(item.to_json()), flush=True)

    def refresh(self) -> bool:
        """Whether somebody still reads."""
        return not reader_left(sys.stdout)

    def say(self, text: str) -> None:
        note(text)

    def close(self) -> None:
        """Nothing is left to be done."""


class PlainLines:
    """Lines for people on stdout: events; and where that is a terminal, below them a line per source that is rewritten.

    Args:
        actions: names of the model's looks and its glance, from the dearest on; skip needs no name.
        out: where to; stdout.
    """

    def __init__(self, actions: Sequence[str], out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._live = self._out.isatty() and os.environ.get("TERM") != "dumb"
        self._now: dict[str, str] = {}  # of each source
        self._strips: dict[str, deque[str]] = {}
        self._marks = decision_marks(actions)
        self._shown = 0  # lines to be taken back
        self._lock = threading.Lock()

    def show(self, item: Moment | Event) -> None:
        with self._lock:
            if isinstance(item, Event):
                if item.event == "lost":
                    self._now[item.source] = f"{one_line(item.source)}  lost"
                self._print(event_line(item))
            elif self._live:
                strip = self._strips.setdefault(item.source, deque(maxlen=_STRIP))
                strip.append(self._marks.get(item.action, "?"))
                self._now[item.source] = moment_line(item, "".join(strip))
                self._print()

    def refresh(self) -> bool:
        """Whether somebody still reads."""
        return not reader_left(self._out)

    def say(self, text: str) -> None:
        """A note that does not tear the lines that are rewritten. From any thread."""
        with self._lock:
            self._clear()
            note(text)
            self._print()

    def close(self) -> None:
        """The last state is left standing."""

    def _clear(self) -> None:
        if self._shown:
            self._out.write(f"\x1b[{self._shown}F\x1b[J")
            self._out.flush()
        self._shown = 0

    def _print(self, line: str | None = None) -> None:
        self._clear()
        if line is not None:
            self._out.write(line + "\n")
        if self._live:
            columns, rows = shutil.get_terminal_size()
            # A line that wraps would be two, and then too few are taken back.
            now = [cut(text, columns - 1) for text in self._now.values()][: max(rows - 2, 1)]
            self._out.write("".join(f"{text}\n" for text in now))
            self._shown = len(now)
        self._out.flush()


def note(text: str) -> None:
    """Say something to people, on stderr."""
    print(f"adaframe: {text}", file=sys.stderr, flush=True)


def reader_left(out: TextIO) -> bool:
    """Whether `out` is a pipe that nobody reads any more, or a terminal that was closed; told without writing."""
    try:
        poll = select.poll()
        poll.register(out.fileno(), 0)
    except (AttributeError, OSError, ValueError):  # a system without poll; no file at all
        return False
    return any(state & (select.POLLERR | select.POLLHUP) for _, state in poll.poll(0))


def decision_marks(actions: Sequence[str]) -> dict[str, str]:
    """A character per action, the higher the dearer; actions from the dearest on."""
    last = max(len(actions) - 1, 1)
    return {name: _HEIGHTS[rank * (len(_HEIGHTS) - 1) // last] for rank, name in enumerate(actions)} | {"skip": "·"}


def moment_line(moment: Moment, strip: str) -> str:
    """How things are, for people."""
    unsure = " ?" if moment.unsure else ""
    answer = f"{in_words(moment.label)} {moment.confidence:.0%}{unsure}"
    source = moment.source if len(moment.source) <= _SOURCE else "…" + moment.source[1 - _SOURCE :]
    text = (
        f"{source}  {clock(moment.stream_s)}  {answer:<14}  {strip:>{_STRIP}} {moment.action:<8} "
        f"{moment.saved:4.0%} saved  {1000 * moment.delay_s:.0f} ms  {moment.note}"
    )
    return one_line(text).rstrip()


def event_line(event: Event) -> str:
    """What began or ended, for people."""
    what = {
        "start": f"{event.label} begins",
        "end": f"{event.label} ends",
        "lost": lost_words(event),
        "back": "back",
    }.get(event.event, f"{event.event} {event.label}".strip())
    more = []
    if event.began is not None:
        more.append(f"after {(event.time - event.began).total_seconds():.1f} s")
    if event.peak is not None:
        unsure = " ?" if event.unsure else ""
        more.append(f"{'peak ' if event.event == 'end' else ''}{event.peak:.0%}{unsure}")
    if event.why:
        more.append(event.why)
    if event.snapshot:
        more.append(event.snapshot)
    at = f"  {clock(event.stream_s)}" if event.stream_s is not None else ""
    text = f"{event.time.astimezone():%Y-%m-%d %H:%M:%S}{at}  {event.source}  {', '.join([what, *more])}"
    return one_line(text)


def lost_words(event: Event) -> str:
    """What became of a source that was lost, for people."""
    return "lost, trying again" if event.retried else "cannot be used"


def one_line(text: str) -> str:
    """Without characters that would move the cursor or break the line: names come from files and cameras."""
    return "".join(c if c.isprintable() else " " for c in text)


def cut(text: str, columns: int) -> str:
    """At most so many columns of a terminal; East Asian characters take two, accents none."""
    taken = 0
    for at, character in enumerate(text):
        taken += 0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in ("W", "F"))
        if taken > columns:
            return text[:at]
    return text
