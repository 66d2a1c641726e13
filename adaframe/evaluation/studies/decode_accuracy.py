"""`python -m adaframe.evaluation.studies.decode_accuracy`: are answers by key frames as right as those from exact frames?

Clips of one label and one group are joined, several to a file, and encoded anew with key frames at fixed distances; every
file is answered twice. The table says how many frames moved at all, and how many windows key frames did not settle. Clips that
the model learnt from tell little: `--folds` takes the models of a cross-validation, each for the clips of its own fold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adaframe import bundled
from adaframe.cli.parser import positive, seconds
from adaframe.cli.standalone import telling_errors
from adaframe.data.manifest import Clip, load_dataset
from adaframe.errors import DataError
from adaframe.evaluation.metrics import Results, interval, paired_difference
from adaframe.evaluation.speed.decode_films import joined, write_joined
from adaframe.inference.many_files import recognise_paths
from adaframe.inference.prediction import Prediction
from adaframe.inference.recognizer import Recognizer, load
from adaframe.model.metadata import read_metadata
from adaframe.progress import Line
from adaframe.video import DecodePool

KINDS = ("decode", "model")


@dataclass(frozen=True, eq=False)
class Compared:
    """Both ways on the same files.

    Args:
        gop: frames from a key frame to the next.
        exact: answers from exact frames.
        fast: answers from key frames near them.
        windows: of the files, each an answer of its own: exact and fast.
        frames: that exact looks at, and those of them that fast looks at too.
        settled: windows that fast answers from key frames.
        decode_s: seconds of decoding each file, (files, 2): exact and fast.
        model_s: likewise, of the model.
    """

    gop: int
    exact: Results
    fast: Results
    windows: tuple[Results, Results]
    frames: tuple[int, int]
    settled: int
    decode_s: NDArray[np.float64]
    model_s: NDArray[np.float64]


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
    exact, fast = answers["exact"], answers["fast"]
    pairs = [(frames_by_window(e), frames_by_window(f)) for e, f in zip(exact, fast, strict=True)]
    looked = [({i for w in e for i in w}, {i for w in f for i in w}) for e, f in pairs]
    seconds = [np.array([[a.seconds[kind] for a in pair] for pair in zip(exact, fast, strict=True)]) for kind in KINDS]
    return Compared(
        gop=gop,
        exact=_results("exact", exact, groups, model),
        fast=_results("fast", fast, groups, model),
        windows=(_window_results("exact", exact, groups, model), _window_results("fast", fast, groups, model)),
        frames=(sum(len(e) for e, _ in looked), sum(len(e & f) for e, f in looked)),
        settled=sum(one != other for e, f in pairs for one, other in zip(e, f, strict=True)),
        decode_s=seconds[0],
        model_s=seconds[1],
    )


def models_of_folds(run: Path, device: str) -> dict[str, Recognizer]:
    """The models of a cross-validation by the fold that each did not learn from.

    When a model is unsure was set on the very clips that it answers here: each gets the medians of the others' limits.

    Raises:
        DataError: no such run.
    """
    files = {path.parent.name.removeprefix("fold-"): path for path in sorted(run.glob("fold-*/model.safetensors"))}
    if len(files) < 2:
        raise DataError(f"{run}: holds no models of folds; try: a folder of adaframe train --fold all")
    known = {fold: read_metadata(path) for fold, path in files.items()}
    models = {}
    for fold, path in files.items():
        others = [metadata for other, metadata in known.items() if other != fold]
        models[fold] = load(path, device=device)
        models[fold].metadata = replace(
            models[fold].metadata,
            unsure_below=float(np.median([m.unsure_below for m in others])),
            strange_above=float(np.median([m.strange_above for m in others])),
        )
    return models


def combined(parts: Sequence[Compared]) -> Compared:
    """What several models answered, each for its clips, as one."""
    return Compared(
        gop=parts[0].gop,
        exact=_concatenated([p.exact for p in parts]),
        fast=_concatenated([p.fast for p in parts]),
        windows=(_concatenated([p.windows[0] for p in parts]), _concatenated([p.windows[1] for p in parts])),
        frames=(sum(p.frames[0] for p in parts), sum(p.frames[1] for p in parts)),
        settled=sum(p.settled for p in parts),
        decode_s=np.concatenate([p.decode_s for p in parts]),
        model_s=np.concatenate([p.model_s for p in parts]),
    )


def _concatenated(parts: Sequence[Results]) -> Results:
    return replace(
        parts[0],
        scores=np.concatenate([p.scores for p in parts]),
        targets=np.concatenate([p.targets for p in parts]),
        gmacs=np.concatenate([p.gmacs for p in parts]),
        gmacs_uniform=float(np.average([p.gmacs_uniform for p in parts], weights=[len(p.gmacs) for p in parts])),
        groups=tuple(group for p in parts for group in p.groups),
    )


def frames_by_window(prediction: Prediction) -> list[set[int]]:
    """Indices of the frames looked at in each window."""
    counts = prediction.decisions.valid.sum(dim=1).tolist()
    indices = iter(int(frame["index"]) for frame in prediction.frames)
    return [set(islice(indices, count)) for count in counts]


def _window_results(
    name: str, answers: Sequence[Prediction], groups: Sequence[Sequence[Clip]], model: Recognizer
) -> Results:
    """As of the files, of their windows: whether the class that each names is the file's."""
    files = _results(name, answers, groups, model)
    named = [[part["label"] for part in answer.timeline] or [answer.label] for answer in answers]
    counts = [len(labels) for labels in named]
    scores = np.array([[label == known for known in model.classes] for labels in named for label in labels], np.float64)
    return replace(
        files,
        scores=scores,
        targets=files.targets.repeat(counts, axis=0),
        gmacs=(files.gmacs / counts).repeat(counts),
        groups=tuple(group for group, count in zip(files.groups, counts, strict=True) for _ in range(count)),
    )


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
    """Some lines for each distance of key frames."""
    lines = []
    for one in compared:
        lines.append(f"GOP {one.gop}: {_text(one.exact, one.fast, 'files')}")
        if len(one.windows[0].scores) > len(one.exact.scores):
            lines.append(f"  {_text(*one.windows, 'windows')}")
        share = one.settled / len(one.windows[0].scores)
        sums, gmacs = 1e3 * one.decode_s.mean(axis=0), (one.exact.gmacs.mean(), one.fast.gmacs.mean())
        model = 1e3 * one.model_s.mean(axis=0)
        lines.append(
            f"  {share:.0%} of the windows answered from key frames, {1 - one.frames[1] / one.frames[0]:.0%} of the frames "
            f"moved; a file (mean): decoding {sums[0]:.0f} -> {sums[1]:.0f} ms, model {model[0]:.0f} -> {model[1]:.0f} ms, "
            f"{gmacs[0]:.2f} -> {gmacs[1]:.2f} GMACs"
        )
    return "\n".join(lines)


def _text(exact: Results, fast: Results, what: str) -> str:
    change = paired_difference(fast, exact, metric="accuracy")
    agree = float((exact.scores.argmax(axis=1) == fast.scores.argmax(axis=1)).mean())
    return (
        f"exact {interval(exact).value:.1%}, fast {interval(fast).value:.1%} of {len(exact.scores)} {what} right; fast - "
        f"exact {100 * change.value:+.1f} points ({100 * change.low:+.1f} to {100 * change.high:+.1f}); {agree:.1%} agree"
    )


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Join, encode, answer, print."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.studies.decode_accuracy", description=__doc__)
    parser.add_argument("--checkpoint", default="", metavar="FILE", help="model (default: the bundled example)")
    parser.add_argument("--data.root", dest="root", default="", metavar="DIR", help="as of adaframe evaluate")
    parser.add_argument("--data.manifest", dest="manifest", default="", metavar="FILE", help="as of adaframe evaluate")
    parser.add_argument("--fold", default="", metavar="K", help="only the clips of this fold")
    parser.add_argument(
        "--folds", type=Path, metavar="RUN", help="instead of a model: a folder of adaframe train --fold all"
    )
    parser.add_argument(
        "--gop", type=positive, nargs="+", default=[12, 50, 250], metavar="N", help="key frame distances"
    )
    parser.add_argument("--join", type=positive, default=8, metavar="N", help="clips to a file (default: %(default)s)")
    parser.add_argument("--window", type=seconds, metavar="S", help="seconds of a window (default: the model's)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=positive, default=1)
    args = parser.parse_args(argv)
    clips = [c for c in load_dataset(args.root, args.manifest).clips if not args.fold or c.fold == args.fold]
    if args.folds is not None:
        models = models_of_folds(args.folds, args.device)
    else:
        models = {"": load(args.checkpoint or bundled.checkpoint_path("example.safetensors"), device=args.device)}
    of = {fold: [c for c in clips if fold in ("", c.fold)] for fold in models}
    of = {fold: mine for fold, mine in of.items() if mine}
    classes = next(iter(models.values())).classes
    unknown = sorted({label for clip in clips for label in clip.labels} - set(classes))
    if unknown or not of:
        what = f"the model does not know {unknown[0]}" if unknown else "no such clips"
        raise DataError(f"{args.manifest or args.root}: {what}")
    settings = {"join": args.join, "window_s": args.window, "workers": args.workers}
    for gop in args.gop:
        parts = [compare(models[fold], mine, gop=gop, **settings) for fold, mine in of.items()]
        print(as_text([combined(parts)]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
