"""The cost in the head of a picture of a video can be read in full, however many digits it takes."""

from __future__ import annotations

import pytest

from adaframe.evaluation.report import video_header
from adaframe.evaluation.report.drawing import Canvas


@pytest.mark.parametrize(
    ("gmacs", "gmacs_uniform", "text"),
    [
        (1.2, 4.8, "1.20 of 4.80 GMACs (25 %)"),
        (0.0689, 0.256, "0.0689 of 0.256 GMACs (27 %)"),
        (0.000123, 0.00456, "0.000123 of 0.00456 GMACs (3 %)"),
        (1234567.0, 9876543.0, "1,234,567 of 9,876,543 GMACs (12 %)"),
    ],
)
def test_the_cost_is_written_in_full(gmacs: float, gmacs_uniform: float, text: str) -> None:
    canvas = Canvas(1600, 140)

    video_header._cost(canvas, gmacs, gmacs_uniform)

    written = {artist.get_text(): canvas._width(artist) for artist in canvas._axes.texts}
    assert text in written
    assert written[text] <= 440  # as wide as its bar
