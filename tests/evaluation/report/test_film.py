"""The cost in the header of a film strip can be read in full, however many digits it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adaframe.evaluation.report import film
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

    film.cost(canvas, gmacs, gmacs_uniform)

    written = {artist.get_text(): canvas._width(artist) for artist in canvas._axes.texts}
    assert text in written
    assert written[text] <= 440  # as wide as its bar


def strip_height(path: Path, actions: list[str]) -> int:
    film.film_strip(
        path,
        thumbnails=np.full((len(actions), 64, 64, 3), 90, dtype=np.uint8),
        times_s=np.arange(len(actions)) * 0.1,
        actions=actions,
        look_pixels={"look-64": 64, "glance": 16},
        crop=64,
        title_label="fight",
        confidence=0.9,
        unsure=False,
        gmacs=1.0,
        gmacs_uniform=2.0,
        source="a.mp4",
    )
    with Image.open(path) as image:
        return image.height


def test_a_row_of_skips_alone_takes_no_more_room_than_they_need(tmp_path: Path) -> None:
    looks, skips = ["look-64"] * 8, ["skip"] * 8

    both = strip_height(tmp_path / "a.png", looks + looks)
    one = strip_height(tmp_path / "b.png", looks + skips)
    none = strip_height(tmp_path / "c.png", ["glance", *(["skip"] * 7), *skips])

    # A cell is 176 pixels wide; what is skipped is drawn as large as the glance at it was.
    assert both - one == pytest.approx(176 * 3 / 4, abs=2)
    assert one - none == both - one


def test_frames_of_a_row_stand_on_one_line(tmp_path: Path) -> None:
    grid = film._Grid.of([1.0, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25] + [0.25] * 8, 1.0)

    lines = [grid.place(index)[1] for index in range(16)]

    assert len(set(lines[:8])) == len(set(lines[8:])) == 1
    assert lines[0] == film.HEADER + grid.rows[0]
    assert grid.rows[1] == round(grid.rows[0] / 4)
