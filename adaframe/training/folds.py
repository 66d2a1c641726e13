"""Cross-validation by the data set's folds, and a final model that is calibrated on what the folds did not learn from."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from adaframe.config import Config, Stages
from adaframe.config_io import to_yaml
from adaframe.evaluation.classes import class_facts, plain
from adaframe.evaluation.metrics import Results, headline
from adaframe.evaluation.report.comparison import to_json
from adaframe.evaluation.report.tables import markdown_table
from adaframe.evaluation.verdict import sentence
from adaframe.files import write_text
from adaframe.model.metadata import CalibrationPoint, Metadata
from adaframe.model.network import Network
from adaframe.model.plans import evenly
from adaframe.training.calibration import BETAS, Curve, Outcome, curve
from adaframe.training.calibration import outcome as outcome_of
from adaframe.training.feeding.material import Material
from adaframe.training.frozen import frozen_linear
from adaframe.training.module import Recogniser
from adaframe.training.picking.penalty import with_penalty
from adaframe.training.report.markdown import (
    REPORTED_BUDGETS,
    as_results,
    calibration_table,
    counted_sentence,
    groups_of,
    report_validation,
)
from adaframe.training.report.sections import Sections, classes_section, data_section, picked_list, usage, verdict
from adaframe.training.rules import rules_at_equal_cost
from adaframe.training.run import Run
from adaframe.training.start import build_network, check_fold, choose_clips
from adaframe.training.unsure import confidences, strangeness


def fit_folds(
    config: Config, material: Material, full: Network, out: Path, *, resume: bool, picked: Sequence[str] = ()
) -> None:
    """Train on all folds but one, for each; then on all clips.

    A fold's model is calibrated on clips of its own training folds, never on the fold that it is reported on. The final model
    takes its accuracies and its `unsure` threshold from clips that the folds' models had not seen; its costs, which need no
    labels, are its own.

    Args:
        config: with fold all.
        material: of the run.
        full: a network with all looks, by which features were computed if they were.
        out: a folder fold-K in it for each.
        resume: go on with what is there.
        picked: what was chosen automatically, and why, for the report.
    """
    check_fold("all", [material.data_set.clips[n] for n in material.readable])
    folds = [f for f in material.data_set.folds if any(material.data_set.clips[n].fold == f for n in material.readable)]
    unseen: list[Curve] = []
    lengths: list[Stages] = []
    reported: dict[str, list[Outcome]] = {}
    for fold in folds:
        print(f"fold {fold} of {', '.join(folds)}", file=sys.stderr)
        of_fold = replace(config, fold=fold)
        learnt, watched = choose_clips(of_fold, material)
        of_fold = with_penalty(of_fold, material, full, learnt)
        run = Run(of_fold, material, out / f"fold-{fold}")
        run.out.mkdir(parents=True, exist_ok=True)
        write_text(run.out / "config.yaml", to_yaml(run.config))
        module = run.train(build_network(of_fold, len(material.data_set.classes)), learnt, watched, resume=resume)
        own = run.outcomes(module, watched or learnt)
        metadata = run.save(
            module,
            curve(own),
            *confidences(own, config.budget),
            trained_on=len(learnt),
            strangeness=strangeness(own, config.budget),
        )
        held_out = [n for n in material.readable if material.data_set.clips[n].fold == fold]
        answer = run.answers(module, held_out)
        # The same biases in all folds, so that their outcomes can be joined.
        outcomes = [(beta, answer(beta)) for beta in (BETAS if module.network.plan is None else BETAS[:1])]
        report_validation(
            run,
            outcomes,
            metadata,
            held_out,
            f"clips of fold {fold}",
            parts={"learnt from": learnt, "calibrated on": watched, "reported on": held_out},
            strips=False,
        )
        unseen.append(outcomes)
        lengths.append(module.schedule.stages)
        for name, outcome in _at_budgets(config, metadata, answer):
            reported.setdefault(name, []).append(outcome)
        if material.features is not None and metadata.plan == "adaptive":
            for name, outcome in _same_weights(run, module, held_out):
                reported.setdefault(name, []).append(outcome)
            if config.budget >= min(p.cost for p in metadata.calibration):
                for rule, outcome in rules_at_equal_cost(material, module, held_out, metadata.beta_for(config.budget)):
                    reported.setdefault(f"{rule} at {config.budget:g}", []).append(outcome)
            reported.setdefault("frozen features + linear layer", []).append(
                frozen_linear(material, module.network, learnt, held_out)
            )
    # A budget that a fold's model cannot keep to is left out: methods are compared on the same clips.
    pooled = [(name, joined(parts)) for name, parts in reported.items() if len(parts) == len(folds)]
    run = Run(with_penalty(replace(config, fold=""), material, full, material.readable), material, out)
    metadata = _final(run, unseen, _typical(lengths), resume=resume)
    _report(run, pooled, metadata, folds, picked)
    print(f"wrote {out / 'model.safetensors'} and {out / 'report.md'}", file=sys.stderr)


def _at_budgets(config: Config, metadata: Metadata, answer: Callable[[float], Outcome]) -> list[tuple[str, Outcome]]:
    """The outcomes on unseen clips at the biases that the model's own calibration gives for each budget."""
    if metadata.plan != "adaptive":
        return [(metadata.plan, answer(0.0))]
    found = []
    cheapest = min(p.cost for p in metadata.calibration)
    for budget in sorted({*REPORTED_BUDGETS, config.budget}, reverse=True):
        if budget >= cheapest:
            found.append((f"adaptive at {budget:g}", answer(metadata.beta_for(budget))))
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


def _typical(lengths: Sequence[Stages]) -> Stages:
    """Epochs of each stage as the folds' models took on the mean: some may have ended early."""
    mean = lambda name: round(float(np.mean([getattr(stages, name) for stages in lengths])))  # noqa: E731
    return Stages(warmup=mean("warmup"), joint=mean("joint"), finetune=mean("finetune"))


def _final(run: Run, unseen: list[Curve], stages: Stages, *, resume: bool) -> Metadata:
    """Train on all clips; epochs, accuracies and threshold come from the folds."""
    run = replace(run, config=replace(run.config, train=replace(run.config.train, stages=stages)))
    config, material = run.config, run.material
    print("final model, on all clips", file=sys.stderr)
    clips = material.readable
    module = run.train(build_network(config, len(material.data_set.classes)), clips, [], resume=resume)
    out_of_fold = [(beta, joined([part[i][1] for part in unseen])) for i, (beta, _) in enumerate(unseen[0])]
    accuracies = curve(out_of_fold)
    costs = curve(run.outcomes(module, clips))
    name = "out_of_fold_map" if material.data_set.multi_label else "out_of_fold_accuracy"
    calibration = tuple(
        CalibrationPoint(p.beta, p.cost, p.cost_stream, _interpolated(accuracies, p.cost)) for p in costs
    )
    return run.save(
        module,
        calibration,
        *confidences(out_of_fold, config.budget),
        trained_on=len(clips),
        strangeness=strangeness(out_of_fold, config.budget),
        facts={name: round(dict(out_of_fold)[0.0].headline, 4), "folds": len(unseen)},
    )


def _interpolated(points: Sequence[CalibrationPoint], cost: float) -> float:
    rising = sorted(points, key=lambda p: p.cost)
    return round(float(np.interp(cost, [p.cost for p in rising], [p.accuracy for p in rising])), 4)


def joined(parts: Sequence[Outcome]) -> Outcome:
    """The outcomes of several folds as one."""
    names = ("clips", "scores", "targets", "cost", "cost_stream", "gmacs", "gmacs_uniform", "strangeness")
    weights = [len(p.clips) for p in parts]
    shares = {a: float(np.average([p.actions.get(a, 0.0) for p in parts], weights=weights)) for a in parts[0].actions}
    together = {n: np.concatenate([getattr(p, n) for p in parts]) for n in names}
    return Outcome(**together, actions=shares, multi_label=parts[0].multi_label)


def _in_fold(outcome: Outcome, fold_of: Sequence[str], fold: str) -> Outcome:
    """The outcome on the clips of one fold."""
    inside = np.array([fold_of[int(n)] == fold for n in outcome.clips])
    part = {n: getattr(outcome, n)[inside] for n in ("clips", "scores", "targets", "cost", "cost_stream")}
    return replace(outcome, **part)


def _report(
    run: Run, pooled: Sequence[tuple[str, Outcome]], metadata: Metadata, folds: Sequence[str], picked: Sequence[str]
) -> None:
    """report.md of all folds together, accuracy by fold, and out_of_fold.json for comparing runs."""
    results = [as_results(name, outcome, groups_of(run, outcome)) for name, outcome in pooled]
    data_set = run.material.data_set
    paths = [[data_set.clips[int(n)].path for n in outcome.clips] for _, outcome in pooled]
    write_text(run.out / "out_of_fold.json", json.dumps([as_row(r, c) for r, c in zip(results, paths, strict=True)]))
    reference = next((r.name for r in results if r.name.startswith("frozen")), results[0].name)
    adaptive = [r for r in results if r.name.startswith("adaptive")]  # from the largest budget on
    kept = next((r for r in adaptive if r.name == f"adaptive at {run.config.budget:g}"), None)
    asked = kept or (adaptive or results[:1])[-1]
    rest = f"each answered by the model that did not learn from its fold ({len(folds)} folds)"
    budget = run.config.budget if metadata.plan == "adaptive" else None
    parts = {f"fold {f}": [c for c in run.material.readable if data_set.clips[c].fold == f] for f in folds}
    again = ["adaframe", "train", "--config", str(run.out / "config.yaml"), "--fold", "all", "--out", str(run.out)]
    report = Sections(f"Folds: {metadata.plan}")
    counted = counted_sentence(metadata, dict(pooled)[asked.name])
    report.add("", lambda: verdict(asked, budget=budget, clips="clips", rest=rest, kept=kept is not None) + counted)
    report.add(
        "Use it", lambda: f"The final model, which learnt from all clips:\n\n{usage(run, data_set.clips[0].path)}"
    )
    report.add("Picked automatically", lambda: picked_list(picked))
    report.add("Accuracy and cost", lambda: _methods(run, results, reference))
    report.add("Fold by fold", lambda: _by_fold(run, pooled, folds))
    report.add("Class by class", lambda: classes_section(asked, data_set.classes, run.out))
    report.add("The data", lambda: data_section(run, parts))
    report.add("Calibration of the final model", lambda: calibration_table(metadata))
    report.add("Once more", lambda: f"```\n{shlex.join(again)}\n```")
    facts = {"title": f"Folds: {metadata.plan}", "command": shlex.join(again), **to_json(results, reference)}
    facts |= plain(class_facts(asked, data_set.classes)) | {"picked": list(picked)}
    write_text(run.out / "report.json", json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    write_text(run.out / "report.md", report.text())


def _methods(run: Run, results: Sequence[Results], reference: str) -> str:
    from adaframe.evaluation.report.figures import accuracy_cost_figure  # matplotlib takes a moment to import

    what = "mAP" if headline(results[0]) == "map" else "accuracy"
    accuracy_cost_figure(results, run.out / "figures" / "accuracy-cost.png")
    figure = f"![{what} against executed compute](figures/accuracy-cost.png)"
    plans = any(r.name.startswith(("static", "uniform", "glance")) for r in results)
    pays = f"{sentence(results)}\n\n" if plans and any(r.name.startswith("adaptive") for r in results) else ""
    return f"{pays}{figure}\n\n{markdown_table(results, reference)}"


def _by_fold(run: Run, pooled: Sequence[tuple[str, Outcome]], folds: Sequence[str]) -> str:
    """What each method reached on each fold, and the spread."""
    fold_of = [clip.fold for clip in run.material.data_set.clips]
    rows = ["| method | " + " | ".join(f"fold {f}" for f in folds) + " | mean ± sd |", "|---" * (len(folds) + 2) + "|"]
    for name, outcome in pooled:
        by_fold = np.array([_in_fold(outcome, fold_of, f).headline for f in folds])
        cells = " | ".join("–" if np.isnan(a) else f"{a:.1%}" for a in by_fold)
        known = by_fold[~np.isnan(by_fold)]  # of several labels, where the fold has one at all
        spread = f"{known.mean():.1%} ± {known.std(ddof=1):.1%}" if len(known) > 1 else "–"
        rows.append(f"| {name} | {cells} | {spread} |")
    return f"{'mAP' if pooled[0][1].multi_label else 'Accuracy'}:\n\n" + "\n".join(rows)


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
        "multi_label": result.multi_label,
    }
