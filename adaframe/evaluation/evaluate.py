"""`adaframe evaluate`: a checkpoint and its baselines on the same decoded clips, in one table."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from adaframe.data.manifest import Clip, load_dataset
from adaframe.energy.methods import energy_of
from adaframe.energy.places import Places
from adaframe.errors import DataError, UsageError
from adaframe.evaluation.classes import class_facts, class_table, label_counts, plain
from adaframe.evaluation.metrics import Results, accuracy, headline, mean_average_precision, sentence
from adaframe.evaluation.report import text_table, to_json, write_report
from adaframe.evaluation.timing import time_methods
from adaframe.evaluation.views import look_at
from adaframe.files import write_text
from adaframe.inference.recognizer import Recognizer, load


def evaluate(
    *,
    checkpoint: str,
    root: str = "",
    manifest: str = "",
    split: str = "test",
    budgets: Sequence[float] | None = None,
    baselines: bool = False,
    against: Sequence[str] = (),
    json_path: str | None = None,
    report: str | None = None,
    device: str = "auto",
    workers: int = 0,
    decode: str = "auto",
    energy: Places | None = None,
) -> None:
    """Print accuracy beside executed compute and measured time; see `adaframe evaluate --help` for the arguments.

    Raises:
        AdaframeError: no such checkpoint, data set or split; classes that do not fit; no clip can be read.
    """
    recognizers = [load(path, device=device) for path in (checkpoint, *against)]
    clips = _clips(root, manifest, split, recognizers)
    views, kept = look_at(clips, recognizers, workers, decode)
    targets = np.zeros((len(kept), len(recognizers[0].classes)), dtype=bool)
    for n, clip in enumerate(kept):
        targets[n, [recognizers[0].classes.index(label) for label in clip.labels]] = True
    groups = tuple(clip.group or clip.path for clip in kept)
    methods = views[0].methods(budgets, baselines)
    for view, path in zip(views[1:], against, strict=True):
        methods += [replace(m, name=f"{m.name}, trained alone", note=path) for m in view.methods(None, False)]
    milliseconds = time_methods([m.timed() for m in methods])
    results = [m.results(targets, groups, ms) for m, ms in zip(methods, milliseconds, strict=True)]
    if energy is not None:
        results = [replace(r, energy=e) for r, e in zip(results, energy_of(methods, len(kept), energy), strict=True)]
    # A plan trained alone may lack the strongest look, and would count its fraction from a weaker one.
    results = [replace(r, gmacs_uniform=results[0].gmacs_uniform) for r in results]
    results = _better(results)
    reference = next((r.name for r in results if r.name.startswith("uniform")), results[0].name)
    print(text_table(results, reference))
    print(f"\n{sentence(results)}")
    facts = class_facts(results[0], recognizers[0].classes)
    if headline(results[0]) == "map":
        print(f"\n{label_counts(facts, targets)}")
    if json_path:
        write_text(Path(json_path), json.dumps({**to_json(results, reference), **plain(facts)}, indent=2) + "\n")
    if report:
        words = ["adaframe", "evaluate", "--checkpoint", checkpoint]
        words += (["--data.root", root] if root else []) + (["--data.manifest", manifest] if manifest else [])
        words += ["--split", split] + (["--budget", ",".join(f"{b:g}" for b in budgets)] if budgets else [])
        words += (["--baselines"] if baselines else []) + (["--against", *against] if against else [])
        words += ["--decode", decode] if decode != "auto" else []
        words += energy.words() if energy is not None else []
        table = f"## Class by class ({results[0].name})\n\n{class_table(facts, by_map=headline(results[0]) == 'map')}"
        write_report(
            Path(report), results, title="Evaluation", command=shlex.join(words), reference=reference, extra=table
        )


def _clips(root: str, manifest: str, split: str, recognizers: Sequence[Recognizer]) -> list[Clip]:
    data_set = load_dataset(root, manifest)
    clips = [clip for clip in data_set.clips if clip.split == split]
    if not clips and not any(clip.split for clip in data_set.clips):
        print(f"the data set has no splits: evaluating all {len(data_set.clips)} clips", file=sys.stderr)
        clips = list(data_set.clips)
    if not clips:
        raise DataError(f"{manifest or root}: no clip is of split {split}; try: another --split")
    classes = recognizers[0].classes
    for recognizer in recognizers[1:]:
        if recognizer.classes != classes:
            raise UsageError("--against: a checkpoint with other classes cannot be compared on the same clips")
    unknown = sorted({label for clip in clips for label in clip.labels} - set(classes))
    if unknown:
        raise DataError(
            f"{manifest or root}: the model does not know the class {unknown[0]}; it knows {', '.join(classes)}"
        )
    return clips


def _better(results: list[Results]) -> list[Results]:
    """Of a plan with the same weights and trained alone, the better one first: the baseline is the better of both."""
    uniform = [r for r in results if r.name.startswith("uniform")]
    rest = [r for r in results if not r.name.startswith("uniform")]
    return [*[r for r in rest if r.name.startswith("adaptive")], *sorted(uniform, key=_judged, reverse=True)] + [
        r for r in rest if not r.name.startswith("adaptive")
    ]


def _judged(results: Results) -> float:
    return mean_average_precision(results.scores, results.targets) if headline(results) == "map" else accuracy(results)
