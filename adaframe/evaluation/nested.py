"""Choosing among recipes inside the training folds, so that the folds that are reported choose nothing (nested selection).

Letters: N videos, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adaframe.errors import UsageError
from adaframe.evaluation.bootstrap import Interval
from adaframe.evaluation.metrics import Results, headline, interval, paired_difference

ONE_ERROR = 0.6827  # of a normal distribution's mass lies within one standard error


@dataclass(frozen=True)
class Standing:
    """How good a recipe is on the videos that choose.

    Args:
        name: of the recipe.
        value: of the metric, 0..1.
        cost: mean, as a fraction of uniform's.
        behind: how much worse it is than the best one, with an interval of one standard error, by group.
    """

    name: str
    value: float
    cost: float
    behind: Interval


def choose(candidates: Sequence[Results], budget: float) -> tuple[str, list[Standing]]:
    """The first recipe that is no more than a standard error behind the best one (Breiman's rule), and how all stand.

    Simpler recipes come first, so that noise does not choose a complicated one.

    Args:
        candidates: of all recipes, on the same videos.
        budget: on mean cost, as a fraction of uniform's; recipes that spend more are not chosen.

    Returns:
        The name of the chosen one, and the standings of all.

    Raises:
        UsageError: every recipe spends more than the budget.
    """
    metric = headline(candidates[0])
    values = {r.name: interval(r, metric=metric).value for r in candidates}
    costs = {r.name: r.of_uniform for r in candidates}
    allowed = [r for r in candidates if costs[r.name] <= budget]
    if not allowed:
        raise UsageError(f"every variant costs more than the budget {budget:g}; try: cheaper looks, or a larger budget")
    best = max(allowed, key=lambda r: values[r.name])  # the first of equal ones
    behind = {r.name: paired_difference(best, r, metric=metric, level=ONE_ERROR) for r in candidates}
    first = next(r.name for r in allowed if r is best or behind[r.name].low <= 0)
    return first, [Standing(name, value, costs[name], behind[name]) for name, value in values.items()]


def part(results: Results, which: NDArray[np.bool_]) -> Results:
    """The same for some of the videos: bool, (N,)."""
    groups = tuple(np.array(results.groups, dtype=object)[which])
    scores, targets, gmacs = results.scores[which], results.targets[which], results.gmacs[which]
    return replace(results, scores=scores, targets=targets, gmacs=gmacs, groups=groups)


def pooled(parts: Sequence[Results]) -> Results:
    """Answers about several folds as one, under the first one's name."""
    weights = [len(p.scores) for p in parts]
    names = dict.fromkeys(name for p in parts for name in p.actions)
    return replace(
        parts[0],
        scores=np.concatenate([p.scores for p in parts]),
        targets=np.concatenate([p.targets for p in parts]),
        gmacs=np.concatenate([p.gmacs for p in parts]),
        groups=tuple(group for p in parts for group in p.groups),
        actions={name: float(np.average([p.actions.get(name, 0.0) for p in parts], weights=weights)) for name in names},
    )


def standings_table(chosen: Mapping[str, str], standings: Mapping[str, Sequence[Standing]]) -> str:
    """Markdown: a line per recipe, a column per fold that is left aside; what is chosen for it stands in bold.

    Args:
        chosen: name of the recipe, by fold.
        standings: of all recipes, by fold.
    """
    lines = [["variant", *(f"without fold {fold}" for fold in standings), "mean", "of uniform's GMACs"]]
    lines.append(["---"] + ["---:"] * (len(standings) + 2))
    for stands in zip(*standings.values(), strict=True):
        name, values = stands[0].name, [stand.value for stand in stands]
        cells = [
            f"**{100 * stand.value:.1f} %**" if chosen[fold] == name else f"{100 * stand.value:.1f} %"
            for fold, stand in zip(standings, stands, strict=True)
        ]
        cost = np.mean([stand.cost for stand in stands])
        lines.append([name, *cells, f"{100 * np.mean(values):.1f} %", f"{cost:.3f}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
