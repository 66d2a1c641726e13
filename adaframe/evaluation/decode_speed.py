"""`python -m adaframe.evaluation.decode_speed`: what reading the sampled frames of a video takes, by each way to decode.

The videos are rendered here: a texture that drifts, H.264 with B-frames, key frames at a fixed distance. The ways take
turns, so that what else the machine does falls on all of them. `forward` decodes everything up to the last sampled frame;
`exact` only what its frames need; `fast` the key frames near them. All are resized. `facts` is what comes before: demuxing
the file once, whatever the way.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from adaframe.cli.parser import positive, seconds
from adaframe.config import Preprocess, Sampling
from adaframe.progress import Line
from adaframe.video import pyav_reader
from adaframe.video.facts import VideoFacts, probe
from adaframe.video.resize import resize_frame
from adaframe.video.sampling import plan_windows, to_key_frames

_FPS = 25
_SIZES = {"256x256": (256, 256), "1280x720": (720, 1280)}
_GOPS = (12, 50, 250)
_SECONDS, _LONG_SECONDS, _LONG_GOP = 10, 300, 50
_TILE = 4  # pixels of a texture's squares


@dataclass(frozen=True)
class Taken:
    """What one way took for one video.

    Args:
        video: its name.
        way: facts, forward, exact or fast.
        frames: that came of it.
        wall_ms: one value a round.
        cpu_ms: of all threads, one value a round.
    """

    video: str
    way: str
    frames: int
    wall_ms: tuple[float, ...]
    cpu_ms: tuple[float, ...]


def render(path: Path, *, gop: int, size: tuple[int, int], seconds: float) -> Path:
    """Writes a video of a drifting texture.

    Args:
        path: of the file.
        gop: frames from a key frame to the next.
        size: height and width.
        seconds: how long it lasts, at 25 frames a second.
    """
    height, width = size
    across = np.random.default_rng(0).integers(64, 192, (height // 2, width // 2, 3)).astype(np.uint8)
    texture = across.repeat(_TILE, 0).repeat(_TILE, 1)
    steps = ((t % height, t // 2 % width) for t in range(round(seconds * _FPS)))
    encode(path, (texture[top : top + height, left : left + width] for top, left in steps), fps=_FPS, gop=gop)
    return path


def encode(path: Path, pictures: Iterable[NDArray[np.uint8]], *, fps: float, gop: int) -> None:
    """Writes pictures (RGB, uint8, (H, W, 3), of one size, which is even) as H.264 with a key frame every `gop` frames."""
    rate = Fraction(fps).limit_denominator(1001)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.options = {"preset": "veryfast", "g": str(gop), "sc_threshold": "0"}
        for t, picture in enumerate(pictures):
            if not t:
                stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = t, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def ways(facts: VideoFacts, sampling: Sampling, preprocess: Preprocess) -> dict[str, Callable[[], int]]:
    """Functions that read a video's frames, each in its own way; they return how many came."""
    exact = plan_windows(facts.times_s, sampling, duration_s=facts.duration_s)
    fast = to_key_frames(exact, facts.times_s, facts.key_frames)

    def read(indices: np.ndarray, planned: bool) -> int:
        wanted = [int(i) for i in np.unique(indices)]
        frames = pyav_reader.decode(facts, wanted, planned=planned)
        return sum(1 for _, image, _ in frames if resize_frame(image, preprocess, crop=True).size)

    return {
        "facts": lambda: probe(facts.path).frames,
        "forward": lambda: read(exact.indices, False),
        "exact": lambda: read(exact.indices, True),
        "fast": lambda: read(fast.indices, True),
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
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.decode_speed", description=__doc__)
    parser.add_argument("--rounds", type=positive, default=7, help="(default: %(default)s)")
    parser.add_argument("--frames", type=positive, default=16, help="sampled in a window (default: %(default)s)")
    parser.add_argument("--window", type=seconds, metavar="S", help="seconds of a window (default: the whole file)")
    parser.add_argument("--threads", type=positive, default=1, help="of the decoder (default: %(default)s)")
    parser.add_argument("--short", action="store_true", help="leave out the video of five minutes")
    args = parser.parse_args(argv)
    pyav_reader.threads = args.threads
    with tempfile.TemporaryDirectory() as folder:
        videos = {
            f"{_SECONDS} s, {size}, GOP {gop}": render(
                Path(folder) / f"{size}-{gop}.mp4", gop=gop, size=_SIZES[size], seconds=_SECONDS
            )
            for size in _SIZES
            for gop in _GOPS
        }
        if not args.short:
            size, pixels = next(iter(_SIZES.items()))
            path = Path(folder) / "long.mp4"
            videos[f"{_LONG_SECONDS} s, {size}, GOP {_LONG_GOP}"] = render(
                path, gop=_LONG_GOP, size=pixels, seconds=_LONG_SECONDS
            )
        print(as_text(measure(videos, Sampling(args.frames, args.window), rounds=args.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
