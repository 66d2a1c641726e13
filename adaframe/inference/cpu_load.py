"""What live recognition takes: processor time of this process and its children, and multiply-adds, over the last seconds."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

LOAD_S, SPENT_S = 3.0, 5.0  # over how many seconds load and compute are averaged
READ_EVERY_S = 0.25


def cpu_seconds() -> float:
    """Processor time of this process, of its threads, and (on Linux, while they run) of its children, in seconds."""
    times = os.times()
    # Those that ended, and were waited for, stand in times; those that run are to be asked.
    return times.user + times.system + times.children_user + times.children_system + _children(os.getpid())


def children(pid: int) -> list[int]:
    """Processes that a process started, and those that these did, while they run (Linux; elsewhere none)."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        own = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []  # another system, or the process has gone
    return own + [grandchild for child in own for grandchild in children(child)]


def _children(pid: int) -> float:
    total = 0.0
    for child in children(pid):
        try:
            # After the name, which may hold anything: utime, stime, cutime and cstime are fields 14 to 17.
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


class CpuLoad:
    """Share of one core that the process took over the last seconds.

    Args:
        clock: monotonic seconds.
        cpu: processor time so far, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, cpu: Callable[[], float] = cpu_seconds) -> None:
        self._clock, self._cpu = clock, cpu
        self._read = deque([(clock(), cpu())])
        self._value = 0.0

    def value(self) -> float:
        """Read now, or as read a moment ago; 0 in the very beginning."""
        now = self._clock()
        if now - self._read[-1][0] >= READ_EVERY_S:
            self._read.append((now, self._cpu()))
            while len(self._read) > 2 and self._read[1][0] <= now - LOAD_S:
                self._read.popleft()
            (began, before), (ended, after) = self._read[0], self._read[-1]
            self._value = max(after - before, 0.0) / (ended - began)
        return self._value


class Recently:
    """Sums of some amounts over the last seconds.

    Args:
        seconds: how many.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._added: deque[tuple[float, tuple[float, ...]]] = deque()
        self._began: float | None = None

    def add(self, time_s: float, *amounts: float) -> None:
        """Amounts of a moment; times rise."""
        if self._began is None:
            self._began = time_s
        self._added.append((time_s, amounts))
        while self._added[0][0] <= time_s - self.seconds:
            self._began = self._added.popleft()[0]

    def amounts(self) -> list[tuple[float, ...]]:
        """What was added, moment by moment."""
        return [amounts for _, amounts in self._added]

    def sums(self) -> tuple[float, ...]:
        """One for each amount of a moment; none where nothing was added."""
        return tuple(sum(column) for column in zip(*self.amounts(), strict=True))

    @property
    def lasted_s(self) -> float:
        """From the first to the latest of them, at most about `seconds`; 0 in the beginning."""
        return self._added[-1][0] - (self._began or 0.0) if self._added else 0.0
