"""report.md of a training: what the clips that it did not learn from say, and how it got there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report import write_report
from adaframe.model.metadata import Metadata
from adaframe.training.calibration import Outcome

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
    run: Run, outcomes: Sequence[tuple[float, Outcome]], metadata: Metadata, held_out: Sequence[int], clips: str
) -> None:
    """Write report.md, report.json and the figure of a run."""
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
    warning = "" if held_out else "**These are the clips it learnt from**: the figures say nothing about new ones.\n\n"
    write_report(
        run.out,
        results,
        title=f"Training: {metadata.plan}",
        command=f"adaframe train --config {run.out / 'config.yaml'} --out {run.out}",
        reference=results[0].name,
        extra=f"{warning}Measured on {len(outcomes[0][1].clips)} {clips}. Calibration:\n\n{calibration_table(metadata)}",
    )


def groups_of(run: Run, outcome: Outcome) -> list[str]:
    """Cluster of each clip: its group, or its own path."""
    clips = [run.material.data_set.clips[int(n)] for n in outcome.clips]
    return [clip.group or clip.path for clip in clips]


def calibration_table(metadata: Metadata) -> str:
    """Markdown: bias, cost on files and on a stream, accuracy."""
    if not metadata.calibration:
        return "none: the plan is fixed.\n"
    rows = [f"| {p.beta:g} | {p.cost:.3f} | {p.cost_stream:.3f} | {p.accuracy:.1%} |" for p in metadata.calibration]
    head = [f"| beta | cost (of uniform) | cost on a stream | {metadata.judged_by} |", "|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"
