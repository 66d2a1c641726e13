"""Cross-validation by the data set's folds, and a final model that is calibrated on what the folds did not learn from."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from adaframe.config import Config
from adaframe.config_io import to_yaml
from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report import write_report
from adaframe.files import write_text
from adaframe.model.metadata import CalibrationPoint, Metadata
from adaframe.model.plans import evenly
from adaframe.training.calibration import Outcome, curve
from adaframe.training.calibration import outcome as outcome_of
from adaframe.training.frozen import frozen_linear
from adaframe.training.material import Material
from adaframe.training.module import Recogniser
from adaframe.training.report import REPORTED_BUDGETS, as_results, calibration_table, groups_of, report_validation
from adaframe.training.run import Run, build_network, check_fold, choose_clips, confidences, strangeness

Curve = list[tuple[float, Outcome]]


def fit_folds(config: Config, material: Material, out: Path, *, resume: bool) -> None:
    """Train on all folds but one, for each; then on all clips.

    A fold's model is calibrated on clips of its own training folds, never on the fold that it is reported on. The final model
    takes its accuracies and its `unsure` threshold from clips that the folds' models had not seen; its costs, which need no
    labels, are its own.
    """
    check_fold("all", [material.data_set.clips[n] for n in material.readable])
    folds = [f for f in material.data_set.folds if any(material.data_set.clips[n].fold == f for n in material.readable)]
    unseen: list[Curve] = []
    reported: dict[str, list[Outcome]] = {}
    for fold in folds:
        print(f"fold {fold} of {', '.join(folds)}", file=sys.stderr)
        run = Run(replace(config, fold=fold), material, out / f"fold-{fold}")
        run.out.mkdir(parents=True, exist_ok=True)
        write_text(run.out / "config.yaml", to_yaml(run.config))
        learnt, watched = choose_clips(run.config, material)
        module = run.train(build_network(config, len(material.data_set.classes)), learnt, watched, resume=resume)
        own = run.outcomes(module, watched or learnt)
        metadata = run.save(
            module,
            curve(own),
            *confidences(own, config.budget),
            trained_on=len(learnt),
            strangeness=strangeness(own, config.budget),
        )
        held_out = [n for n in material.readable if material.data_set.clips[n].fold == fold]
        outcomes = run.outcomes(module, held_out)
        report_validation(run, outcomes, metadata, held_out, f"clips of fold {fold}, which it did not learn from")
        unseen.append(outcomes)
        for name, outcome in _at_budgets(config, metadata, outcomes):
            reported.setdefault(name, []).append(outcome)
        if material.features is not None and metadata.plan == "adaptive":
            for name, outcome in _same_weights(run, module, held_out):
                reported.setdefault(name, []).append(outcome)
            reported.setdefault("frozen features + linear layer", []).append(
                frozen_linear(material, module.network, learnt, held_out)
            )
    # A budget that a fold's model cannot keep to is left out: methods are compared on the same clips.
    pooled = [(name, joined(parts)) for name, parts in reported.items() if len(parts) == len(folds)]
    run = Run(replace(config, fold=""), material, out)
    metadata = _final(run, unseen, resume=resume)
    _report(run, pooled, metadata, folds)
    print(f"wrote {out / 'model.safetensors'} and {out / 'report.md'}", file=sys.stderr)


def _at_budgets(config: Config, metadata: Metadata, outcomes: Curve) -> list[tuple[str, Outcome]]:
    """The outcomes on unseen clips at the biases that the model's own calibration gives for each budget."""
    if metadata.plan != "adaptive":
        return [(metadata.plan, outcomes[0][1])]
    found = []
    cheapest = min(p.cost for p in metadata.calibration)
    for budget in sorted({*REPORTED_BUDGETS, config.budget}, reverse=True):
        if budget >= cheapest:
            wanted = metadata.beta_for(budget)
            # The next larger bias of the grid: never dearer than asked.
            outcome = next(o for beta, o in outcomes if beta >= wanted)
            found.append((f"adaptive at {budget:g}", outcome))
    return found


def _same_weights(run: Run, module: Recogniser, held_out: list[int]) -> list[tuple[str, Outcome]]:
    """Uniform and static plans through the adaptive model's own weights."""
    network = module.network
    frames, found = run.config.model.sampling.frames, []
    fewer = sorted({frames, frames // 2, frames // 4} - {0}, reverse=True) if network.actions.skips else [frames]
    batches = list(run.material.batches(network, held_out))
    for source, name in enumerate(network.actions.sources):
        for looks in fewer:
            plan = partial(evenly, source=source, looks=looks, actions=network.actions)
            full = "glance" if name == "glance" else f"static {name}"
            title = full if looks == frames else f"{full} on {looks} of {frames}"
            if source == network.costs.strongest and looks == frames:
                title = "uniform, same weights"
            found.append((title, outcome_of(module, batches, plan=plan)))
    return found


def _final(run: Run, unseen: list[Curve], *, resume: bool) -> Metadata:
    """Train on all clips; accuracies and threshold come from the folds."""
    config, material = run.config, run.material
    print("final model, on all clips", file=sys.stderr)
    clips = material.readable
    module = run.train(build_network(config, len(material.data_set.classes)), clips, [], resume=resume)
    out_of_fold = [(beta, joined([part[i][1] for part in unseen])) for i, (beta, _) in enumerate(unseen[0])]
    accuracies = curve(out_of_fold)
    costs = curve(run.outcomes(module, clips))
    calibration = tuple(
        CalibrationPoint(p.beta, p.cost, p.cost_stream, _interpolated(accuracies, p.cost)) for p in costs
    )
    return run.save(
        module,
        calibration,
        *confidences(out_of_fold, config.budget),
        trained_on=len(clips),
        strangeness=strangeness(out_of_fold, config.budget),
        facts={"out_of_fold_accuracy": round(float(dict(out_of_fold)[0.0].right.mean()), 4), "folds": len(unseen)},
    )


def _interpolated(points: Sequence[CalibrationPoint], cost: float) -> float:
    rising = sorted(points, key=lambda p: p.cost)
    return round(float(np.interp(cost, [p.cost for p in rising], [p.accuracy for p in rising])), 4)


def joined(parts: Sequence[Outcome]) -> Outcome:
    """The outcomes of several folds as one."""
    names = ("clips", "scores", "targets", "cost", "cost_stream", "gmacs", "gmacs_uniform", "strangeness")
    weights = [len(p.clips) for p in parts]
    shares = {a: float(np.average([p.actions.get(a, 0.0) for p in parts], weights=weights)) for a in parts[0].actions}
    return Outcome(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names}, actions=shares)


def _report(run: Run, pooled: Sequence[tuple[str, Outcome]], metadata: Metadata, folds: Sequence[str]) -> None:
    """report.md of all folds together, accuracy by fold, and out_of_fold.json for comparing runs."""
    results = [as_results(name, outcome, groups_of(run, outcome)) for name, outcome in pooled]
    fold_of = [clip.fold for clip in run.material.data_set.clips]
    rows = ["| method | " + " | ".join(f"fold {f}" for f in folds) + " | mean ± sd |", "|---" * (len(folds) + 2) + "|"]
    for name, outcome in pooled:
        of = np.array([fold_of[int(n)] for n in outcome.clips])
        by_fold = np.array([outcome.right[of == f].mean() for f in folds])
        cells = " | ".join(f"{a:.1%}" for a in by_fold)
        rows.append(f"| {name} | {cells} | {by_fold.mean():.1%} ± {by_fold.std(ddof=1):.1%} |")
    reference = next((r.name for r in results if r.name.startswith("frozen")), results[0].name)
    extra = (
        f"Each clip is answered by the model that did not learn from its fold ({len(folds)} folds, "
        f"n = {len(results[0].scores)}; intervals by group).\n\n" + "\n".join(rows) + "\n\n"
        f"Calibration of the final model:\n\n{calibration_table(metadata)}"
    )
    write_report(
        run.out,
        results,
        title=f"Folds: {metadata.plan}",
        command=f"adaframe train --config {run.out / 'config.yaml'} --fold all --out {run.out}",
        reference=reference,
        extra=extra,
    )
    paths = [[run.material.data_set.clips[int(n)].path for n in outcome.clips] for _, outcome in pooled]
    plain = [as_row(r, clips) for r, clips in zip(results, paths, strict=True)]
    write_text(run.out / "out_of_fold.json", json.dumps(plain))


def as_row(result: Results, clips: Sequence[str]) -> dict[str, object]:
    """What one method answered, as plain JSON values."""
    return {
        "name": result.name,
        "clips": list(clips),
        "scores": result.scores.round(6).tolist(),
        "targets": result.targets.astype(int).tolist(),
        "gmacs": result.gmacs.round(6).tolist(),
        "gmacs_uniform": result.gmacs_uniform,
        "groups": list(result.groups),
        "actions": result.actions,
    }
