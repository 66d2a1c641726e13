"""Crops of a picture, and what is asked of a file for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adaframe.config import Preprocess, Sampling
from adaframe.errors import UsageError
from adaframe.evaluation.many_views import OWN_WINDOWS, ManyViews, places
from adaframe.video import ClipRequest, read_clip

WIDE = np.arange(2 * 4 * 6, dtype=np.uint8).reshape(1, 2, 4, 6, 1).repeat(3, axis=4)  # W 1, T 2, 4 × 6 pixels


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (8, 14, [(1, 0), (1, 4), (1, 8)]),  # wide: left, centre, right, half-way down
        (14, 8, [(0, 1), (4, 1), (8, 1)]),  # tall: top, centre, bottom
        (6, 6, [(0, 0)]),  # nothing to move: the picture itself, once
    ],
)
def test_three_crops_lie_along_the_longer_side(height: int, width: int, expected: list[tuple[int, int]]) -> None:
    assert places(height, width, 6, 3) == expected


def test_ten_crops_are_the_corners_and_the_centre_each_mirrored_too() -> None:
    crops = list(ManyViews(crops=10).cut(WIDE, 2))

    assert places(4, 6, 2, 10) == [(0, 0), (0, 4), (2, 0), (2, 4), (1, 2)]
    assert len(crops) == 10
    assert crops[0][0, 0, :, :, 0].tolist() == [[0, 1], [6, 7]]
    assert crops[1][0, 0, :, :, 0].tolist() == [[1, 0], [7, 6]]
    assert crops[8][0, 0, :, :, 0].tolist() == [[8, 9], [14, 15]]


def test_every_frame_of_every_window_is_cut_at_the_same_place() -> None:
    left, centre, right = ManyViews(crops=3).cut(WIDE, 4)

    assert left.shape == centre.shape == right.shape == (1, 2, 4, 4, 3)
    assert (left[0, 1] - left[0, 0] == 24).all()
    assert (right[..., 0, 0] - left[..., 0, 0] == 2).all()


@pytest.mark.parametrize("size", [(48, 100), (100, 48)])
def test_the_middle_one_of_three_crops_is_the_crop_of_one(render_clip, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    path: Path = render_clip(f"crops-{size[0]}.mp4", 1.0, size=size)
    request = ClipRequest(str(path), Sampling(frames=2), Preprocess(resize=40, crop=32))

    (one,) = OWN_WINDOWS.cut(read_clip(OWN_WINDOWS.request(request)).images, 32)
    three = list(ManyViews(crops=3).cut(read_clip(ManyViews(crops=3).request(request)).images, 32))

    distances = [float(np.abs(crop.astype(int) - one.astype(int)).mean()) for crop in three]
    assert distances[1] < 1  # resized once before the cut and once around it: the same to within rounding
    assert min(distances[0], distances[2]) > 20


def test_a_model_that_sees_the_whole_picture_has_nothing_to_crop() -> None:
    whole = Preprocess(resize=32, crop=32, fit="squash")

    with pytest.raises(UsageError, match=r"m\.safetensors: sees the whole picture.*try: --crops 1"):
        ManyViews(crops=3).check(whole, "m.safetensors")
    ManyViews(clips=2).check(whole, "m.safetensors")
    ManyViews(crops=3).check(Preprocess(resize=40, crop=32, fit="squash"), "m.safetensors")


def test_options_say_what_is_not_the_default() -> None:
    assert OWN_WINDOWS.words() == []
    assert ManyViews(10, 3).words() == ["--clips", "10", "--crops", "3"]
