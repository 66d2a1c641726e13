"""Processes and what they use, as /proc tells: this one, another, and their children. Linux only."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from adaframe.errors import AdaframeError

_PROC = Path("/proc")


@dataclass(frozen=True)
class Sample:
    """A process at one moment.

    Args:
        seconds: since it was started.
        done: how far it was, by whoever watched it.
        own_mb: resident memory of it, 1e6 bytes.
        children_mb: of its children; what they share is counted in each.
    """

    seconds: float
    done: int
    own_mb: float
    children_mb: float


def watch(words: Sequence[str], done: Callable[[], int], *, every_s: float = 0.25) -> list[Sample]:
    """Run a command to its end, and look at it so often.

    Args:
        words: the command; what it prints to stderr goes to ours.
        done: how far it is, asked for at each look.
        every_s: from look to look.

    Raises:
        AdaframeError: it failed.
    """
    samples = []
    started = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        os.set_blocking(process.stderr.fileno(), False)
        said = b""
        while process.poll() is None:
            time.sleep(every_s)
            said = (said + (process.stderr.read() or b""))[-2000:]
            own = rss_mb(process.pid)
            if own:
                below = sum(rss_mb(child) for child in children(process.pid))
                samples.append(Sample(time.monotonic() - started, done(), own, below))
        if process.returncode:
            raise AdaframeError(f"{' '.join(words)}: failed ({said.decode(errors='replace').strip()})")
    return samples


def children(pid: int) -> list[int]:
    """Children of a process, and their children."""
    found = []
    for task in _PROC.glob(f"{pid}/task/*/children"):
        found += [int(child) for child in _read(task).split()]
    return found + [grandchild for child in found for grandchild in children(child)]


def rss_mb(pid: int) -> float:
    """Resident memory of a process, 1e6 bytes; 0 where it has ended."""
    pages = _read(_PROC / str(pid) / "statm").split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if pages else 0.0


def cpu_s(pid: int | None = None) -> float:
    """CPU seconds of a process that runs (None: this one) and of the children that it has now."""
    own = os.getpid() if pid is None else pid
    return sum(_cpu_s(process) for process in (own, *children(own)))


def _cpu_s(pid: int) -> float:
    # Behind the name, which may hold anything, come the fields from the third on.
    fields = _read(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        if sys.platform != "linux":
            raise AdaframeError("processes can be watched on Linux only, where there is /proc") from None
        return ""
