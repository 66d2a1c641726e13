"""Videos a second of a folder: decoding alone, the model alone, and `adaframe classify` as a whole.

    python -m adaframe.evaluation.speed.folder_speed DIR [--checkpoint FILE] [--budget F] [--workers N] [--rounds N] …

The slower of the two alone is what the whole could reach if they did not share the cores. As on a CPU they do, what the
CPU time of both allows stands beside it. For clips, not for films: so many files at a time are held in memory. Linux only,
as /proc tells the CPU time.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

from adaframe.cli.parser import fraction, positive
from adaframe.cli.standalone import telling_errors
from adaframe.data.folders import videos_below
from adaframe.errors import DataError, VideoError
from adaframe.evaluation.speed.watched import cpu_s
from adaframe.inference.many_files import batches, recognise_paths, threads
from adaframe.inference.recognizer import Recognizer, load
from adaframe.progress import Line
from adaframe.video import DecodePool, Part, Parts

_FILES = 32  # decoded before the model has its turn


@dataclass(frozen=True)
class Taken:
    """What one pass over the files took.

    Args:
        wall_s: seconds.
        cpu_s: seconds of all processes and threads.
    """

    wall_s: float
    cpu_s: float


class _Clock:
    """Adds up what passes between `with` and the end of its block."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0

    def __enter__(self) -> None:
        self._wall_s, self._cpu_s = time.perf_counter(), cpu_s()

    def __exit__(self, *error: object) -> None:
        self.wall_s += time.perf_counter() - self._wall_s
        self.cpu_s += cpu_s() - self._cpu_s

    def taken(self) -> Taken:
        return Taken(self.wall_s, self.cpu_s)


@dataclass(frozen=True)
class FolderSpeed:
    """The same files over and over; a pass of each kind a round. The pool runs and the model is loaded before.

    Args:
        files: that could be read.
        failed: that could not.
        windows: of the files.
        cores: that this process may use.
        decode: by all processes of the pool, while the model rests.
        model: on what they decoded, while they rest, in batches as large as `classify` makes them at most.
        model_one_thread: the same by one thread, which takes the least CPU time.
        whole: both beside each other.
    """

    files: int
    failed: int
    windows: int
    cores: int
    decode: tuple[Taken, ...]
    model: tuple[Taken, ...]
    model_one_thread: tuple[Taken, ...]
    whole: tuple[Taken, ...]

    @property
    def of_the_slower(self) -> float:
        """Speed of the whole, of the slower one's alone."""
        return max(_wall_s(self.decode), _wall_s(self.model)) / _wall_s(self.whole)

    @property
    def of_the_cores(self) -> float:
        """Speed of the whole, of what the cores could do if they did nothing but decode and recognise."""
        least = min(_cpu_s(self.model), _cpu_s(self.model_one_thread))
        return (_cpu_s(self.decode) + least) / self.cores / _wall_s(self.whole)

    def lines(self) -> list[str]:
        """For people."""
        failed = f", {self.failed} failed" if self.failed else ""
        told = [
            f"{self.files} videos, {self.windows} windows{failed}; {self.cores} cores, rounds: {len(self.whole)}",
            f"{'':<18}{'videos/s':>10}  {'(lowest to highest)':<21}{'wall ms':>8}{'CPU ms':>8}  a video",
        ]
        rows = {
            "decoding alone": self.decode,
            "model alone": self.model,
            "  by one thread": self.model_one_thread,
            "whole": self.whole,
        }
        for name, taken in rows.items():
            speeds = sorted(self.files / one.wall_s for one in taken)
            told.append(
                f"{name:<18}{self.files / _wall_s(taken):>10.1f}  {f'({speeds[0]:.1f} to {speeds[-1]:.1f})':<21}"
                f"{1000 * _wall_s(taken) / self.files:>8.1f}{1000 * _cpu_s(taken) / self.files:>8.1f}"
            )
        slower, cores = self.of_the_slower, self.of_the_cores
        told.append(f"whole: {slower:.2f} of the slower alone, {cores:.2f} of what the cores can do")
        return told


def measure(
    paths: Sequence[str | Path],
    recognizer: Recognizer,
    *,
    budget: float | None = None,
    workers: int = 0,
    rounds: int = 1,
) -> FolderSpeed:
    """Decode the files, recognise them by turns (some decoded, then the model on those), and do what `classify` does.

    Raises:
        DataError: none of the files can be read.
        AdaframeError: the budget is below what the model can do, or there is no /proc.
    """
    metadata = recognizer.metadata
    beta = metadata.beta_for(budget)
    requests = [metadata.request(str(path)) for path in paths]
    taken: dict[str, list[Taken]] = {"decode": [], "model": [], "model_one_thread": [], "whole": []}
    line = Line("measuring")
    with DecodePool(workers=workers) as pool:
        list(Parts(pool, requests[: 2 * pool.workers]))  # processes have started
        for turn in range(rounds):
            line.update(turn, rounds)
            clocks = {name: _Clock() for name in taken}
            files = failed = windows = 0
            with clocks["decode"]:
                for part in Parts(pool, requests, overtake=len(requests)):
                    bad = isinstance(part.frames, VideoError)
                    files, failed = files + (part.last and not bad), failed + bad
            if not files:
                raise DataError("none of the videos can be read; try: adaframe classify on one of them says why")
            left = iter(requests)
            while some := list(islice(left, _FILES)):
                parts = list(Parts(pool, some))
                with clocks["model"]:
                    windows += _recognise(parts, recognizer, beta)
                with clocks["model_one_thread"], threads(beside=sys.maxsize):
                    _recognise(parts, recognizer, beta)
            with clocks["whole"]:
                for _ in recognise_paths(lambda: recognizer, metadata, paths, pool, beta=beta):
                    pass
            for name, clock in clocks.items():
                taken[name].append(clock.taken())
    line.done()
    cores = len(os.sched_getaffinity(0))
    return FolderSpeed(files, failed, windows, cores, **{name: tuple(values) for name, values in taken.items()})


class _Decoded:
    """Parts that are all there."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = iter(parts)

    def __iter__(self) -> Iterator[Part]:
        return self

    def __next__(self) -> Part:
        return next(self._parts)

    def ready(self, within_s: float = 0.0) -> bool:
        return True


def _recognise(parts: Sequence[Part], recognizer: Recognizer, beta: float) -> int:
    """Recognises what was decoded; how many windows they were."""
    windows = 0
    for batch in batches(_Decoded(parts)):
        frames = [part.frames for part in batch if not isinstance(part.frames, VideoError)]
        if frames:
            windows += sum(len(found.scores) for found in recognizer.recognise_parts(frames, beta=beta))
    return windows


def _wall_s(taken: Sequence[Taken]) -> float:
    return median(one.wall_s for one in taken)


def _cpu_s(taken: Sequence[Taken]) -> float:
    return median(one.cpu_s for one in taken)


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.speed.folder_speed", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="its videos, recursively")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="model (default: the bundled example)")
    parser.add_argument("--budget", type=fraction, metavar="F", help="as of adaframe classify")
    parser.add_argument("--workers", type=positive, default=0, metavar="N", help="decoding processes")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    parser.add_argument("--rounds", type=positive, default=3, metavar="N", help="passes of each kind")
    args = parser.parse_args(argv)
    recognizer = load(args.checkpoint, device=args.device)
    paths = videos_below(args.folder)
    speed = measure(paths, recognizer, budget=args.budget, workers=args.workers, rounds=args.rounds)
    print("\n".join(speed.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
