"""Whether adaptivity pays on a set of videos, in words: against static plans, and against rules that choose frames blindly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adaframe.evaluation.bootstrap import DRAWS, LEVEL, SEED, Floats, Interval, summary
from adaframe.evaluation.metrics import Metric, Results, check_paired, headline, judged, resampled

ENOUGH_GROUPS = 6  # five that all lean one way are no rarity: 2 · 0.5⁵ is more than one time in twenty
TIE = 0.05  # where no larger difference is in the interval, both are called equally good


@dataclass(frozen=True)
class _Comparison:
    """An adaptive operating point beside the best static plan that executes no more; else beside the cheapest plan.

    Args:
        point: one of those that give the same answers at the same cost.
        names: of all of them, in words.
        plan: measured plans, and the share of the videos that each one takes.
    """

    point: Results
    names: str
    plan: tuple[tuple[Results, float], ...]

    @property
    def plan_cost(self) -> float:
        return sum(share * plan.of_uniform for plan, share in self.plan)

    @property
    def is_dearer(self) -> bool:
        """Whether there is no plan as cheap as the point."""
        return self.plan_cost > self.point.of_uniform + 1e-9

    @property
    def milliseconds(self) -> tuple[float, float] | None:
        """Of the point and of the plan; None where one was not measured."""
        taken = [plan.model_ms for plan, _ in self.plan]
        if self.point.model_ms is None or None in taken:
            return None
        return self.point.model_ms, sum(share * (plan.model_ms or 0.0) for plan, share in self.plan)

    def gained(self, metric: Metric, draws: int, seed: int) -> Floats:
        """The point's metric minus the plan's, on the data and on each resample, (1 + draws,)."""
        at_plan = sum((share * resampled(plan, metric, draws, seed) for plan, share in self.plan), np.zeros(1))
        gained: Floats = resampled(self.point, metric, draws, seed) - at_plan
        return gained

    def words(self) -> str:
        """Both, with what they reach and cost."""
        first, *more = self.plan
        plan = first[0].name
        if more:
            plan = f"{plan} for {100 * first[1]:.0f} % of the videos and {more[0][0].name} for the others"
        reached = sum(share * judged(one) for one, share in self.plan)
        return (
            f"{self.names}: {100 * judged(self.point):.1f} % at {100 * self.point.of_uniform:.1f} % of uniform's "
            f"compute; {plan}: {100 * reached:.1f} % at {100 * self.plan_cost:.1f} %."
        )


def sentence(results: Sequence[Results], *, draws: int = DRAWS, seed: int = SEED, level: float = LEVEL) -> str:
    """`verdict` in one line, without measured times: the same for the same answers."""
    return " ".join(verdict(results, draws=draws, seed=seed, level=level, timed=False))


def verdict(
    results: Sequence[Results], *, draws: int = DRAWS, seed: int = SEED, level: float = LEVEL, timed: bool = True
) -> list[str]:
    """Whether adaptivity pays on these videos, in plain English: the verdict itself, then what it rests on.

    Every adaptive operating point (of several models: of the first) is compared with the best static plan that executes no
    more, and the verdict is the paired interval of the mean difference. A plan between two measured ones is their mixture, so
    many videos by the one and the rest by the other, which lies on the straight line between them in accuracy and cost. It
    is chosen on the same videos, which favours the static plans. Where no plan is as cheap, a loss says nothing; of fewer
    than six groups of videos nothing is said at all.

    Where they are among the results, random frames and the change rule of equal cost say what kind of video it is: whether it
    matters which frames are looked at, and whether changed pixels tell which.

    Args:
        results: adaptive points are those whose name starts with adaptive; plans are static..., uniform and glance; "random X"
            and "change rule X" belong to "adaptive X".
        draws: resamples.
        seed: of the resampling.
        level: share of the resamples inside an interval.
        timed: tell measured times, too.
    """
    found = _comparisons(results)
    if not found:
        return ["Whether adaptivity pays cannot be said: an adaptive method and a static plan are needed for that."]
    first = found[0].point
    groups = len(set(first.groups))
    gain = _gain(found, draws, seed, level)
    dearer = any(one.is_dearer for one in found)
    rival = "the best static plan of no more compute"
    if dearer:  # of one of several points, maybe
        rival = "the cheapest static plan" if len(found) == 1 else f"{rival}, or else the cheapest one,"
    over = "" if len(found) == 1 else f", as the mean of {len(found)} operating points"
    bounds = f"{100 * level:g} % interval {_points(gain.low)} to {_points(gain.high)}"
    if math.isnan(gain.low):
        bounds = "no interval, as all videos are of one group"
    lines = [
        f"{_judgement(gain, groups, dearer=dearer)}: adaptive {'mAP' if headline(first) == 'map' else 'accuracy'} minus "
        f"that of {rival} is {_points(gain.value)} points{over} ({bounds}; {len(first.scores)} videos in {groups} groups)."
    ]
    lines += [one.words() for one in found]
    if any(len(one.plan) > 1 for one in found):
        lines.append("Between two measured plans, a mixture of both counts as a plan: the straight line between them.")
    times = [(one.names, *ms) for one in found if (ms := one.milliseconds)]
    if timed and times:
        said = "; ".join(f"{names}: {own:.1f} ms, its plan {plan:.1f} ms" for names, own, plan in times)
        lines.append(f"Compute is multiply-adds. In measured time of the model, {said}.")
    return lines + (_kinds(results, draws, seed, level) if groups >= ENOUGH_GROUPS else [])


def gain_over_plans(results: Sequence[Results]) -> Interval | None:
    """What the verdict rests on: adaptive minus the best static plan of no more compute; None where one of them is missing."""
    found = _comparisons(results)
    return _gain(found, DRAWS, SEED, LEVEL) if found else None


def _gain(found: Sequence[_Comparison], draws: int, seed: int, level: float) -> Interval:
    point = found[0].point
    differences = [one.gained(headline(point), draws, seed) for one in found]
    return summary(np.mean(differences, axis=0), point.groups, level=level)


def _judgement(gain: Interval, groups: int, *, dearer: bool) -> str:
    if groups < ENOUGH_GROUPS:
        return f"Whether adaptivity pays cannot be said from fewer than {ENOUGH_GROUPS} groups of videos"
    if math.isnan(gain.low):
        return "Whether adaptivity pays cannot be said from these data"
    if gain.low > 0:
        return "Adaptivity pays on these data"
    if dearer:
        return "Whether adaptivity pays cannot be said, as no static plan as cheap was tried"
    if gain.high < 0:
        return "Adaptivity does not pay on these data"
    if gain.low >= -TIE and gain.high <= TIE:
        return "A static plan ties with adaptivity on these data"
    return "Adaptivity and a static plan cannot be told apart on these data"


def _comparisons(results: Sequence[Results]) -> list[_Comparison]:
    """Each operating point of the first adaptive model, beside its plan; none where there is no point or no plan."""
    points = [r for r in results if r.name.startswith("adaptive")]
    plans = [r for r in results if r.name.startswith(("static", "uniform", "glance"))]
    if not points or not plans:
        return []
    same: list[list[Results]] = []
    for point in points:
        if point.model != points[0].model:
            continue
        check_paired(point, plans[0])
        alike = next((those for those in same if _equal(those[0], point)), None)
        if alike is None:
            same.append([point])
        else:
            alike.append(point)
    found = []
    for first, *others in same:
        names = ", ".join([first.name, *(other.name.removeprefix("adaptive ") for other in others)])
        found.append(_Comparison(first, names, _best_plan(first, plans)))
    return found


def _equal(a: Results, b: Results) -> bool:
    return np.array_equal(a.scores, b.scores) and np.array_equal(a.gmacs, b.gmacs)


def _best_plan(point: Results, plans: Sequence[Results]) -> tuple[tuple[Results, float], ...]:
    """The most accurate mixture of at most two plans that costs no more than `point`; else the cheapest plan."""
    budget = point.of_uniform + 1e-9
    below = [p for p in plans if p.of_uniform <= budget]
    if not below:
        return ((min(plans, key=lambda p: p.of_uniform), 1.0),)
    value = {id(p): judged(p) for p in plans}
    mixtures: list[tuple[tuple[Results, float], ...]] = [((p, 1.0),) for p in below]
    for p in below:
        for q in plans:
            if q.of_uniform > budget:
                share = (point.of_uniform - p.of_uniform) / (q.of_uniform - p.of_uniform)
                mixtures.append(((p, 1 - share), (q, share)))
    return max(mixtures, key=lambda mixture: sum(share * value[id(p)] for p, share in mixture))


_KINDS = {  # the policy is better than the rule, cannot be told from it, is worse, does just the same
    "random": (
        "Which frames are looked at matters: random ones of equal cost lose {lost} points ({bounds}).",
        "Random frames of equal cost cannot be told from the policy's ({gain} points, {bounds}): either all of a video is "
        "content, or the policy has not learnt where to look.",
        "Random frames of equal cost do better than the policy's ({gain} points, {bounds}): it has not learnt where to look.",
        "Random frames of equal cost give the very same answers: the policy does the same everywhere.",
    ),
    "change rule": (
        "Pixels that change do not tell which: a rule on them loses {lost} points ({bounds}).",
        "Looking where most pixels change cannot be told from the policy ({gain} points, {bounds}).",
        "Looking where most pixels change does better than the policy ({gain} points, {bounds}): something happens now and "
        "then, and change shows it.",
        "Looking where most pixels change gives the very same answers.",
    ),
}


def _kinds(results: Sequence[Results], draws: int, seed: int, level: float) -> list[str]:
    """What rules that spend the policy's looks elsewhere say about the videos; nothing where none was tried."""
    points = [r for r in results if r.name.startswith("adaptive")]
    named = {r.name: r for r in results}
    metric, said = headline(points[0]), []
    for rule, sentences in _KINDS.items():
        own = [p for p in points if p.model == points[0].model]
        pairs = [(p, named[name]) for p in own if (name := p.name.replace("adaptive", rule, 1)) in named]
        if not pairs:
            continue
        if all(np.array_equal(point.scores, other.scores) for point, other in pairs):
            said.append(sentences[3])
            continue
        for point, other in pairs:
            check_paired(point, other)
        gains = [resampled(p, metric, draws, seed) - resampled(other, metric, draws, seed) for p, other in pairs]
        gain = summary(np.mean(gains, axis=0), points[0].groups, level=level)
        template = sentences[0 if gain.low > 0 else 2 if gain.high < 0 else 1]
        bounds = f"{_points(gain.low)} to {_points(gain.high)}"
        said.append(template.format(gain=_points(gain.value), lost=f"{100 * gain.value:.1f}", bounds=bounds))
    return said


def _points(share: float) -> str:
    """In points, with a sign; no minus before a nought."""
    return f"{round(100 * share, 1) + 0.0:+.1f}"
