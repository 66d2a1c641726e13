"""The curve along which one model can move, as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report.tradeoff import tradeoff_figure

BLUE, VERMILION = (0, 114, 178), (213, 94, 0)


def point(cost: float, right: int, *, groups: int = 20) -> Results:
    targets = np.eye(2, dtype=bool)[np.arange(20) % 2]
    scores = np.where(targets, 0.8, 0.2)
    scores[right:] = scores[right:, ::-1]
    names = tuple(str(n % groups) for n in range(20))
    return Results("adaptive", scores, targets, np.full(20, 4 * cost), 4.0, None, names, {})


POINTS = [point(0.9, 19), point(0.6, 18), point(0.3, 14)]


def draw(path: Path, **facts: Any) -> np.ndarray:
    tradeoff_figure(**({"points": POINTS, "path": path, "budget": 0.7, "chosen": POINTS[1]} | facts))
    with Image.open(path) as image:
        assert (image.format, image.size) == ("PNG", (1040, 624))
        return np.asarray(image.convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(picture - colour).max(axis=2) < 6


def test_the_budget_is_a_line_that_moves_with_it(tmp_path: Path) -> None:
    def place(budget: float) -> float:
        line = near(draw(tmp_path / "a.png", budget=budget), VERMILION)[:480]  # its name is below
        return float(np.nonzero(line.any(axis=0))[0].mean())

    assert place(0.7) - place(0.35) == pytest.approx(place(1.0) - place(0.65), rel=0.05)
    assert place(0.7) > place(0.35) + 200


def test_words_beside_the_chosen_point_do_not_cover_the_budget(tmp_path: Path) -> None:
    for chosen in POINTS:
        # The line is broken into dashes, which go on from top to bottom.
        line = near(draw(tmp_path / "a.png", chosen=chosen, budget=0.61), VERMILION)[:480]
        rows = np.flatnonzero(line.any(axis=1))
        assert np.diff(rows).max() < 16


@pytest.mark.parametrize(
    ("points", "chosen"),
    [(POINTS[:1], POINTS[0]), ([point(0.5, 20, groups=1)], point(0.5, 20, groups=1)), ([point(1.3, 0)], point(1.3, 0))],
    ids=["one point", "no interval", "beyond uniform"],
)
def test_odd_curves_can_be_drawn(tmp_path: Path, points: list[Results], chosen: Results) -> None:
    assert near(draw(tmp_path / "a.png", points=points, chosen=chosen), BLUE).sum() > 200
