"""Resampling draws whole groups, the same ones each time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from adaframe.evaluation.bootstrap import statistics, summary


def test_a_group_is_drawn_with_all_of_its_videos() -> None:
    rows: list[np.ndarray] = []

    def keep(weights: np.ndarray) -> np.ndarray:
        rows.append(weights)
        return weights.sum(axis=1)

    statistics(("b", "a", "b", "c"), keep, draws=50, seed=0)
    weights = np.concatenate(rows)

    assert (weights[0] == 1).all()  # the data as they are
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()  # as many groups as there are
    assert len(np.unique(weights, axis=0)) > 5


def test_equal_seeds_give_equal_resamples() -> None:
    groups = tuple("abcdefgh")
    values = np.arange(8.0)

    def draw(seed: int) -> np.ndarray:
        return statistics(groups, lambda w: w @ values, draws=20, seed=seed)

    assert (draw(0) == draw(0)).all()
    assert (draw(0) != draw(1)).any()


def test_the_interval_is_the_middle_of_the_resamples() -> None:
    values = np.concatenate([[7.0], np.arange(101.0)])

    of = summary(values, ("a", "b"), level=0.9)

    assert (of.value, of.low, of.high) == pytest.approx((7.0, 5.0, 95.0))


def test_resamples_that_say_nothing_are_left_out() -> None:
    of = summary(np.array([7.0, math.nan, 1.0, 1.0]), ("a", "b"), level=0.9)

    assert (of.low, of.high) == (1.0, 1.0)
