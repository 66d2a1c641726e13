"""How right and how costly a method is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from adaframe.evaluation.metrics import (
    Results,
    accuracy,
    correct,
    cost_fraction,
    headline,
    interval,
    mean_average_precision,
    paired_difference,
    unsure_threshold,
)


def results(
    right: Sequence[bool], *, name: str = "uniform", gmacs: float = 4.0, groups: Sequence[str] | None = None
) -> Results:
    """Two classes; the label is always the first. Uniform costs 4 GMACs a video."""
    hit = np.asarray(right, dtype=bool)
    n = len(hit)
    return Results(
        name=name,
        scores=np.where(hit[:, None], [0.9, 0.1], [0.2, 0.8]),
        targets=np.tile([True, False], (n, 1)),
        gmacs=np.full(n, gmacs),
        gmacs_uniform=4.0,
        model_ms=None,
        groups=tuple(groups or (f"{i}.mp4" for i in range(n))),
        actions={},
    )


def multi_label(scores: np.ndarray, targets: np.ndarray, name: str = "uniform") -> Results:
    n = len(scores)
    return Results(name, scores, targets, np.full(n, 4.0), 4.0, None, tuple(map(str, range(n))), {})


def test_accuracy_is_the_share_of_videos_whose_best_class_is_right() -> None:
    of = results([True, False, True, True])

    assert correct(of).tolist() == [True, False, True, True]
    assert accuracy(of) == 0.75


def test_any_of_several_labels_is_right() -> None:
    scores = np.array([[0.1, 0.7, 0.2], [0.1, 0.7, 0.2]])
    targets = np.array([[True, True, False], [True, False, True]])

    assert correct(multi_label(scores, targets)).tolist() == [True, False]


def test_average_precision_of_a_ranking_worked_out_by_hand() -> None:
    scores = np.array([[0.9], [0.8], [0.7], [0.6]])
    targets = np.array([[True], [False], [True], [False]])

    # Found at ranks 1 and 3, at precisions 1/1 and 2/3.
    assert mean_average_precision(scores, targets) == pytest.approx((1 + 2 / 3) / 2)


def test_equal_scores_enter_together() -> None:
    scores = np.array([[0.5], [0.5], [0.5], [0.5]])

    assert mean_average_precision(scores, np.array([[True], [False], [False], [False]])) == pytest.approx(0.25)


def test_classes_without_a_positive_are_left_out() -> None:
    scores = np.array([[0.9, 0.5], [0.1, 0.6]])
    targets = np.array([[True, False], [False, False]])

    assert mean_average_precision(scores, targets) == 1.0
    assert math.isnan(mean_average_precision(scores, np.zeros((2, 2), dtype=bool)))


@pytest.mark.parametrize("decimals", [1, 8])
def test_map_agrees_with_scikit_learn(decimals: int) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    targets = random.random((60, 5)) < 0.3
    scores = np.round(0.4 * targets + random.random((60, 5)), decimals)  # one decimal: many ties

    assert mean_average_precision(scores, targets) == pytest.approx(sklearn.average_precision_score(targets, scores))


def test_map_of_a_resample_counts_videos_as_often_as_they_were_drawn() -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    from adaframe.evaluation.metrics import _weighted_map

    random = np.random.default_rng(1)
    targets = random.random((30, 3)) < 0.4
    scores = np.round(random.random((30, 3)), 1)
    counts = random.integers(0, 4, size=(2, 30))

    got = _weighted_map(scores, targets, counts.astype(np.float64))

    drawn = [np.repeat(np.arange(30), row) for row in counts]
    assert got == pytest.approx([sklearn.average_precision_score(targets[rows], scores[rows]) for rows in drawn])


def test_an_interval_holds_its_value_and_repeats() -> None:
    of = results([True, False] * 30)

    first = interval(of)

    assert first.value == 0.5
    assert first.low < 0.5 < first.high
    # A proportion of one half over 60 videos has a standard error of 6.5 points.
    assert first.high - first.low == pytest.approx(2 * 1.96 * 0.0645, rel=0.15)
    assert interval(of) == first
    narrower = interval(of, level=0.5)
    assert first.low < narrower.low < narrower.high < first.high


def test_related_videos_widen_the_interval() -> None:
    right = [True] * 30 + [False] * 30
    alone = interval(results(right))
    related = interval(results(right, groups=[f"film-{i // 6}" for i in range(60)]))

    assert related.high - related.low > 2 * (alone.high - alone.low)


def test_one_group_has_no_interval() -> None:
    of = interval(results([True, False], groups=["film", "film"]))

    assert of.value == 0.5
    assert math.isnan(of.low)
    assert math.isnan(of.high)


@pytest.mark.parametrize("metric", ["accuracy", "map", "cost"])
def test_a_method_does_not_differ_from_itself(metric: str) -> None:
    right = [i % 3 > 0 for i in range(40)]
    a, b = results(right), results(right)

    difference = paired_difference(a, b, metric=metric)  # type: ignore[arg-type]

    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_pairing_finds_a_difference_that_separate_intervals_hide() -> None:
    hard = [i % 2 == 0 for i in range(100)]
    better = [ok or i % 20 == 1 for i, ok in enumerate(hard)]  # the same hard videos, but for 5 of 100
    a, b = results(better), results(hard)

    difference = paired_difference(a, b, metric="accuracy")

    assert difference.value == pytest.approx(0.05)
    assert difference.low > 0
    assert interval(a).low < interval(b).high


def test_methods_on_other_videos_cannot_be_paired() -> None:
    a = results([True, False])
    b = results([True, False], groups=["x.mp4", "y.mp4"])

    with pytest.raises(ValueError, match="not about the same videos"):
        paired_difference(a, b, metric="accuracy")


def test_cost_is_a_fraction_of_uniform() -> None:
    assert cost_fraction(results([True] * 3, gmacs=1.0)).value == 0.25


def test_videos_with_several_labels_are_judged_by_map() -> None:
    scores = np.array([[0.9, 0.8], [0.2, 0.1]])

    assert headline(multi_label(scores, np.array([[True, False], [False, True]]))) == "accuracy"
    assert headline(multi_label(scores, np.array([[True, True], [False, True]]))) == "map"
    one_each = multi_label(scores, np.array([[True, False], [False, True]]))
    assert headline(replace(one_each, multi_label=True)) == "map"  # by chance no video has two


@pytest.mark.parametrize("at_most", [0.0, 0.1, 0.5])
def test_the_threshold_is_the_largest_that_leaves_so_many_right_answers_sure(at_most: float) -> None:
    random = np.random.default_rng(3)
    confidence, right = np.round(random.random(50), 2), random.random(50) < 0.8

    threshold = unsure_threshold(confidence, right, at_most)

    def unsure(at: float) -> int:
        return int((confidence[right] < at).sum())

    assert unsure(threshold) <= at_most * right.sum()
    assert unsure(np.nextafter(threshold, 2)) > at_most * right.sum()


def test_threshold_worked_out_by_hand() -> None:
    confidence = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.1])
    right = np.array([True] * 10 + [False])

    assert unsure_threshold(confidence, right) == 0.6  # one right answer of ten is below


def test_where_nothing_was_right_everything_is_unsure() -> None:
    assert unsure_threshold(np.array([0.9, 0.8]), np.array([False, False])) == 1.0


def test_cost_is_a_fraction_of_uniforms() -> None:
    assert results([True, False], gmacs=1.0).of_uniform == 0.25


def test_shapes_that_do_not_fit_are_said() -> None:
    with pytest.raises(ValueError, match=r"uniform: targets \(3, 2\).* expected; got \(\(2, 2\)"):
        Results("uniform", np.ones((3, 2)), np.ones((2, 2), dtype=bool), np.ones(3), 4.0, None, ("a", "b", "c"), {})
    with pytest.raises(ValueError, match="must be finite"):
        multi_label(np.array([[np.nan, 1.0]]), np.array([[True, False]]))
