"""`adaframe evaluate`: a checkpoint and its baselines on the same decoded clips, in one table."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from adaframe.data.manifest import Clip, load_dataset
from adaframe.data.sides import sided
from adaframe.energy.methods import energy_of
from adaframe.energy.places import Places
from adaframe.errors import AdaframeError, DataError, UsageError
from adaframe.evaluation.classes import ClassFacts, class_blocks, class_facts, label_counts, plain
from adaframe.evaluation.disagreements import best_static_plan, choose, strip_blocks
from adaframe.evaluation.limits import limits
from adaframe.evaluation.looking import look_at
from adaframe.evaluation.many_views import OWN_WINDOWS, ManyViews
from adaframe.evaluation.metrics import (
    Results,
    headline,
    judged,
)
from adaframe.evaluation.names import file_names, name_apart, title
from adaframe.evaluation.protocols import Protocol, first_labels, protocol, protocol_cells, protocol_notes
from adaframe.evaluation.report.blocks import Block, Heading, Items, Table, Text
from adaframe.evaluation.report.comparison import to_json
from adaframe.evaluation.report.folder import write_report
from adaframe.evaluation.report.provenance import Provenance, provenance
from adaframe.evaluation.report.tables import aligned, text_table
from adaframe.evaluation.timing import time_methods
from adaframe.evaluation.verdict import gain_over_plans, verdict
from adaframe.evaluation.views import Method, View
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
    many: ManyViews = OWN_WINDOWS,
    energy: Places | None = None,
) -> None:
    """Print accuracy beside executed compute and measured time; see `adaframe evaluate --help` for the arguments.

    Raises:
        AdaframeError: no such checkpoint, data set or split; classes that do not fit; no clip can be read.
        UsageError: several crops of a model that has nothing to crop.
    """
    paths = (checkpoint, *against)
    recognizers = [load(path, device=device) for path in paths]
    _check(recognizers, paths, budgets or (), many)
    clips, used = _clips(root, manifest, split, recognizers)
    # Baselines of equal cost depend on all windows together; else each window can be answered as it comes.
    settle = None if baselines else lambda view: view.methods(budgets, False)
    views, kept = look_at(clips, recognizers, workers, decode, many, settle)
    methods, models = _compared(views, budgets, baselines, against)
    results = _results(methods, models, kept, recognizers[0].classes, energy)
    reference = next((r.name for r in results if r.name.startswith("uniform")), results[0].name)
    facts = class_facts(results[0], recognizers[0].classes)
    first = first_labels(kept, recognizers[0].classes)
    protocols = [protocol(r, first) for r in results]

    print(text_table(results, reference))
    print("\n".join(verdict(results)))
    if len(facts) > 2:  # of two classes there is but accuracy
        print("\n".join(["", aligned(protocol_cells(protocols)), *protocol_notes(protocols)]))
    if headline(results[0]) == "map":
        print(f"\n{label_counts(facts, results[0].targets)}")
    more = {"protocols": {p.name: p.figures() for p in protocols}, **plain(facts)}
    if json_path:
        write_text(Path(json_path), json.dumps({**to_json(results, reference), **more}, indent=2) + "\n")
    if report:
        words = ["adaframe", "evaluate", "--checkpoint", checkpoint]
        words += (["--data.root", root] if root else []) + (["--data.manifest", manifest] if manifest else [])
        words += ["--split", split] + (["--budget", ",".join(f"{b:g}" for b in budgets)] if budgets else [])
        words += (["--baselines"] if baselines else []) + (["--against", *against] if against else [])
        words += many.words() + (["--decode", decode] if decode != "auto" else [])
        words += energy.words() if energy is not None else []
        made = provenance(
            command=shlex.join(words),
            checkpoints=paths,
            recognizers=recognizers,
            source=[path for path in (manifest, root) if path],
            split=used,
            asked=len(clips),
            kept=kept,
            decode=decode,
        )
        recognizer = next(m for m in methods if m.name == results[0].name).view.recognizer
        budget = budgets[0] if budgets else None
        write_report(
            Path(report),
            results,
            title=f"{title(checkpoint)} on {title(manifest or root)}",
            command=made.command,
            reference=reference,
            extra=_sections(results, protocols, facts, kept, recognizer, budget, many, made),
            facts={"made": asdict(made), **more},
        )


def _compared(
    views: Sequence[View], budgets: Sequence[float] | None, baselines: bool, against: Sequence[str]
) -> tuple[list[Method], list[str]]:
    """The methods of all models, under names that tell them apart, and of which model each is ("": the first one)."""
    methods = views[0].methods(budgets, baselines)
    models = [""] * len(methods)
    for view, path, name in zip(views[1:], against, file_names(against), strict=True):
        taken, found = [m.name for m in methods], view.methods(budgets, False)
        others = [replace(m, name=name_apart(m.name, name, taken, policy_runs=m.policy_runs), note=path) for m in found]
        methods += others
        models += [name] * len(others)
    return methods, models


def _results(
    methods: Sequence[Method],
    models: Sequence[str],
    clips: Sequence[Clip],
    classes: Sequence[str],
    energy: Places | None,
) -> list[Results]:
    """What each method answered for the clips, timed, the best baseline of a kind first."""
    targets = np.zeros((len(clips), len(classes)), dtype=bool)
    for n, clip in enumerate(clips):
        targets[n, [classes.index(label) for label in clip.labels]] = True
    groups = tuple(clip.group or clip.path for clip in clips)
    milliseconds = time_methods([m.timed() for m in methods])
    results = [
        replace(m.results(targets, groups, ms), model=model)
        for m, ms, model in zip(methods, milliseconds, models, strict=True)
    ]
    if energy is not None:
        results = [replace(r, energy=e) for r, e in zip(results, energy_of(methods, len(clips), energy), strict=True)]
    # A plan trained alone may lack the strongest look, and would count its fraction from a weaker one.
    return _better([replace(r, gmacs_uniform=results[0].gmacs_uniform) for r in results])


def _sections(
    results: Sequence[Results],
    protocols: Sequence[Protocol],
    facts: Sequence[ClassFacts],
    clips: Sequence[Clip],
    recognizer: Recognizer,
    budget: float | None,
    many: ManyViews,
    made: Provenance,
) -> list[Block]:
    """What a report of an evaluation has beside the comparison: protocols, classes, film strips, how it was made, limits."""
    first = results[0]
    rival = best_static_plan(first, results) if first.name.startswith("adaptive") else None
    by_map = headline(first) == "map"
    means = (
        "precision: of the videos that were answered so (named), those where it is right. GMACs are the mean of the videos of "
        "a class; of uniform: as a share of uniform's mean over all videos."
    )
    header, *lines = (tuple(cells) for cells in protocol_cells(protocols))
    notes = Items(tuple((note,) for note in protocol_notes(protocols)))
    scored: list[Block] = [Heading("As public data sets are scored"), Table(header, tuple(lines)), notes]
    return [
        *(scored if len(facts) > 2 else []),
        Heading("Class by class"),
        Text((f"{first.name}. {means}",)),
        *class_blocks(facts, by_map=by_map),
        Heading("Where they disagree" if rival else "Looked at closely"),
        *([Text(("Strips are of the model's own windows and the central crop alone.",))] if many.words() else []),
        *strip_blocks(first, choose(first, rival), clips, recognizer, budget=budget, decode=made.decode),
        Heading("Limits"),
        limits(results, gain_over_plans(results), split=made.split, grouped=made.grouped),
        Heading("How this was made"),
        made.block(),
    ]


def _check(recognizers: Sequence[Recognizer], paths: Sequence[str], budgets: Sequence[float], many: ManyViews) -> None:
    """What a model cannot do is said before the clips are decoded, with the model's name."""
    for recognizer, path in zip(recognizers, paths, strict=True):
        many.check(recognizer.metadata.preprocess, path)
        for budget in budgets:
            try:
                recognizer.metadata.beta_for(budget)
            except AdaframeError as error:
                raise AdaframeError(f"{path}: {error}") from error
    if many.crops == 10 and (found := sided(recognizers[0].classes)):
        print(
            f"warning: 10 crops are mirrored ones too, and {len(found)} labels speak of left or right ({found[0]}, …); "
            "try: --crops 3",
            file=sys.stderr,
        )


def _clips(root: str, manifest: str, split: str, recognizers: Sequence[Recognizer]) -> tuple[list[Clip], str]:
    """The clips to look at, and the split that they are of; "" where the data set has none."""
    data_set = load_dataset(root, manifest)
    clips = [clip for clip in data_set.clips if clip.split == split]
    if not clips and not any(clip.split for clip in data_set.clips):
        print(
            f"the data set has no splits: evaluating all {len(data_set.clips)} clips, which the model may have learnt from",
            file=sys.stderr,
        )
        clips, split = list(data_set.clips), ""
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
    return clips, split


def _better(results: list[Results]) -> list[Results]:
    """Of a plan with the same weights and trained alone, the better one first: the baseline is the better of both."""
    uniform = [r for r in results if r.name.startswith("uniform")]
    rest = [r for r in results if not r.name.startswith("uniform")]
    return [*[r for r in rest if r.name.startswith("adaptive")], *sorted(uniform, key=judged, reverse=True)] + [
        r for r in rest if not r.name.startswith("adaptive")
    ]
