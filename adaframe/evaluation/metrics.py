"""How right and how costly a method is on a set of videos. N videos, K classes."""

from __future__ import annotations

import math
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

    @property
    def of_uniform(self) -> float:
        """Mean executed cost as a fraction of uniform's."""
        return float(self.gmacs.mean()) / self.gmacs_uniform


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


def judged(results: Results) -> float:
    """The metric to judge by, 0..1."""
    if headline(results) == "map":
        return mean_average_precision(results.scores, results.targets)
    return accuracy(results)


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
    return summary(resampled(results, metric, draws, seed), results.groups, level=level)


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
    check_paired(a, b)
    difference = resampled(a, metric, draws, seed) - resampled(b, metric, draws, seed)
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


def check_paired(a: Results, b: Results) -> None:
    """Raise ValueError where two methods were not tried on the same videos in one order."""
    if a.groups != b.groups or not np.array_equal(a.targets, b.targets):
        raise ValueError(f"{a.name} and {b.name} cannot be paired: they are not about the same videos in one order")


def resampled(results: Results, metric: Metric, draws: int, seed: int) -> Floats:
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
