"""Scaling while decoding gives nearly the pixels of scaling afterwards."""

from __future__ import annotations

import av
import numpy as np
import pytest

from adaframe.config import Preprocess
from adaframe.video.resize import resize_frame
from adaframe.video.scaling import full_picture, scaled_picture


@pytest.fixture(scope="module")
def frame() -> av.VideoFrame:
    """A smooth picture with one dark corner, 240x320, as decoders hand them out."""
    rows, columns = np.mgrid[0:240, 0:320]
    picture = np.stack([rows / 2 + 60, columns / 3 + 60, (rows + columns) / 4 + 60], axis=-1)
    picture[:60, :80] = 40
    return av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgb24").reformat(format="yuv420p")


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize(
    "preprocess", [Preprocess(resize=80, crop=64), Preprocess(resize=60, crop=60, fit="squash")], ids=["crop", "squash"]
)
def test_the_pixels_are_nearly_those_of_resizing_the_full_picture(
    frame: av.VideoFrame, preprocess: Preprocess, rotation: int
) -> None:
    afterwards = resize_frame(full_picture(frame, rotation), preprocess, crop=True)

    at_once = scaled_picture(frame, rotation, preprocess)

    assert at_once is not None
    assert at_once.shape == afterwards.shape
    difference = np.abs(at_once.astype(int) - afterwards)
    assert difference.mean() < 1.5  # the default conversion cuts off what this one rounds
    assert np.quantile(difference, 0.98) <= 3


@pytest.mark.parametrize(
    "preprocess",
    [
        Preprocess(resize=240, crop=224),
        Preprocess(resize=300, crop=300, fit="squash"),
        Preprocess(resize=80, crop=64, filter="box"),
    ],
    ids=["as large", "larger", "another filter"],
)
def test_what_gains_nothing_is_left_to_the_usual_way(frame: av.VideoFrame, preprocess: Preprocess) -> None:
    assert scaled_picture(frame, 0, preprocess) is None
