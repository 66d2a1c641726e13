"""Settings of an early exit and of what it is compared with: chosen on some clips, reported on others, put into words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from adaframe.evaluation.bootstrap import Interval
from adaframe.evaluation.metrics import (
    Results,
    accuracy,
    cost_fraction,
    headline,
    interval,
    mean_average_precision,
    paired_difference,
)
from adaframe.evaluation.nested import pooled

CAPS = (1.0, 0.85, 0.7, 0.55, 0.4)  # of what the model costs without an exit
WITHOUT = "no exit"
FAMILIES = BIAS, FEWER_FRAMES, EXIT = "bias", "bias or fewer frames", "early exit"


@dataclass(frozen=True)
class Setting:
    """How a model answers.

    Args:
        beta: bias of the action logits against cost; None for the one that the model's budget asks for.
        every: only every so many frames are sampled.
        rule: of `RULES`; "" never ends early.
        threshold: that the rule must reach, 0..1.
    """

    beta: float | None = None
    every: int = 1
    rule: str = ""
    threshold: float = 0.0

    def __str__(self) -> str:
        parts = ["the budget's bias" if self.beta is None else f"bias {self.beta:g}"]
        parts += [f"every {self.every}"] if self.every > 1 else []
        parts += [f"{self.rule} {self.threshold:.4g}"] if self.rule else []
        return ", ".join(parts)


AS_IT_IS = Setting()
Tried = dict[Setting, Results]


def families(settings: Sequence[Setting]) -> dict[str, list[Setting]]:
    """What is compared: each has its setting chosen among these."""
    return {
        BIAS: [s for s in settings if not s.rule and s.every == 1],
        FEWER_FRAMES: [s for s in settings if not s.rule],
        EXIT: [s for s in settings if s.rule],
    }


def as_right(among: Sequence[Setting], tried: Tried) -> Setting | None:
    """The cheapest setting that is no less right than the model as it is."""
    enough = [s for s in among if _right(tried[s]) >= _right(tried[AS_IT_IS])]
    return min(enough, key=lambda s: (_cost(tried[s]), -_right(tried[s])), default=None)


def within(among: Sequence[Setting], cap: float, tried: Tried) -> Setting | None:
    """The most right setting that costs no more than that share of what the model as it is costs."""
    allowed = [s for s in among if _cost(tried[s]) <= cap * _cost(tried[AS_IT_IS]) + 1e-9]
    return max(allowed, key=lambda s: (_right(tried[s]), -_cost(tried[s])), default=None)


@dataclass(frozen=True, eq=False)
class Study:
    """The methods, reported on clips that did not choose their settings. A method that cannot be had is left out.

    Args:
        plain: the model as it is, at the budget that it was trained for.
        equal: the cheapest of each family that is as right as that, by family.
        capped: the most right of each family, by the share of the plain model's cost that it may take, and by family.
        settings: that were chosen, one for each part of the clips; by family, for `equal`.
    """

    plain: Results
    equal: dict[str, Results]
    capped: dict[float, dict[str, Results]]
    settings: dict[str, list[Setting]]


def study(parts: Sequence[Tried]) -> Study:
    """Choose for each part on the others, and put together what that gives."""
    others = [{setting: _joined([p[setting] for p in parts if p is not own]) for setting in own} for own in parts]
    plain = replace(_joined([own[AS_IT_IS] for own in parts]), name=WITHOUT)
    study = Study(plain, {}, {cap: {} for cap in CAPS}, {})

    def chosen(name: str, choose: Callable[[Tried], Setting | None]) -> tuple[Results, list[Setting]] | None:
        settings = [s for s in map(choose, others) if s is not None]
        if len(settings) < len(parts):
            return None
        return replace(_joined([own[s] for own, s in zip(parts, settings, strict=True)]), name=name), settings

    for name, among in families(list(parts[0])).items():
        found = chosen(name, partial(as_right, among))
        if found is not None:
            study.equal[name], study.settings[name] = found
        for cap in CAPS:
            found = chosen(name, partial(within, among, cap))
            if found is not None:
                study.capped[cap][name] = found[0]
    return study


def _joined(parts: Sequence[Results]) -> Results:
    """As `pooled`, where uniform costs more in one part than in another, as some clips have more windows."""
    uniform = np.average([p.gmacs_uniform for p in parts], weights=[len(p.scores) for p in parts])
    return replace(pooled(parts), gmacs_uniform=float(uniform))


def _right(results: Results) -> float:
    return mean_average_precision(results.scores, results.targets) if headline(results) == "map" else accuracy(results)


def _cost(results: Results) -> float:
    return results.of_uniform


def as_text(study: Study) -> str:
    """Markdown: both tables, the verdict, and what was chosen."""
    exit_ = study.equal.get(EXIT)
    metric = headline(study.plain)
    what = "mAP" if metric == "map" else "accuracy"
    lines = [
        f"Settings that are as right as {WITHOUT} on the clips that choose, at the least cost:",
        "",
        f"| method | {what} | of uniform's GMACs | {what} of {EXIT} minus it | cost of {EXIT} minus it |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in (study.plain, *study.equal.values()):
        cells = [row.name, _share(interval(row, metric=metric)), _fraction(cost_fraction(row))]
        if exit_ is None or row is exit_:
            cells += ["–", "–"]
        else:
            cells += [
                _share(paired_difference(exit_, row, metric=metric), "+"),
                _fraction(paired_difference(exit_, row, metric="cost"), "+"),
            ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        f"The most right settings at up to so much of what {WITHOUT} costs ({what} at a fraction of uniform's GMACs):",
        "",
        f"| at most | {' | '.join(FAMILIES)} | {EXIT} minus {FEWER_FRAMES} |",
        "|---|" + "---:|" * (len(FAMILIES) + 1),
    ]
    for cap, found in study.capped.items():
        cells = [f"{100 * _right(found[n]):.1f} % at {_cost(found[n]):.3f}" if n in found else "–" for n in FAMILIES]
        both = EXIT in found and FEWER_FRAMES in found
        cells.append(_share(paired_difference(found[EXIT], found[FEWER_FRAMES], metric=metric), "+") if both else "–")
        lines.append(f"| {cap:g} | {' | '.join(cells)} |")
    videos, groups = len(study.plain.scores), len(set(study.plain.groups))
    lines += ["", f"{videos} clips in {groups} groups; 95 % intervals by group, paired. {verdict(study)}"]
    for name, settings in study.settings.items():
        lines.append(f"- {name}: {'; '.join(str(s) for s in settings)}")
    if exit_ is not None:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in exit_.actions.items())
        lines.append(f"- windows that end after each stage: {shares}")
    return "\n".join(lines)


def verdict(study: Study) -> str:
    """Whether less is computed for as much accuracy than by all of the others, in a sentence."""
    exit_ = study.equal.get(EXIT)
    if exit_ is None:
        return "Early exit never is as right as the model without it."
    rivals = [study.plain, *(r for name, r in study.equal.items() if name != EXIT)]
    metric = headline(exit_)
    cheaper = all(paired_difference(exit_, r, metric="cost").high < 0 for r in rivals)
    worse = any(paired_difference(exit_, r, metric=metric).high < 0 for r in rivals)
    if cheaper and not worse:
        return "Early exit computes less than all of the others, and is not less right beyond the noise."
    return "Early exit does not pay: " + ("it is less right." if cheaper else "something simpler costs no more.")


def _share(part: Interval, sign: str = "") -> str:
    return f"{100 * part.value:{sign}.1f} [{100 * part.low:{sign}.1f}, {100 * part.high:{sign}.1f}]"


def _fraction(part: Interval, sign: str = "") -> str:
    return f"{part.value:{sign}.3f} [{part.low:{sign}.3f}, {part.high:{sign}.3f}]"
