"""`python -m adaframe.evaluation.speed.decode_speed`: what reading the sampled frames of a video takes, by each way to decode.

The videos are rendered here: a texture that drifts, H.264 with B-frames, key frames at a fixed distance. The ways take
turns, so that what else the machine does falls on all of them. `forward` decodes everything up to the last sampled frame;
`exact` only what its frames need; `fast` the key frames near them, where there are enough; `scan`, the first step of fast
recognition, key frames alone, however few. All are resized. `facts` is what comes before: demuxing the file once, whatever the
way. A texture's key frames are dear (half of the bytes with one in 12); `--source` takes the pictures of real videos.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adaframe.cli.parser import positive, seconds
from adaframe.config import Preprocess, Sampling
from adaframe.evaluation.speed.decode_films import lengthen, render
from adaframe.progress import Line
from adaframe.video import pyav_reader, read_frames
from adaframe.video.facts import VideoFacts, probe
from adaframe.video.resize import resize_frame
from adaframe.video.sampling import plan_windows, scan_key_frames, to_key_frames

_SIZES = {"256x256": (256, 256), "1280x720": (720, 1280)}
_GOPS = (12, 50, 250)
_SECONDS, _LONG_SECONDS, _LONG_GOP = 10, 300, 50


@dataclass(frozen=True)
class Taken:
    """What one way took for one video.

    Args:
        video: its name.
        way: facts, forward, exact, fast or scan.
        frames: that came of it.
        wall_ms: one value a round.
        cpu_ms: of all threads, one value a round.
    """

    video: str
    way: str
    frames: int
    wall_ms: tuple[float, ...]
    cpu_ms: tuple[float, ...]


def ways(facts: VideoFacts, sampling: Sampling, preprocess: Preprocess) -> dict[str, Callable[[], int]]:
    """Functions that read a video's frames, each in its own way; they return how many came."""
    exact = plan_windows(facts.times_s, sampling, duration_s=facts.duration_s)
    fast = to_key_frames(exact, facts.times_s, facts.key_frames)

    few, _ = scan_key_frames(exact, facts.times_s, facts.key_frames)
    first = np.unique(few.indices[few.valid])

    def forward() -> int:
        wanted = [int(i) for i in np.unique(exact.indices)]
        frames = pyav_reader.decode(facts, wanted, planned=False)
        return sum(1 for _, image, _ in frames if resize_frame(image, preprocess, crop=True).size)

    def read(indices: NDArray[np.int64], scaled: NDArray[np.int64]) -> int:
        scaled_ones = frozenset(scaled.ravel().tolist())
        return len(
            read_frames(facts.path, np.unique(indices), preprocess=preprocess, facts=facts, scaled=scaled_ones).indices
        )

    return {
        "facts": lambda: probe(facts.path).frames,
        "forward": forward,
        "exact": lambda: read(exact.indices, np.zeros(0, np.int64)),
        "fast": lambda: read(fast.indices, np.setdiff1d(fast.indices, exact.indices)),
        "scan": lambda: read(first, first),
    }


def measure(
    videos: dict[str, Path], sampling: Sampling, *, rounds: int, preprocess: Preprocess | None = None
) -> list[Taken]:
    """Times every way of every video, in turn, after one round that does not count."""
    turns = {
        (name, way): run
        for name, path in videos.items()
        for way, run in ways(probe(path), sampling, preprocess or Preprocess()).items()
    }
    spent: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in turns}
    came: dict[tuple[str, str], int] = {}
    line = Line("reading the videos")
    for turn in range(-1, rounds):
        for n, (key, run) in enumerate(turns.items()):
            wall, cpu = time.perf_counter(), time.process_time()
            came[key] = run()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if turn >= 0:
                spent[key].append((1e3 * wall, 1e3 * cpu))
            line.update((turn + 1) * len(turns) + n + 1, (rounds + 1) * len(turns))
    line.done()
    return [
        Taken(video, way, came[video, way], *(tuple(column) for column in zip(*spent[video, way], strict=True)))
        for video, way in turns
    ]


def as_text(taken: Sequence[Taken]) -> str:
    """A table: medians and quartiles; of wall time also how many times faster than `forward`, round by round."""
    forward = {one.video: one.wall_ms for one in taken if one.way == "forward"}
    rows: list[tuple[str, ...]] = [
        ("video", "way", "frames", "wall ms", "(quartiles)", "CPU ms", "(quartiles)", "times as fast")
    ]
    for one in taken:
        ratio = np.median(np.divide(forward[one.video], one.wall_ms))
        cells = [text for values in (one.wall_ms, one.cpu_ms) for text in _spread(values)]
        faster = "" if one.way == "facts" else f"{ratio:.2f}"
        rows.append((one.video, one.way, str(one.frames), *cells, faster))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _spread(values: Sequence[float]) -> tuple[str, str]:
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return f"{middle:.1f}", f"({low:.1f}–{high:.1f})"


def main(argv: Sequence[str] | None = None) -> int:
    """Render, measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.speed.decode_speed", description=__doc__)
    parser.add_argument("--rounds", type=positive, default=7, help="(default: %(default)s)")
    parser.add_argument("--frames", type=positive, default=16, help="sampled in a window (default: %(default)s)")
    parser.add_argument("--window", type=seconds, metavar="S", help="seconds of a window (default: the whole file)")
    parser.add_argument("--threads", type=positive, default=1, help="of the decoder (default: %(default)s)")
    parser.add_argument("--short", action="store_true", help="leave out the video of five minutes")
    parser.add_argument(
        "--source", nargs="+", default=[], metavar="FILE", help="pictures to encode instead of a texture"
    )
    args = parser.parse_args(argv)
    pyav_reader.threads = args.threads

    def make(path: Path, *, gop: int, size: tuple[int, int], seconds: float) -> Path:
        if args.source:
            lengthen(path, args.source, seconds=seconds, size=size, gop=gop)
            return path
        return render(path, gop=gop, size=size, seconds=seconds)

    with tempfile.TemporaryDirectory() as folder:
        videos = {
            f"{_SECONDS} s, {size}, GOP {gop}": make(
                Path(folder) / f"{size}-{gop}.mp4", gop=gop, size=_SIZES[size], seconds=_SECONDS
            )
            for size in _SIZES
            for gop in _GOPS
        }
        if not args.short:
            size, pixels = next(iter(_SIZES.items()))
            path = Path(folder) / "long.mp4"
            videos[f"{_LONG_SECONDS} s, {size}, GOP {_LONG_GOP}"] = make(
                path, gop=_LONG_GOP, size=pixels, seconds=_LONG_SECONDS
            )
        print(as_text(measure(videos, Sampling(args.frames, args.window), rounds=args.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
