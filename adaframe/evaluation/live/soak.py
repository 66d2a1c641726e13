"""`python -m adaframe.evaluation.live.soak`: whether live recognition stays as it is over very many frames.

Frames come as fast as they are recognised, from a camera that is only pretended: coarse patches that change four times a
second, stand still for a while every minute, and are lost every ten minutes. Or, with --source, from real sources, at their own
pace for so many minutes. Memory, threads and open handles of this process and the ones that capture are read on the way
(Linux). Memory is what is resident and their own: pages of files (code, weights) come and go as other programs need room. Its
slope is fitted over the second half.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from adaframe.cli.parser import above_zero, positive
from adaframe.cli.standalone import telling_errors
from adaframe.inference.cpu_load import children
from adaframe.inference.moment import Moment
from adaframe.inference.recognizer import load
from adaframe.inference.watch import watch
from adaframe.video.live_frame import LiveFrame, Outage

_FPS, _SIZE, _PATCHES = 30, (48, 64), 4
_STILL_S, _MINUTE_S, _LOST_EVERY_S = 10, 60, 600
_READINGS = 100


@dataclass(frozen=True)
class Reading:
    """How the processes are after some frames.

    Args:
        frames: so far; of real sources 30 for each second.
        memory_mb: resident, without the pages of files.
        threads: of all of them.
        handles: open files.
        seconds: since the start.
    """

    frames: int
    memory_mb: float
    threads: int
    handles: int
    seconds: float


class Pretended:
    """A camera's frames without a camera."""

    def __init__(self, frames: int) -> None:
        self._items = _items(frames)
        self.ended = False

    def take(self, timeout_s: float) -> list[LiveFrame | Outage]:
        item = next(self._items, None)
        self.ended = item is None
        return [] if item is None else [item]

    def close(self) -> None:
        """Nothing is open."""


def _items(frames: int) -> Iterator[LiveFrame | Outage]:
    random, start = np.random.default_rng(0), datetime.now(timezone.utc)
    rows, columns = (np.arange(side) * _PATCHES // side for side in _SIZE)
    image = np.zeros((*_SIZE, 3), np.uint8)
    for n in range(frames):
        second, within = divmod(n, _FPS)
        moving = second % _MINUTE_S >= _STILL_S
        if n == 0 or (moving and within % (_FPS // 4) == 0):
            image = random.integers(0, 256, (_PATCHES, _PATCHES, 3), dtype=np.uint8)[rows][:, columns]
        now = start + timedelta(seconds=n / _FPS)
        if within == 0 and second and second % _LOST_EVERY_S == 0:
            yield Outage("lost", "pretended", now, "no frame for 5 s")
            yield Outage("back", "pretended", now)
        yield LiveFrame("pretended", n, image, n / _FPS, now, time.monotonic(), 0)


def soak(
    checkpoint: Path | None, frames: int, sources: Sequence[str] = (), *, readings: int = _READINGS
) -> list[Reading]:
    """Readings on the way through so many frames, and a line for each tenth.

    Args:
        checkpoint: the model; None: the bundled example.
        frames: how many; of real sources 30 for each second.
        sources: real ones, which come at their own pace; none: one that is pretended.
        readings: how many.
    """
    model, began = load(checkpoint, device="cpu"), time.monotonic()
    found: list[Reading] = []
    counts = {"moments": 0, "events": 0}
    every_s = frames / _FPS / readings
    if sources:
        seen = watch(model, sources, max_seconds=frames / _FPS)
    else:
        seen = watch(model, ["pretended"], cameras=Pretended(frames), every_frame=True)
    for item in seen:
        counts["moments" if isinstance(item, Moment) else "events"] += 1
        seconds = time.monotonic() - began
        played_s = seconds if sources else item.stream_s if isinstance(item, Moment) else 0.0
        if played_s >= every_s * (len(found) + 1):
            found.append(read(round(played_s * _FPS), seconds))
            if len(found) % max(readings // 10, 1) == 0:
                now = found[-1]
                print(
                    f"{now.frames} frames in {now.seconds:.0f} s: {now.memory_mb:.1f} MB, {now.threads} threads, "
                    f"{now.handles} handles; {counts['moments']} moments, {counts['events']} events",
                    flush=True,
                )
    return found


def read(frames: int, seconds: float) -> Reading:
    """The processes now."""
    memory_mb, threads, handles = 0.0, 0, 0
    for pid in [os.getpid(), *children(os.getpid())]:
        with suppress(OSError):  # it has ended meanwhile
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            handles += len(os.listdir(f"/proc/{pid}/fd"))
            memory_mb += sum(int(status.get(kind, "0").split()[0]) for kind in ("RssAnon", "RssShmem")) / 1024
            threads += int(status["Threads"])
    return Reading(frames, memory_mb, threads, handles, seconds)


def slope(readings: Sequence[Reading]) -> float:
    """Growth of memory over the second half, in MB per 100 000 frames."""
    half = readings[len(readings) // 2 :]
    return float(np.polyfit([r.frames / 1e5 for r in half], [r.memory_mb for r in half], 1)[0])


def _minutes(text: str) -> float:
    return above_zero(text, "minutes,")


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the readings and the slope."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.live.soak", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="model (default: the bundled example)")
    parser.add_argument("--frames", type=positive, default=500_000, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--source", nargs="+", default=[], metavar="SOURCE", help="real ones, at their own pace")
    parser.add_argument("--minutes", type=_minutes, metavar="M", help="how long, with --source (default: 60)")
    args = parser.parse_args(argv)
    frames = round((args.minutes or 60) * 60 * _FPS) if args.source else args.frames
    readings = soak(args.checkpoint, frames, args.source)
    half = readings[len(readings) // 2 :]
    threads, handles = (sorted({getattr(r, name) for r in half}) for name in ("threads", "handles"))
    print(f"second half: {slope(readings):+.3f} MB per 100 000 frames; threads {threads}, handles {handles}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
