"""How right and how costly a method is on a set of videos, and whether adaptivity pays there. N videos, K classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from adaframe.energy.result import Energy
from adaframe.evaluation.bootstrap import DRAWS, LEVEL, SEED, Floats, Interval, statistics, summary

Metric = Literal["accuracy", "map", "cost"]


@dataclass(frozen=True, eq=False)
class Results:
    """What one method answered on N videos, and what it computed for that.

    Args:
        name: of the method: adaptive..., uniform, static:LOOK/K, glance, random..., change....
        scores: class scores (softmax or sigmoid probabilities), float, (N, K).
        targets: the labels, bool, (N, K); several per video are allowed.
        gmacs: executed for each video, in 1e9 multiply-adds, float, (N,).
        gmacs_uniform: what uniform executes for one video.
        model_ms: median milliseconds that the model takes per video; None where it was not measured.
        groups: of each video, N strings; its own path where no group is known.
        actions: share of the frames that each action took, 0..1.
        note: anything that a reader of the report should know about this method.
        multi_label: whether the model gives every class a yes or no of its own.
        model: which model it is, where several are compared; empty: the one that the comparison is about.
        energy: of the model on one video, on each hardware that was asked for.
        views: of a video that scores are the averages of (windows in time, crops in space), on average; gmacs and
            model_ms count all of them.

    Raises:
        ValueError: the shapes do not fit each other, or a number is not finite.
    """

    name: str
    scores: Floats
    targets: NDArray[np.bool_]
    gmacs: Floats
    gmacs_uniform: float
    model_ms: float | None
    groups: tuple[str, ...]
    actions: dict[str, float]
    note: str = ""
    multi_label: bool = False
    model: str = ""
    energy: tuple[Energy, ...] = ()
    views: float = 1.0

    def __post_init__(self) -> None:
        if self.scores.ndim != 2 or 0 in self.scores.shape:
            raise ValueError(f"{self.name}: scores must be (N, K), of at least one video; got {self.scores.shape}")
        n, k = self.scores.shape
        shapes = (self.targets.shape, self.gmacs.shape, len(self.groups))
        if shapes != ((n, k), (n,), n):
            raise ValueError(f"{self.name}: targets {(n, k)}, gmacs {(n,)} and {n} groups expected; got {shapes}")
        if self.targets.dtype != np.bool_:
            raise ValueError(f"{self.name}: targets must be bool, got {self.targets.dtype}")
        if not (np.isfinite(self.scores).all() and np.isfinite(self.gmacs).all()):
            raise ValueError(f"{self.name}: scores and gmacs must be finite")
        if not (math.isfinite(self.gmacs_uniform) and self.gmacs_uniform > 0):
            raise ValueError(f"{self.name}: gmacs_uniform must be above 0, got {self.gmacs_uniform}")


def correct(results: Results) -> NDArray[np.bool_]:
    """Whether the class with the highest score is a label of the video, bool, (N,)."""
    best = results.scores.argmax(axis=1)
    right: NDArray[np.bool_] = results.targets[np.arange(len(best)), best]
    return right


def accuracy(results: Results) -> float:
    """Share of the videos whose best class is right, 0..1."""
    return float(correct(results).mean())


def mean_average_precision(scores: Floats, targets: NDArray[np.bool_]) -> float:
    """Average precision, averaged over the classes that have a positive video; NaN where none has.

    Videos of equal score enter the precision-recall curve together; there is no interpolation.

    Args:
        scores: class scores, float, (N, K); only their order within a class matters.
        targets: bool, (N, K).
    """
    return float(_weighted_map(scores, targets, np.ones((1, len(scores))))[0])


def average_precisions(scores: Floats, targets: NDArray[np.bool_]) -> Floats:
    """Average precision of each class, (K,); NaN for a class without a positive video. Arguments as above."""
    columns = [mean_average_precision(scores[:, [k]], targets[:, [k]]) for k in range(scores.shape[1])]
    return np.array(columns)


def headline(results: Results) -> Metric:
    """The metric to judge by: mAP of a multi-label model, and where some video has several labels or none; else accuracy."""
    return "map" if results.multi_label or (results.targets.sum(axis=1) != 1).any() else "accuracy"


def interval(
    results: Results, *, metric: Metric = "accuracy", draws: int = DRAWS, seed: int = SEED, level: float = LEVEL
) -> Interval:
    """The metric of one method, with its interval.

    Args:
        metric: accuracy and map are in 0..1; cost is the mean executed cost as a fraction of uniform's.
        draws: resamples.
        seed: of the resampling.
        level: share of the resamples inside the interval.
    """
    return summary(_statistics(results, metric, draws, seed), results.groups, level=level)


def cost_fraction(results: Results, *, draws: int = DRAWS, seed: int = SEED, level: float = LEVEL) -> Interval:
    """Mean executed cost as a fraction of uniform's, with its interval."""
    return interval(results, metric="cost", draws=draws, seed=seed, level=level)


def paired_difference(
    a: Results, b: Results, *, metric: Metric, draws: int = DRAWS, seed: int = SEED, level: float = LEVEL
) -> Interval:
    """Metric of `a` minus metric of `b` on the same videos, with its interval.

    Both are resampled together, so that what makes a video hard for both does not widen the interval.

    Raises:
        ValueError: `a` and `b` are not about the same videos in the same order.
    """
    _check_paired(a, b)
    difference = _statistics(a, metric, draws, seed) - _statistics(b, metric, draws, seed)
    return summary(difference, a.groups, level=level)


def unsure_threshold(confidence: Floats, right: NDArray[np.bool_], at_most: float = 0.10) -> float:
    """The largest threshold that leaves at most that share of the rightly answered videos unsure.

    A video is unsure where its confidence is below the threshold.

    Args:
        confidence: of each answer, 0..1, float, (N,).
        right: whether the answer was right, bool, (N,). Where none was, everything is unsure (1.0).
        at_most: share of the right answers, from 0 to below 1.
    """
    if not 0 <= at_most < 1:
        raise ValueError(f"at_most must be at least 0 and below 1, got {at_most}")
    ranked = np.sort(confidence[right])
    if not len(ranked):
        return 1.0
    return float(ranked[math.floor(at_most * len(ranked) + 1e-9)])  # 1e-9: 0.29 * 100 is 28.999999999999996


def sentence(results: Sequence[Results], *, draws: int = DRAWS, seed: int = SEED, level: float = LEVEL) -> str:
    """Whether adaptivity pays on these videos, in plain English.

    Every adaptive operating point (of several models: of the first) is compared with the best static plan of equal cost,
    and the verdict is the paired interval of the mean difference. A plan between two measured ones is their mixture, so
    many videos by the one and the rest by the other, which lies on the straight line between them in accuracy and cost. It
    is chosen on the same videos, which favours the static plans.

    Where they are among the results, random frames and the change rule of equal cost say what kind of video it is: whether it
    matters which frames are looked at, and whether changed pixels tell which.

    Args:
        results: adaptive points are those whose name starts with adaptive; plans are static..., uniform and glance; "random X"
            and "change rule X" belong to "adaptive X".
    """
    found = _against_plans(results, draws, seed, level)
    if found is None:
        return "Whether adaptivity pays cannot be said: an adaptive method and a static plan are needed for that."
    gain, parts = found
    first = next(r for r in results if r.name.startswith("adaptive"))
    what = "mAP" if headline(first) == "map" else "accuracy"
    over = "" if len(parts) == 1 else f", as the mean of {len(parts)} operating points"
    bounds = f"{100 * level:g} % interval {100 * gain.low:+.1f} to {100 * gain.high:+.1f}"
    if math.isnan(gain.low):
        bounds = "no interval, as all videos are of one group"
    return (
        f"{_verdict(gain)}: adaptive {what} minus that of the best static plan of equal cost is "
        f"{100 * gain.value:+.1f} points{over} ({bounds}; {len(first.scores)} videos in "
        f"{len(set(first.groups))} groups): {'; '.join(parts)}. Between two measured plans, a mixture of both "
        "counts as a plan: the straight line between them." + _kind(results, draws, seed, level)
    )


_KINDS = {  # the policy is better than the rule, ties with it, is worse
    "random": (
        "Which frames are looked at matters: random ones of equal cost lose {lost} points{bounds}.",
        "Random frames of equal cost tie with the policy's ({gain} points{bounds}): either all of a video is content, or "
        "the policy has not learnt where to look.",
        "Random frames of equal cost do better than the policy's ({gain} points{bounds}): it has not learnt where to look.",
    ),
    "change rule": (
        "Pixels that change do not tell which: a rule on them loses {lost} points{bounds}.",
        "Looking where most pixels change ties with the policy ({gain} points{bounds}).",
        "Looking where most pixels change does better than the policy ({gain} points{bounds}): something happens now and then, "
        "and change shows it.",
    ),
}


def _kind(results: Sequence[Results], draws: int, seed: int, level: float) -> str:
    """What rules that spend the policy's looks elsewhere say about the videos, in sentences; empty where none was tried."""
    points = [r for r in results if r.name.startswith("adaptive")]
    named = {r.name: r for r in results}
    said = ""
    for rule, sentences in _KINDS.items():
        pairs = [(p, named.get(p.name.replace("adaptive", rule, 1))) for p in points if p.model == points[0].model]
        gains = []
        for point, other in pairs:
            if other is not None:
                _check_paired(point, other)
                metric = headline(point)
                gains.append(_statistics(point, metric, draws, seed) - _statistics(other, metric, draws, seed))
        gain = summary(np.mean(gains, axis=0), points[0].groups, level=level) if gains else None
        if gain is None or math.isnan(gain.low):
            continue
        template = sentences[0 if gain.low > 0 else 2 if gain.high < 0 else 1]
        bounds = f", {100 * gain.low:+.1f} to {100 * gain.high:+.1f}"
        said += " " + template.format(gain=f"{100 * gain.value:+.1f}", lost=f"{100 * gain.value:.1f}", bounds=bounds)
    return said


def gain_over_plans(results: Sequence[Results]) -> Interval | None:
    """What `sentence` judges by: adaptive minus the best static plan of equal cost; None where one of them is missing."""
    found = _against_plans(results, DRAWS, SEED, LEVEL)
    return found and found[0]


def _against_plans(
    results: Sequence[Results], draws: int, seed: int, level: float
) -> tuple[Interval, list[str]] | None:
    """The mean gain, and each operating point beside its plan in words."""
    points = [r for r in results if r.name.startswith("adaptive")]
    points = [r for r in points if r.model == points[0].model]
    plans = [r for r in results if r.name.startswith(("static", "uniform", "glance"))]
    if not points or not plans:
        return None
    metric = headline(points[0])
    values = {id(r): _statistics(r, metric, draws, seed) for r in (*points, *plans)}
    differences, parts = [], []
    for point in points:
        _check_paired(point, plans[0])
        mixture = _best_plan(point, plans, metric)
        reached = values[id(point)]
        at_plan = sum((weight * values[id(plan)] for plan, weight in mixture), np.zeros(1))
        differences.append(reached - at_plan)
        names = " and ".join(
            plan.name if weight == 1 else f"{100 * weight:.0f} % {plan.name}" for plan, weight in mixture
        )
        cost = sum(weight * _cost(plan) for plan, weight in mixture)
        parts.append(
            f"{point.name} {100 * reached[0]:.1f} % at {100 * _cost(point):.1f} % of uniform's compute, "
            f"{names} {100 * at_plan[0]:.1f} % at {100 * cost:.1f} %"
        )
    return summary(np.mean(differences, axis=0), points[0].groups, level=level), parts


def _verdict(gain: Interval) -> str:
    if math.isnan(gain.low):
        return "Whether adaptivity pays cannot be said from these data"
    if gain.low > 0:
        return "Adaptivity pays on these data"
    if gain.high < 0:
        return "Adaptivity does not pay on these data"
    return "A static plan ties with adaptivity on these data"


def _best_plan(point: Results, plans: Sequence[Results], metric: Metric) -> list[tuple[Results, float]]:
    """The most accurate mixture of at most two plans that costs no more than `point`; else the cheapest plan."""
    budget = _cost(point) + 1e-9
    value = {id(p): mean_average_precision(p.scores, p.targets) if metric == "map" else accuracy(p) for p in plans}
    below = [p for p in plans if _cost(p) <= budget]
    above = [p for p in plans if _cost(p) > budget]
    if not below:
        return [(min(plans, key=_cost), 1.0)]
    mixtures = [[(p, 1.0)] for p in below]
    for p in below:
        for q in above:
            share = (_cost(point) - _cost(p)) / (_cost(q) - _cost(p))
            mixtures.append([(p, 1 - share), (q, share)])
    return max(mixtures, key=lambda mixture: sum(weight * value[id(p)] for p, weight in mixture))


def _cost(results: Results) -> float:
    return float(results.gmacs.mean()) / results.gmacs_uniform


def _check_paired(a: Results, b: Results) -> None:
    if a.groups != b.groups or not np.array_equal(a.targets, b.targets):
        raise ValueError(f"{a.name} and {b.name} cannot be paired: they are not about the same videos in one order")


def _statistics(results: Results, metric: Metric, draws: int, seed: int) -> Floats:
    """The metric on the data and on each resample, (1 + draws,)."""
    if metric == "map":
        return _map_statistics(results, draws, seed)
    values = correct(results).astype(np.float64) if metric == "accuracy" else results.gmacs / results.gmacs_uniform
    return statistics(results.groups, lambda w: (w @ values) / w.sum(axis=1), draws=draws, seed=seed)


@lru_cache(maxsize=16)  # seconds on large data, and a report needs a method's values for itself and for differences
def _map_statistics(results: Results, draws: int, seed: int) -> Floats:
    scores, targets = results.scores, results.targets
    return statistics(results.groups, lambda w: _weighted_map(scores, targets, w), draws=draws, seed=seed)


def _weighted_map(scores: Floats, targets: NDArray[np.bool_], weights: Floats) -> Floats:
    """Mean average precision under each row of whole-number weights, (R, N) -> (R,)."""
    columns = np.ascontiguousarray(weights.T, dtype=np.float32)  # (N, R); sums of counts are exact below 2 ** 24
    total, classes = np.zeros(len(weights)), np.zeros(len(weights))
    for score, target in zip(scores.T, targets.T, strict=True):
        if not target.any():
            continue
        order = np.argsort(-score, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)  # last of each run of equal scores
        positives = np.flatnonzero(target[order])
        cuts = np.unique(ends[np.searchsorted(ends, positives)])  # the runs that hold a positive, (U,)
        starts = np.append(0, cuts[:-1] + 1)
        seen = np.add.reduceat(columns[order[: cuts[-1] + 1]], starts, axis=0)
        gained = np.add.reduceat(columns[order[positives]], np.searchsorted(positives, starts), axis=0)
        right, all_of = (np.cumsum(part, axis=0, dtype=np.float64) for part in (gained, seen))  # (U, R)
        precision = np.divide(right, all_of, out=np.zeros(right.shape), where=all_of > 0)
        present = right[-1] > 0  # a resample without positives says nothing about this class
        total += np.divide((gained * precision).sum(axis=0), right[-1], out=np.zeros_like(total), where=present)
        classes += present
    return np.divide(total, classes, out=np.full_like(total, np.nan), where=classes > 0)
