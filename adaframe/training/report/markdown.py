"""report.md of a training: what the clips that it did not learn from say, how to use the model, and how it got there."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from adaframe.energy.result import Energy
from adaframe.evaluation.classes import class_facts, plain
from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report.comparison import to_json
from adaframe.evaluation.report.tables import markdown_table
from adaframe.files import write_text
from adaframe.model.metadata import Metadata
from adaframe.training.calibration import Outcome
from adaframe.training.report.sections import (
    Sections,
    classes_section,
    data_section,
    energy_section,
    picked_list,
    usage,
    verdict,
)

if TYPE_CHECKING:
    from adaframe.training.run import Run

REPORTED_BUDGETS = (1.0, 0.5, 0.25)


def as_results(name: str, outcome: Outcome, groups: Sequence[str], *, note: str = "") -> Results:
    """An outcome as the reports want it. `groups` are those of the outcome's clips."""
    return Results(
        name=name,
        scores=outcome.scores.astype(np.float64),
        targets=outcome.targets > 0,
        gmacs=outcome.gmacs,
        gmacs_uniform=float(outcome.gmacs_uniform.mean()),
        model_ms=None,
        groups=tuple(groups),
        actions=outcome.actions,
        note=note,
        multi_label=outcome.multi_label,
    )


def at_budget(outcomes: Sequence[tuple[float, Outcome]], budget: float) -> tuple[float, Outcome] | None:
    """The outcome with the least bias that keeps to a budget, if any does."""
    return next(((beta, o) for beta, o in outcomes if o.cost.mean() <= budget), None)


def report_validation(
    run: Run,
    outcomes: Sequence[tuple[float, Outcome]],
    metadata: Metadata,
    held_out: Sequence[int],
    clips: str,
    *,
    parts: Mapping[str, Sequence[int]] | None = None,
    picked: Sequence[str] = (),
    strips: bool = True,
    energy: Energy | None = None,
) -> None:
    """Write report.md, report.json and the figures of a run; a figure that cannot be drawn is a note in the report.

    Args:
        run: whose model has been saved.
        outcomes: along its curve.
        metadata: of the saved model.
        held_out: numbers of the clips that the outcomes are about; none: they are those that it learnt from.
        clips: what they are, in words.
        parts: what was done with which clips, by number, for the section on the data; with a part "reported on", the
            model was calibrated on others than those.
        picked: what was chosen automatically, and why, a line each.
        strips: whether to draw film strips of some held-out clips.
        energy: that the run took up to its last epoch, where that is known.

    Raises:
        AdaframeError: report.md or report.json cannot be written.
    """
    adaptive = metadata.plan == "adaptive"
    results = _at_budgets(run, outcomes, metadata)
    kept = at_budget(outcomes, run.config.budget)
    beta, asked = kept or outcomes[-1]
    here = as_results("at the budget" if adaptive else metadata.plan, asked, groups_of(run, asked))
    classes = run.material.data_set.classes
    report = Sections(f"Training: {metadata.plan}")
    warning = "" if held_out else "\n\n**These are the clips it learnt from**: the figures say nothing about new ones."
    apart = bool(parts and "reported on" in parts)  # from the clips that set the bias and the threshold
    chose = held_out and (run.config.train.keep == "best" or run.config.train.patience)
    rest = "which it did not learn from" if apart else "by which its epoch was chosen" if chose else ""
    budget = run.config.budget if adaptive else None
    said = partial(verdict, here, budget=budget, clips=clips, rest=rest, kept=bool(kept))
    report.add("", lambda: said() + counted_sentence(metadata, asked) + warning)
    report.add("Use it", lambda: usage(run, run.material.data_set.clips[int(asked.clips[0])].path))
    report.add("Picked automatically", lambda: picked_list(picked))
    if adaptive:
        report.add("Accuracy and cost", lambda: _tradeoff(run, outcomes, here, metadata, results, beta, apart=apart))
    report.add("Class by class", lambda: classes_section(here, classes, run.out))
    report.add("How it learnt", lambda: _epochs(run, metadata))
    if strips and held_out:
        from adaframe.training.report.strips import film_strips

        report.add("Looked at closely", lambda: film_strips(run, asked))
    report.add("The data", lambda: data_section(run, parts or {clips: held_out}))
    again = shlex.join(["adaframe", "train", "--config", str(run.out / "config.yaml"), "--out", str(run.out)])
    report.add("Energy", lambda: energy_section(energy))
    report.add("Once more", lambda: f"```\n{again}\n```")
    facts: dict[str, Any] = {"title": f"Training: {metadata.plan}", "command": again}
    facts |= to_json(results, results[0].name) | plain(class_facts(here, classes)) | {"picked": list(picked)}
    facts |= {"energy": energy.to_json()} if energy is not None else {}
    write_text(run.out / "report.json", json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    write_text(run.out / "report.md", report.text())


def _at_budgets(run: Run, outcomes: Sequence[tuple[float, Outcome]], metadata: Metadata) -> list[Results]:
    """The outcomes at the usual budgets and the asked one, as far as they are kept to."""
    budgets = sorted({*REPORTED_BUDGETS, run.config.budget}, reverse=True) if metadata.plan == "adaptive" else [1.0]
    results: list[Results] = []
    for budget in budgets:
        found = at_budget(outcomes, budget)
        if found is None:
            continue
        beta, outcome = found
        name = f"adaptive at {budget:g}" if metadata.plan == "adaptive" else metadata.plan
        results.append(as_results(name, outcome, groups_of(run, outcome), note=f"beta {beta:g}"))
    if not results:
        beta, outcome = outcomes[-1]
        results.append(as_results("cheapest", outcome, groups_of(run, outcome), note="no bias keeps to the budget"))
    return results


def _tradeoff(
    run: Run,
    outcomes: Sequence[tuple[float, Outcome]],
    chosen: Results,
    metadata: Metadata,
    results: Sequence[Results],
    beta: float,
    *,
    apart: bool,
) -> str:
    from adaframe.evaluation.report.tradeoff import tradeoff_figure  # matplotlib takes a moment to import

    what = metadata.judged_by
    shown = f"![{what} against {metadata.counted.unit}](figures/accuracy-cost.png)"
    if len({round(float(o.cost.mean()), 4) for _, o in outcomes}) > 1:
        at = next(o for b, o in outcomes if b == beta)
        tradeoff_figure(
            [_in_its_unit(as_results(f"beta {b:g}", o, chosen.groups), o) for b, o in outcomes],
            run.out / "figures" / "accuracy-cost.png",
            budget=run.config.budget,
            chosen=_in_its_unit(chosen, at),
            counted=metadata.counted.unit,
        )
    else:
        shown = "Whatever the budget, it spends the same: there is no curve to move along."
    on = "other clips than these" if apart else "these same clips, which flatters the figures a little"
    return (
        f"{shown}\n\n{markdown_table(results, results[0].name)}\n"
        f"Calibration (what `--budget` at run time moves along; here it stands at beta {beta:g}). It and the threshold of "
        f"`unsure` (confidence below {metadata.unsure_below:.2f}) were set on {on}:\n\n{calibration_table(metadata)}"
    )


def _in_its_unit(results: Results, outcome: Outcome) -> Results:
    """The results with what the budget counts in the place of GMACs, as fractions of uniform's."""
    return replace(results, gmacs=outcome.cost, gmacs_uniform=1.0)


def counted_sentence(metadata: Metadata, outcome: Outcome) -> str:
    """What the budget counts and how much of that an outcome takes; nothing where it counts MACs."""
    if metadata.prices is None:
        return ""
    unit, by = metadata.prices.unit, metadata.prices.by
    return f" The budget counts {unit} (by {by}): it takes **{outcome.cost.mean():.3f}** of uniform's."


def _epochs(run: Run, metadata: Metadata) -> str:
    from adaframe.evaluation.report.epochs import epochs_figure

    with (run.out / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    adaptive = metadata.plan == "adaptive"
    looks = sorted(metadata.model.looks, key=lambda look: -look.pixels)
    epochs_figure(
        rows,
        run.out / "figures" / "epochs.png",
        budget=run.config.budget if adaptive else None,
        counted=metadata.counted.unit,
        looks=[look.name for look in looks],
    )
    what = f"{metadata.judged_by} and loss" + (", cost and actions" if adaptive else "")
    how = "In warm-up, held-out clips are looked at uniformly, later as the policy decides. " if adaptive else ""
    how += "The loss of training clips has penalties in it, that of held-out clips has not. "
    return f"![{what} over {len(rows)} epochs](figures/epochs.png)\n\n{how}The numbers are in `metrics.csv`."


def groups_of(run: Run, outcome: Outcome) -> list[str]:
    """Cluster of each clip: its group, or its own path."""
    clips = [run.material.data_set.clips[int(n)] for n in outcome.clips]
    return [clip.group or clip.path for clip in clips]


def calibration_table(metadata: Metadata) -> str:
    """Markdown: bias, cost on files and on a stream, accuracy."""
    if not metadata.calibration:
        return "none: the plan is fixed.\n"
    rows = [f"| {p.beta:g} | {p.cost:.3f} | {p.cost_stream:.3f} | {p.accuracy:.1%} |" for p in metadata.calibration]
    head = [
        f"| beta | cost (of {metadata.counted.of_uniform}) | cost on a stream | {metadata.judged_by} |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"
