"""adaframe classify: files and folders -> one answer each, in order, as soon as it is ready."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adaframe import bundled
from adaframe.cli.parser import Parser, add_decode, add_machine, fraction, positive, seconds
from adaframe.data.folders import videos_below
from adaframe.errors import UsageError, VideoError
from adaframe.progress import Line, clock

if TYPE_CHECKING:
    from adaframe.inference.prediction import Prediction

_CLASSES_SHOWN = 8
_STRETCHES_SHOWN = 60


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the words after `adaframe classify`; raises UsageError."""
    parser = Parser(
        "classify",
        "PATH… [--checkpoint FILE] [--budget F] [--json] [options]",
        description="Says what happens in videos. Exit code 1 if any file failed; the others are answered even so.",
    )
    option = parser.add_argument
    option("paths", nargs="+", metavar="PATH", help="files (always tried) or folders (their videos, recursively)")
    option("--checkpoint", metavar="FILE", default="", help="model (default: the bundled example)")
    option("--budget", type=fraction, metavar="F", help="most compute, as a fraction of uniform's (0.5: half)")
    option("--top-k", type=positive, default=5, metavar="K", help="classes to tell (default: %(default)s)")
    option("--window", type=seconds, metavar="S", help="seconds per answer in long files (default: the model's)")
    option("--stride", type=seconds, metavar="S", help="seconds from window to window (default: the window)")
    add_decode(parser)
    option("--json", action="store_true", help="one JSON object per line")
    option(
        "--out",
        metavar="FILE",
        help="append the JSON lines to FILE as they come, and print none; started again, goes on after what is there",
    )
    option("--retry", action="store_true", help="with --out: try the files again that failed before")
    option(
        "--figure",
        metavar="FILE.png",
        help="draw what the policy did, of a long video what happens when (one video only)",
    )
    add_machine(parser)
    return parser.parse(argv)


def run(args: argparse.Namespace) -> int:
    """Answer for every path; returns 1 if any failed."""
    files = list(_expand(args.paths))
    if args.out:
        return _to_file(files, args)
    if args.retry:
        raise UsageError("--retry is about the errors in a file of results; try: --out FILE --retry")
    if args.figure and len(files) != 1:
        raise UsageError(f"--figure draws one video, but there are {len(files)}; try: classify one file")
    width = min(60, max(len(path) for path, _ in files))
    failed = False
    with closing(_answers(files, args)) as answers:
        for path, answer in answers:
            if isinstance(answer, VideoError):
                failed = True
                _print_error(path, answer, args.json)
                continue
            for warning in answer.warnings:
                _note(f"warning: {path}: {warning}")
            row = answer.to_json(args.top_k)
            print(json.dumps(row) if args.json else describe_row(row, width), flush=True)
            if args.figure:
                answer.draw(args.figure)
    return int(failed)


def _to_file(files: list[tuple[str, VideoError | None]], args: argparse.Namespace) -> int:
    """Append what is not there yet to args.out; returns 1 if any file failed, now or before."""
    from adaframe.inference.results import Results, digest_of
    from adaframe.model.metadata import read_metadata

    if args.figure:
        raise UsageError("--figure draws one video, --out is for many; try: one of them")
    wanted = dict(files)  # a file that is named twice is answered once
    checkpoint = _checkpoint(args)
    read_metadata(checkpoint).beta_for(args.budget)  # what cannot be leaves no file
    settings = {
        "checkpoint": digest_of(checkpoint),
        "budget": args.budget,
        "window": args.window,
        "stride": args.stride,
        "decode": args.decode,
        "top-k": args.top_k,
    }
    with Results(args.out, settings, retry=args.retry) as results:
        left = [(path, error) for path, error in wanted.items() if path not in results.done]
        before, total = len(wanted) - len(left), len(wanted)
        if before:
            _note(f"{args.out}: {before} of {total} files are there already")
        line = Line("classifying", begun=before, unit="videos")
        try:
            with closing(_answers(left, args)) as answers:
                for done, (path, answer) in enumerate(answers, start=before + 1):
                    row = _error_row(path, answer) if isinstance(answer, VideoError) else answer.to_json(args.top_k)
                    results.append(row)
                    line.update(done, total)
        finally:
            line.done()
        _note(f"{args.out}: {len(results.done)} answers, {len(results.failed)} of them errors")
    return int(bool(results.failed))


def _expand(paths: Sequence[str]) -> Iterator[tuple[str, VideoError | None]]:
    """Every file to try, folders replaced by their videos, and beside it why there is no use in trying."""
    for path in paths:
        if os.path.isdir(path):
            videos = videos_below(path)
            yield from ((video, None) for video in videos)
            if not videos:
                yield path, VideoError(path, "no video in this folder", "name the files, whatever their suffix")
        elif not os.path.exists(path):
            yield path, VideoError(path, "there is no such file or folder")
        else:
            yield path, None


def _answers(
    files: list[tuple[str, VideoError | None]], args: argparse.Namespace
) -> Generator[tuple[str, Prediction | VideoError], None, None]:
    """The answers in the order of the files; the model is loaded only if there is a file to try."""
    usable = [path for path, error in files if error is None]
    found: Iterator[Prediction | VideoError] = iter(())
    if usable:
        from adaframe.inference.folder import classify_paths
        from adaframe.model.metadata import read_metadata

        checkpoint = _checkpoint(args)
        _note(knows(checkpoint, read_metadata(checkpoint)))
        found = classify_paths(
            usable,
            checkpoint=checkpoint,
            budget=args.budget,
            window_s=args.window,
            stride_s=args.stride,
            device=args.device,
            workers=args.workers,
            decode=args.decode,
        )
    for path, error in files:
        yield path, error if error is not None else next(found)


def _checkpoint(args: argparse.Namespace) -> str:
    return args.checkpoint or str(bundled.checkpoint_path("example.safetensors"))


def knows(checkpoint: str, metadata: Any) -> str:
    """What a model tells apart, and what it is for, in a line."""
    classes = list(metadata.classes)
    more = f", … ({len(classes)} classes)" if len(classes) > _CLASSES_SHOWN else ""
    text = f"{Path(checkpoint).name} knows {', '.join(classes[:_CLASSES_SHOWN])}{more}"
    return f"{text}. {metadata.scope}" if metadata.scope else text


def describe_row(row: dict[str, Any], width: int) -> str:
    """A row of the human table: path, answer, what was looked at, cost, time; below it what happens when, if it has a
    timeline: neighbouring windows with the same answer as one line, with the mean of their confidences.

    Args:
        row: as one line of `--json`.
        width: of the path's column, in characters.
    """
    from adaframe.inference.timeline import stretches
    from adaframe.model.answer import in_words

    labels = row["label"] if isinstance(row["label"], list) else [row["label"]]
    answer = in_words(row["label"])
    unsure = " (unsure)" if row["unsure"] else ""
    others = "".join(f", {top['label']} {top['confidence']:.0%}" for top in row["top"] if top["label"] not in labels)
    looked = sum(frame["action"] != "skip" for frame in row["frames"])
    cells = [
        f"{row['path']:<{width}}",
        f"{answer} {row['confidence']:.0%}{unsure}{others}",
        f"{looked} of {len(row['frames'])} frames",
        f"{_number(row['gmacs'])} of {_number(row['gmacs_uniform'])} GMACs",
        f"{sum(row['seconds'].values()):.2f} s",
    ]
    found = stretches(row.get("timeline", ()))
    told = clock if found and found[-1].end_s >= 60 else "{:.1f} s".format
    parts = [
        f"  {told(part.start_s):>9} – {told(part.end_s):<9} {in_words(part.label)} {part.confidence:.0%}"
        for part in found[:_STRETCHES_SHOWN]
    ]
    if left := found[_STRETCHES_SHOWN:]:
        parts.append(f"  {'':>9}   … and {len(left)} more changes up to {told(left[-1].end_s)}; --json tells all")
    return "\n".join(["   ".join(cells), *parts])


def _number(value: float) -> str:
    """Two decimals, or more where a small model would show as 0.00."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def _error_row(path: str, error: VideoError) -> dict[str, str]:
    return {"path": path, "error": error.what + (f"; try: {error.hint}" if error.hint else "")}


def _print_error(path: str, error: VideoError, as_json: bool) -> None:
    row = _error_row(path, error)
    if as_json:
        print(json.dumps(row), flush=True)
    else:
        _note(f"error: {path}: {row['error']}")


def _note(text: str) -> None:
    print(f"adaframe: {text}", file=sys.stderr, flush=True)
