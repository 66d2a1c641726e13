"""A user's command for each event: run beside the stream, which never waits for it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable

from adaframe.errors import UsageError
from adaframe.inference.moment import Event
from adaframe.video.masking import mask

LIMIT_S = 10.0
_AT_ONCE, _WAITING = 4, 32
_SHELL_ONLY = {"|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1"}
_TAIL = 400  # bytes of what a command last said, that are kept


class Commands:
    """Runs a command for each event, with the event's JSON on its stdin and without a shell.

    Events of one source are told one after the other, those of up to four sources at once; 32 events wait, of a flood the
    rest is left out, and that is said. A command that takes longer than the limit is killed with all that it started.
    What a command prints is thrown away.

    Args:
        command: words as a shell would split them. Nothing in them is replaced; the event comes by stdin alone.
        say: is told the first failure and the first event left out, and at the end how many there were.
        limit_s: how long a command may take.

    Raises:
        UsageError: there is no such program, or the command needs a shell.
    """

    def __init__(self, command: str, *, say: Callable[[str], None], limit_s: float = LIMIT_S) -> None:
        self._words, self._say, self._limit_s = _words(command), say, limit_s
        self._changed = threading.Condition()
        self._waiting: list[tuple[str, str, bytes]] = []  # source; what it is about, for people and for the command
        self._busy: set[str] = set()  # sources for which a command runs
        self._running: set[subprocess.Popen[bytes]] = set()
        self._workers = 0
        self._ending = False
        self.ran = self.failed = self.left_out = 0

    def run(self, event: Event) -> None:
        """Have the command run for an event; returns at once."""
        about = f"{event.event} of {event.label or event.source}"
        text = json.dumps(event.to_json()).encode() + b"\n"
        with self._changed:
            full = len(self._waiting) >= _WAITING
            if full:
                self.left_out += 1
            else:
                self._waiting.append((event.source, about, text))
                if self._workers < _AT_ONCE:
                    self._workers += 1
                    threading.Thread(target=self._work, name="on-event", daemon=True).start()
            first = full and self.left_out == 1
        if first:
            self._say(f"warning: --on-event: {self._words[0]} is too slow for so many events; leaving some out")

    def close(self, wait_s: float) -> None:
        """Give what waits and runs some time, end what runs even then, and say what went wrong on the way."""
        with self._changed:
            self._changed.wait_for(lambda: not self._workers, wait_s)
        self.kill()
        if self.failed > 1 or self.left_out:
            self._say(
                f"warning: --on-event: of {self.ran} runs {self.failed} failed; {self.left_out} events were left out"
            )

    def kill(self) -> None:
        """End what runs, at once, and leave out what waits."""
        with self._changed:
            self._ending = True
            self.left_out += len(self._waiting)
            self._waiting.clear()
            for process in self._running:
                _kill(process)
            self._changed.wait_for(lambda: not self._workers, 0.5)

    def _work(self) -> None:
        while True:
            with self._changed:
                free = (at for at, (source, _, _) in enumerate(self._waiting) if source not in self._busy)
                at = next(free, None)
                if at is None:  # what waits for a busy source is taken by whoever is busy with it
                    self._workers -= 1
                    self._changed.notify_all()
                    return
                source, about, text = self._waiting.pop(at)
                self._busy.add(source)
            failure = self._failure(text)
            with self._changed:
                self._busy.discard(source)
                self.ran += 1
                self.failed += bool(failure)
                first = bool(failure) and self.failed == 1
            if first:
                with contextlib.suppress(OSError):  # stderr may be closed
                    self._say(
                        f"warning: --on-event: {self._words[0]} {failure} (at the {about}); later ones are counted"
                    )

    def _failure(self, text: bytes) -> str:
        """Run the command for one event; what went wrong, or nothing."""
        try:
            # A session of its own: Ctrl-C in the terminal is not meant for it, and it can be killed with its children.
            process = subprocess.Popen(
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            return f"could not be started: {error.strerror}"
        with self._changed:
            self._running.add(process)
            if self._ending:
                _kill(process)
        timer = threading.Timer(self._limit_s, _kill, (process,))
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):  # it need not read
                assert process.stdin is not None
                with process.stdin as stdin:
                    stdin.write(text)
            said = self._tail(process)
            code = process.wait()
        finally:
            timer.cancel()
            with self._changed:
                self._running.discard(process)
            assert process.stderr is not None
            process.stderr.close()
        if code == 0:
            return ""
        if code == -signal.SIGKILL:
            return "was ended with the stream" if self._ending else f"was killed after {self._limit_s:g} s"
        return f"failed with exit code {code}" + (f": {said}" if said else "")

    def _tail(self, process: subprocess.Popen[bytes]) -> str:
        """The last line that the process writes to stderr. What it leaves running may hold that open: it is not awaited."""
        assert process.stderr is not None
        tail, until = b"", time.monotonic() + self._limit_s
        while time.monotonic() < until:
            over = process.poll() is not None
            if select.select([process.stderr], [], [], 0 if over else 0.05)[0]:
                chunk = os.read(process.stderr.fileno(), 1 << 16)
                tail = (tail + chunk)[-_TAIL:]
                if not chunk:
                    break
            elif over:
                break
        lines = tail.decode(errors="replace").split("\n")
        return mask(next((line.strip() for line in reversed(lines) if line.strip()), ""))


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--on-event: {error}; try: quotes in pairs") from None
    if not words:
        raise UsageError("--on-event: no command given; try: --on-event 'logger -t adaframe'")
    if _SHELL_ONLY & set(words):
        plain = not set(command) & set("'\"\\$`!")  # else there is no short way to quote it twice
        quoted = f"\"sh -c '{command}'\"" if plain else shlex.quote(f"sh -c {shlex.quote(command)}")
        raise UsageError(f"--on-event is run without a shell; try: --on-event {quoted}")
    if shutil.which(words[0]) is None:
        raise UsageError(
            f"--on-event: there is no program {words[0]}; try: its full path, or sh -c '…' for a shell's own words"
        )
    return words


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
