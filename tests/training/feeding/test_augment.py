"""What changes a training clip."""

from __future__ import annotations

import numpy as np
import pytest

from adaframe.config import Data, Preprocess
from adaframe.training.feeding.augment import augment

# Each pixel tells its column (red) and row (green); the frames differ in blue.
COLUMNS, ROWS = np.meshgrid(np.arange(12), np.arange(10))
FRAMES = np.stack([np.stack([COLUMNS, ROWS, np.full_like(ROWS, 100 + t)], axis=-1) for t in range(3)]).astype(np.uint8)
SIZES = Preprocess(resize=10, crop=8)


def corners(out: np.ndarray) -> tuple[int, int, int, int]:
    """Left and right column, top and bottom row."""
    return int(out[0, 0, 0, 0]), int(out[0, 0, -1, 0]), int(out[0, 0, 0, 1]), int(out[0, -1, 0, 1])


@pytest.mark.parametrize("data", [None, Data(flip=True, scale=0.5, jitter=0.5)])
def test_without_a_generator_the_centre_is_cut_out_and_nothing_changes(data: Data | None) -> None:
    out = augment(FRAMES, SIZES, data, None)

    np.testing.assert_array_equal(out, FRAMES[:, 1:9, 2:10])


def test_training_crops_lie_anywhere_and_are_mirrored_half_of_the_time() -> None:
    seen = [corners(augment(FRAMES, SIZES, Data(flip=True), np.random.default_rng(n))) for n in range(400)]

    assert {min(left, right) for left, right, _, _ in seen} == {0, 1, 2, 3, 4}
    assert {top for _, _, top, _ in seen} == {0, 1, 2}
    assert all(abs(left - right) == 7 and bottom - top == 7 for left, right, top, bottom in seen)
    assert 0.4 < np.mean([left > right for left, right, _, _ in seen]) < 0.6


def test_no_crop_is_mirrored_where_sides_matter() -> None:
    seen = [corners(augment(FRAMES, SIZES, Data(flip=False), np.random.default_rng(n))) for n in range(50)]

    assert all(left < right for left, right, _, _ in seen)


@pytest.mark.parametrize("data", [Data(), Data(scale=0.5), Data(jitter=0.5)])
def test_all_frames_of_a_clip_change_alike(data: Data) -> None:
    still = np.repeat(FRAMES[:1], 3, axis=0)

    for n in range(20):
        out = augment(still, SIZES, data, np.random.default_rng(n))
        assert out.shape == (3, 8, 8, 3)
        assert out.dtype == np.uint8
        np.testing.assert_array_equal(out[0], out[1])
        np.testing.assert_array_equal(out[0], out[2])


def test_smaller_crops_are_enlarged_to_the_crop() -> None:
    spread = [
        np.ptp(augment(FRAMES, SIZES, Data(scale=0.5, flip=False), np.random.default_rng(n))[0, 0, :, 0])
        for n in range(60)
    ]

    assert min(spread) <= 4
    assert max(spread) >= 6


def test_jitter_changes_brightness_within_its_strength() -> None:
    grey = np.full((2, 10, 12, 3), 100, np.uint8)
    levels = [int(augment(grey, SIZES, Data(jitter=0.2), np.random.default_rng(n)).mean()) for n in range(60)]

    assert 79 <= min(levels) < 90
    assert 110 < max(levels) <= 121


def test_the_same_generator_gives_the_same_clip() -> None:
    data = Data(scale=0.5, jitter=0.3)
    one, same, other = (augment(FRAMES, SIZES, data, np.random.default_rng(n)) for n in (1, 1, 2))

    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
