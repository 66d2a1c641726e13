"""A capture process, seen from its camera: started, spoken with, ended."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import Any

from adaframe.video.capture_process import capture
from adaframe.video.capture_status import CaptureStatus
from adaframe.video.child_process import CONTEXT
from adaframe.video.source import Source

START_S = 60.0  # for a process to start, on a busy machine
_EXIT_S = 1.0  # for one that hung up to be gone


class Capture:
    """A capture process that runs. What is said on its pipe: `adaframe.video.capture_process`.

    Args:
        source, status, every_frame, stall_s: what it captures, and how.

    Raises:
        OSError: too many processes, or open files.
    """

    def __init__(self, source: Source, status: CaptureStatus, *, every_frame: bool, stall_s: float) -> None:
        self.pipe, theirs = CONTEXT.Pipe()
        status.promise(START_S)
        arguments = (source, status, theirs, every_frame, stall_s)
        process = CONTEXT.Process(target=capture, args=arguments, name=f"capture {source.name}", daemon=True)
        try:
            process.start()
        except OSError:
            self.pipe.close()
            raise
        finally:
            theirs.close()
        self._process = process

    @property
    def process_id(self) -> int | None:
        return self._process.pid

    def say(self, *message: Any) -> None:
        """Speaks to the process; if it died, the next look finds out."""
        with suppress(OSError):
            self.pipe.send(message)

    def exit_reason(self) -> str:
        """How a process ended that has hung up: a signal's name, or its exit code."""
        self._process.join(_EXIT_S)
        code = self._process.exitcode
        try:
            return signal.Signals(-(code or 0)).name
        except ValueError:
            return f"exit code {code}"

    def end(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self.pipe.close()
