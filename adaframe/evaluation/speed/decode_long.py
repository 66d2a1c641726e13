"""`python -m adaframe.evaluation.speed.decode_long FILE…`: what long files take to recognise, by each way to decode.

The files' pictures, in turn and over again, are encoded as one long video of each size, with key frames at each distance. Its
windows are answered by `exact`; by `enough`: key frames where a window has half as many of them as sampled frames; and by
`fast`: the same, and few key frames where these settle it. All of it in this process, one after the other, in turn.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from adaframe import bundled
from adaframe.cli.parser import positive, seconds
from adaframe.cli.standalone import telling_errors
from adaframe.errors import UsageError
from adaframe.evaluation.speed.decode_films import lengthen
from adaframe.evaluation.studies.decode_accuracy import frames_by_window
from adaframe.inference.recognizer import Recognizer, load
from adaframe.video import pyav_reader

WAYS = ("exact", "enough", "fast")


@dataclass(frozen=True)
class Took:
    """What one way took for one video.

    Args:
        way: exact, enough or fast.
        windows: of the video.
        exactly: share of them that were read exactly, 0..1.
        decode_s: one value a round.
        model_s: likewise.
        gmacs: executed.
    """

    way: str
    windows: int
    exactly: float
    decode_s: tuple[float, ...]
    model_s: tuple[float, ...]
    gmacs: float


def measure(model: Recognizer, path: Path, *, window_s: float | None, rounds: int) -> list[Took]:
    """Has a video answered in each way, in turn."""
    never = Recognizer(model.network, replace(model.metadata, unsure_below=0.0))  # so there is no first step
    runs = {"exact": (model, "exact"), "enough": (never, "fast"), "fast": (model, "fast")}
    spent: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    looked: dict[str, list[set[int]]] = {}
    gmacs: dict[str, float] = {}
    for _ in range(rounds):
        for way, (recognizer, decode) in runs.items():
            answer = recognizer.classify(path, window_s=window_s, decode=decode)
            spent[way].append((answer.seconds["decode"], answer.seconds["model"]))
            looked[way], gmacs[way] = frames_by_window(answer), answer.gmacs
    return [
        Took(
            way=way,
            windows=len(looked[way]),
            exactly=float(np.mean([a == b for a, b in zip(looked[way], looked["exact"], strict=True)])),
            decode_s=tuple(decode_s for decode_s, _ in spent[way]),
            model_s=tuple(model_s for _, model_s in spent[way]),
            gmacs=gmacs[way],
        )
        for way in WAYS
    ]


def as_text(name: str, took: Sequence[Took]) -> str:
    """A line a way; seconds are medians, with the lowest and the highest."""
    lines = []
    total = {one.way: np.add(one.decode_s, one.model_s) for one in took}
    for one in took:
        faster = float(np.median(total["exact"] / total[one.way]))
        decode = float(np.median(np.divide(took[0].decode_s, one.decode_s)))
        lines.append(
            f"{name}  {one.way:<6}  {one.windows} windows, {one.exactly:4.0%} read exactly  decode {_spread(one.decode_s)}  "
            f"model {_spread(one.model_s)}  {one.gmacs:7.1f} GMACs  {decode:.2f} times as fast to decode, {faster:.2f} in all"
        )
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{np.median(values):6.2f} s ({min(values):.2f}–{max(values):.2f})"


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Make the videos, answer them, print the lines as they come."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.speed.decode_long", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="videos whose pictures are taken")
    parser.add_argument("--checkpoint", default="", metavar="FILE", help="model (default: the bundled example)")
    parser.add_argument("--seconds", type=seconds, default=300.0, help="how long (default: %(default)g)")
    parser.add_argument("--sizes", nargs="+", default=["456x256", "1280x720"], metavar="WxH", help="even numbers")
    parser.add_argument(
        "--gop", type=positive, nargs="+", default=[12, 50, 250], metavar="N", help="key frame distances"
    )
    parser.add_argument("--windows", type=seconds, nargs="+", default=[2.0, 10.0], metavar="S", help="their lengths")
    parser.add_argument("--rounds", type=positive, default=3, help="(default: %(default)s)")
    parser.add_argument("--threads", type=positive, default=1, help="of the decoder (default: %(default)s)")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args(argv)
    pyav_reader.threads = args.threads
    sizes = {text: _size(text) for text in args.sizes}
    model = load(args.checkpoint or bundled.checkpoint_path("example.safetensors"), device=args.device)
    with tempfile.TemporaryDirectory() as folder:
        for text, size in sizes.items():
            for gop in args.gop:
                path = Path(folder) / "long.mp4"
                lengthen(path, args.files, seconds=args.seconds, size=size, gop=gop)
                for window_s in args.windows:
                    name = f"{args.seconds:g} s of {text}, GOP {gop:3d}, windows of {window_s:g} s"
                    print(as_text(name, measure(model, path, window_s=window_s, rounds=args.rounds)), flush=True)
    return 0


def _size(text: str) -> tuple[int, int]:
    """Height and width of WxH."""
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()) or int(width) % 2 or int(height) % 2 or not int(width) * int(height):
        raise UsageError(f"--sizes {text}: no size; try: 1280x720 (even numbers)")
    return int(height), int(width)


if __name__ == "__main__":
    sys.exit(main())
