"""`python -m adaframe.evaluation.decode_accuracy`: whether answers from key frames are as right as those from exact frames.

Clips of one label and one group are joined, several to a file, and encoded anew with key frames at fixed distances; every
file is answered twice. The windows must be long enough to hold half as many key frames as sampled frames: in others both
ways are the same, and the table says how many frames moved at all. Clips that the model learnt from tell little.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adaframe import bundled
from adaframe.cli.parser import positive, seconds
from adaframe.data.manifest import Clip, load_dataset
from adaframe.errors import AdaframeError, DataError
from adaframe.evaluation.decode_speed import encode
from adaframe.evaluation.metrics import Results, interval, paired_difference
from adaframe.inference.prediction import Prediction
from adaframe.inference.recognizer import Recognizer, load
from adaframe.inference.together import recognise_paths
from adaframe.progress import Line
from adaframe.video import DecodePool, probe, read_frames
from adaframe.video.resize import fitted


@dataclass(frozen=True)
class Compared:
    """Both ways on the same files.

    Args:
        gop: frames from a key frame to the next.
        exact: answers from exact frames.
        fast: answers from key frames near them.
        moved: share of exact's frames that fast does not look at, 0..1.
        decode_s: seconds of decoding a file, exact and fast, medians.
    """

    gop: int
    exact: Results
    fast: Results
    moved: float
    decode_s: tuple[float, float]


def joined(clips: Sequence[Clip], count: int) -> list[list[Clip]]:
    """Clips of the same label and group, up to so many together, in their order."""
    alike: dict[tuple[tuple[str, ...], str], list[Clip]] = {}
    for clip in clips:
        alike.setdefault((clip.labels, clip.group or clip.path), []).append(clip)
    return [members[i : i + count] for members in alike.values() for i in range(0, len(members), count)]


def write_joined(path: Path, clips: Sequence[Clip], gop: int) -> None:
    """One file of several clips, at the size and the frame rate of the first one."""
    first = probe(clips[0].path)
    encode(path, _pictures(clips, first.height // 2 * 2, first.width // 2 * 2), fps=first.fps, gop=gop)


def _pictures(clips: Sequence[Clip], height: int, width: int) -> Iterator[NDArray[np.uint8]]:
    for clip in clips:
        facts = probe(clip.path)
        start, end = clip.start_s or 0.0, facts.duration_s if clip.end_s is None else clip.end_s
        inside = np.flatnonzero((facts.times_s >= start) & (facts.times_s < end))
        for image in read_frames(clip.path, inside, facts=facts).images:
            yield fitted(image, height, width)


def compare(
    model: Recognizer, clips: Sequence[Clip], *, gop: int, join: int, window_s: float | None, workers: int
) -> Compared:
    """Joins the clips, encodes them with key frames at that distance, and has them answered both ways."""
    groups = joined(clips, join)
    with tempfile.TemporaryDirectory() as folder, DecodePool(workers) as pool:
        paths = [Path(folder) / f"{n}.mp4" for n in range(len(groups))]
        line = Line(f"encoding with a key frame every {gop}")
        for n, (path, members) in enumerate(zip(paths, groups, strict=True)):
            write_joined(path, members, gop)
            line.update(n + 1, len(groups))
        line.done()
        answers: dict[str, list[Prediction]] = {"exact": [], "fast": []}
        beta = model.metadata.beta_for(None)
        for way, answered in answers.items():
            recognised = recognise_paths(
                lambda: model, model.metadata, paths, pool, beta=beta, window_s=window_s, decode=way
            )
            for answer in recognised:
                if not isinstance(answer, Prediction):
                    raise answer
                answered.append(answer)
    results = {way: _results(way, answered, groups, model) for way, answered in answers.items()}
    pairs = list(zip(answers["exact"], answers["fast"], strict=True))
    kept = sum(len(_looked_at(exact) & _looked_at(fast)) for exact, fast in pairs)
    return Compared(
        gop=gop,
        exact=results["exact"],
        fast=results["fast"],
        moved=1 - kept / sum(len(_looked_at(exact)) for exact, _ in pairs),
        decode_s=(
            float(np.median([exact.seconds["decode"] for exact, _ in pairs])),
            float(np.median([fast.seconds["decode"] for _, fast in pairs])),
        ),
    )


def _looked_at(prediction: Prediction) -> set[int]:
    return {int(frame["index"]) for frame in prediction.frames}


def _results(name: str, answers: Sequence[Prediction], groups: Sequence[Sequence[Clip]], model: Recognizer) -> Results:
    targets = np.zeros((len(groups), len(model.classes)), dtype=bool)
    for n, members in enumerate(groups):
        targets[n, [model.classes.index(label) for label in members[0].labels]] = True
    return Results(
        name=name,
        scores=np.stack([answer.logits.astype(np.float64) for answer in answers]),
        targets=targets,
        gmacs=np.array([answer.gmacs for answer in answers]),
        gmacs_uniform=float(np.mean([answer.gmacs_uniform for answer in answers])),
        model_ms=None,
        groups=tuple(members[0].group or members[0].path for members in groups),
        actions={},
    )


def as_text(compared: Sequence[Compared]) -> str:
    """A line for each distance of key frames."""
    lines = []
    for one in compared:
        exact, fast = (interval(results) for results in (one.exact, one.fast))
        change = paired_difference(one.fast, one.exact, metric="accuracy")
        agree = float((one.exact.scores.argmax(axis=1) == one.fast.scores.argmax(axis=1)).mean())
        lines.append(
            f"GOP {one.gop}: exact {exact.value:.1%}, fast {fast.value:.1%} of {len(one.exact.scores)} files right; fast - "
            f"exact {100 * change.value:+.1f} points ({100 * change.low:+.1f} to {100 * change.high:+.1f}); {agree:.1%} "
            f"agree; {one.moved:.0%} of the frames moved; decoding {1e3 * one.decode_s[0]:.0f} -> "
            f"{1e3 * one.decode_s[1]:.0f} ms a file (median)"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Join, encode, answer, print."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.decode_accuracy", description=__doc__)
    parser.add_argument("--checkpoint", default="", metavar="FILE", help="model (default: the bundled example)")
    parser.add_argument("--data.root", dest="root", default="", metavar="DIR", help="as of adaframe evaluate")
    parser.add_argument("--data.manifest", dest="manifest", default="", metavar="FILE", help="as of adaframe evaluate")
    parser.add_argument("--fold", default="", metavar="K", help="only the clips of this fold")
    parser.add_argument(
        "--gop", type=positive, nargs="+", default=[12, 50, 250], metavar="N", help="key frame distances"
    )
    parser.add_argument("--join", type=positive, default=8, metavar="N", help="clips to a file (default: %(default)s)")
    parser.add_argument("--window", type=seconds, metavar="S", help="seconds of a window (default: the model's)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=positive, default=1)
    args = parser.parse_args(argv)
    try:
        clips = [c for c in load_dataset(args.root, args.manifest).clips if not args.fold or c.fold == args.fold]
        model = load(args.checkpoint or bundled.checkpoint_path("example.safetensors"), device=args.device)
        unknown = sorted({label for clip in clips for label in clip.labels} - set(model.classes))
        if unknown or not clips:
            what = f"the model does not know {unknown[0]}" if unknown else "no such clips"
            raise DataError(f"{args.manifest or args.root}: {what}")
        settings = {"join": args.join, "window_s": args.window, "workers": args.workers}
        for gop in args.gop:
            print(as_text([compare(model, clips, gop=gop, **settings)]), flush=True)
    except AdaframeError as error:
        print(f"adaframe: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
