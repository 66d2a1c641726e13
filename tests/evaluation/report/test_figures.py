"""Figures are whole PNGs that show what they are given."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adaframe.errors import AdaframeError
from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report.figures import _envelope, _Point, _together, accuracy_cost_figure, film_strip

LOOKS = {"look-160": 160, "look-96": 96, "glance": 64}


def method(name: str, wrong: int, gmacs: float, groups: int = 20) -> Results:
    targets = np.eye(2, dtype=bool)[np.arange(20) % 2]
    scores = np.where(targets, 0.8, 0.2)
    scores[:wrong] = scores[:wrong, ::-1]
    return Results(name, scores, targets, np.full(20, gmacs), 4.0, None, tuple(str(i % groups) for i in range(20)), {})


def strip(path: Path, **changes: Any) -> np.ndarray:
    """Draw four plain red frames of 160 pixels, and return the picture."""
    facts: dict[str, Any] = {
        "thumbnails": np.full((4, 160, 160, 3), (200, 30, 30), dtype=np.uint8),
        "times_s": np.arange(4) * 0.5,
        "actions": ("look-160", "look-96", "glance", "skip"),
        "look_pixels": LOOKS,
        "crop": 160,
        "title_label": "fight",
        "confidence": 0.9,
        "unsure": False,
        "gmacs": 1.2,
        "gmacs_uniform": 4.8,
        "source": "a.mp4",
    }
    film_strip(path, **(facts | changes))
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def red_areas(picture: np.ndarray) -> list[int]:
    """Pixels of the red frames in each of the columns of cells, which are apart in the picture."""
    red = (np.abs(picture.astype(int) - (200, 30, 30)) < 12).all(axis=2).sum(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (red > 8).astype(int), [0]])))
    return [int(red[start:end].sum()) for start, end in edges.reshape(-1, 2)]


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


def test_frames_are_drawn_in_proportion_to_the_pixels_of_their_looks(tmp_path: Path) -> None:
    full, smaller, glance = red_areas(strip(tmp_path / "a.png"))  # the skipped frame is not red

    assert smaller / full == pytest.approx((96 / 160) ** 2, rel=0.02)
    assert glance / full == pytest.approx((64 / 160) ** 2, rel=0.02)


def test_a_frame_is_shown_at_the_resolution_that_the_model_saw(tmp_path: Path) -> None:
    stripes = np.zeros((1, 160, 160, 3), dtype=np.uint8)
    stripes[:, :, ::2] = 255  # too fine for anything but the full look

    def contrast(action: str) -> float:
        picture = strip(tmp_path / "a.png", thumbnails=stripes, times_s=np.zeros(1), actions=[action])
        cell = picture[136 : 136 + 264, 40 : 40 + 264].astype(float)
        size = round(264 * LOOKS[action] / 160)
        left = (264 - size) // 2
        return float(cell[-size // 2, left + 10 : left + size - 10].std())

    assert contrast("look-160") > 60
    assert contrast("glance") < 45


@pytest.mark.parametrize(("frames", "rows"), [(1, 1), (8, 1), (16, 2), (32, 4), (200, 4)])
def test_at_most_four_rows(tmp_path: Path, frames: int, rows: int) -> None:
    thumbnails = np.full((frames, 24, 24, 3), (200, 30, 30), dtype=np.uint8)

    picture = strip(
        tmp_path / "a.png", thumbnails=thumbnails, times_s=np.arange(frames) * 2.0, actions=["look-160"] * frames
    )

    assert picture.shape[1] == 1600
    column = (np.abs(picture[:, 45].astype(int) - (200, 30, 30)) < 12).all(axis=1)
    assert np.count_nonzero(np.diff(column.astype(int)) == 1) == rows


def test_a_timeline_is_added_below(tmp_path: Path) -> None:
    windows = [(0.0, 2.0, "fight", 0.9), (2.0, 4.0, "no-fight", 1.0), (3.0, 5.0, "fight", 0.5)]

    plain, with_timeline = strip(tmp_path / "a.png"), strip(tmp_path / "b.png", timeline=windows)

    added = with_timeline[len(plain) :].astype(int)
    assert (np.abs(added - (0, 114, 178)).max(axis=2) < 6).sum() > 1000
    assert (np.abs(added - (230, 159, 0)).max(axis=2) < 6).sum() > 1000


def test_the_answer_and_its_doubt_are_written(tmp_path: Path) -> None:
    sure, unsure = strip(tmp_path / "a.png"), strip(tmp_path / "b.png", unsure=True)

    changed = np.argwhere((sure != unsure).any(axis=2))
    assert len(changed) > 100
    assert changed[:, 0].max() < 136  # in the header alone


@pytest.mark.filterwarnings("error")
def test_names_of_any_kind_can_be_drawn(tmp_path: Path) -> None:
    name = "$x_1$ \\frac{ 拳 \n\t\udcff 🥊 " + "very " * 60 + "long"

    picture = strip(tmp_path / "a.png", title_label=name, source=name, top=[(name, 0.9), (name, 0.1)], unsure=True)

    assert (picture[:130, 1065:1100] == 255).all()  # the long names end before the cost begins
    assert (picture[:130, :30] == 255).all()


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="4 thumbnails, 4 times and 1 actions"):
        strip(tmp_path / "a.png", actions=["skip"])
    with pytest.raises(ValueError, match=r"unknown actions \['look-7'\]; known are skip, look-160"):
        strip(tmp_path / "a.png", actions=["look-7"] * 4)
    with pytest.raises(ValueError, match=r"thumbnails must be uint8 \(T, h, w, 3\), got float64"):
        strip(tmp_path / "a.png", thumbnails=np.zeros((4, 8, 8, 3)))


def test_a_figure_that_cannot_be_written_is_an_error_a_user_understands(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(AdaframeError, match=r"a\.png: cannot be written"):
        strip(tmp_path / "file" / "a.png")


def test_importing_the_figures_is_light() -> None:
    code = "import sys, adaframe.evaluation.report.tables, adaframe.evaluation.report.figures; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"torch", "matplotlib", "matplotlib.pyplot"} & set(loaded)
