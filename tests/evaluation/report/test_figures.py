"""Figures are whole PNGs that show what they are given."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report.figures import _envelope, _Point, _together, accuracy_cost_figure

LOOKS = {"look-160": 160, "look-96": 96, "glance": 64}


def method(name: str, wrong: int, gmacs: float, groups: int = 20) -> Results:
    targets = np.eye(2, dtype=bool)[np.arange(20) % 2]
    scores = np.where(targets, 0.8, 0.2)
    scores[:wrong] = scores[:wrong, ::-1]
    return Results(name, scores, targets, np.full(20, gmacs), 4.0, None, tuple(str(i % groups) for i in range(20)), {})


def test_the_accuracy_cost_figure_shows_every_method(tmp_path: Path) -> None:
    names = ("adaptive 25 %", "adaptive 50 %", "uniform", "static:look-160/4", "glance", "random $5", "change rule")
    methods = [method(name, wrong, 0.5 + wrong / 2) for wrong, name in enumerate(names)]

    accuracy_cost_figure(methods, tmp_path / "a.png")

    with Image.open(tmp_path / "a.png") as image:
        assert (image.format, image.size) == ("PNG", (1280, 800))
        picture = np.asarray(image.convert("RGB")).astype(int)
    for colour in ((0, 114, 178), (31, 41, 51), (102, 112, 124), (213, 94, 0), (0, 122, 89), (163, 72, 123)):
        assert (np.abs(picture - colour).max(axis=2) < 6).sum() > 40  # its marker, at least


def test_one_method_without_an_interval_can_be_drawn(tmp_path: Path) -> None:
    accuracy_cost_figure([method("adaptive", 0, 4.0, groups=1)], tmp_path / "a.png")

    assert (tmp_path / "a.png").stat().st_size > 5000


def test_budgets_at_which_a_model_does_the_same_are_one_point() -> None:
    points = [
        _Point.of(method(f"adaptive at {b}", wrong, cost))
        for b, wrong, cost in ((1, 2, 2.0), (0.5, 2, 2.0), (0.2, 4, 0.8))
    ]
    others = [_Point.of(method(name, 2, 2.0)) for name in ("uniform, same weights", "uniform, trained alone")]

    names = [p.name for p in _together([*points, *others])]

    assert names == ["adaptive at 1, 0.5", "adaptive at 0.2", "uniform, same weights", "uniform, trained alone"]


def test_points_of_several_models_stay_apart() -> None:
    named = [("adaptive at 1", ""), ("adaptive at 1 (b)", "b"), ("adaptive at 0.5 (b)", "b")]
    points = [_Point.of(replace(method(name, 2, 2.0), model=model), ["b"]) for name, model in named]

    found = _together(points)

    assert [p.name for p in found] == ["adaptive at 1", "adaptive at 1, 0.5 (b)"]
    assert len({p.colour for p in found}) == 2


def test_the_line_of_static_plans_leaves_out_what_a_mixture_beats() -> None:
    plans = [(100.0, 90.0), (0.0, 50.0), (50.0, 80.0), (25.0, 60.0), (75.0, 70.0)]

    # A half of each of (0, 50) and (50, 80) gives 65 at a cost of 25; and 75 costs more than 50 for less.
    assert _envelope(plans) == [(0.0, 50.0), (50.0, 80.0), (100.0, 90.0)]


def test_importing_the_figures_is_light() -> None:
    code = "import sys, adaframe.evaluation.report.tables, adaframe.evaluation.report.figures; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"torch", "matplotlib", "matplotlib.pyplot"} & set(loaded)
