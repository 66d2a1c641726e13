"""Noise leaves a picture still; something small that moves does not, nor what changes slowly."""

from __future__ import annotations

import numpy as np
import pytest

from adaframe.inference.change_detector import ChangeDetector


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 190, (10, 10, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)


@pytest.fixture
def still(picture: np.ndarray) -> ChangeDetector:
    still = ChangeDetector()
    assert not still.same(picture)  # nothing was kept yet
    still.keep()
    return still


def test_the_same_picture_and_a_noisy_one_are_the_same(still: ChangeDetector, picture: np.ndarray) -> None:
    random = np.random.default_rng(1)
    noisy = [(picture + random.normal(0, 4, picture.shape)).clip(0, 255).astype(np.uint8) for _ in range(20)]

    assert still.same(picture)
    assert all(still.same(image) for image in noisy)


def test_something_small_is_a_change(still: ChangeDetector, picture: np.ndarray) -> None:
    picture[100:106, 50:56] += 20  # a third of a block

    assert not still.same(picture)


def test_slow_changes_add_up(still: ChangeDetector, picture: np.ndarray) -> None:
    darker = [np.clip(picture.astype(int) - n, 0, 255).astype(np.uint8) for n in range(1, 8)]

    same = [still.same(image) for image in darker]

    assert same == [True, True, True, False, False, False, False]


def test_what_is_kept_is_what_later_pictures_are_compared_with(still: ChangeDetector, picture: np.ndarray) -> None:
    brighter = picture + 30
    assert not still.same(brighter)

    still.keep()

    assert still.same(brighter)
    assert not still.same(picture)
