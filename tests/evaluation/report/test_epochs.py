"""A training over its epochs, as a figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adaframe.evaluation.report import epochs
from adaframe.evaluation.report.epochs import epochs_figure

VERMILION, BLUE, ORANGE, SKY = (213, 94, 0), (0, 114, 178), (184, 116, 0), (86, 180, 233)
LOOKS = ["look-224", "look-112"]


def row(epoch: int, stage: str, **values: float) -> dict[str, str]:
    plain = {
        "train/loss": 1.0,
        "train/accuracy": 0.5,
        "train/cost": 0.8,
        "val/loss": 1.1,
        "val/accuracy": 0.4,
        "val/cost": 1.0,
    }
    shares = {"val/share/look-224": 0.5, "val/share/look-112": 0.2, "val/share/glance": 0.2, "val/share/skip-2": 0.1}
    numbers = plain | shares | {name.replace("__", "/"): value for name, value in values.items()}
    return {"epoch": str(epoch), "stage": stage} | {name: str(value) for name, value in numbers.items()}


ROWS = [row(n, "warmup" if n < 3 else "joint", train__loss=1 / (n + 1)) for n in range(6)]


def draw(path: Path, rows: list[dict[str, str]], budget: float | None = 0.4) -> np.ndarray:
    epochs_figure(rows, path, budget=budget, looks=LOOKS)
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(int)


def area(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture - colour).max(axis=2) < 6).sum())


def test_actions_are_areas_as_large_as_their_shares(tmp_path: Path) -> None:
    lower_right = draw(tmp_path / "a.png", ROWS)[440:, 740:]

    # 50, 20 and 20 % of the frames, and lines in the same blue elsewhere.
    assert area(lower_right, SKY) == pytest.approx(area(lower_right, ORANGE), rel=0.1)
    assert area(lower_right, BLUE) == pytest.approx(2.5 * area(lower_right, SKY), rel=0.1)


def test_the_budget_is_a_line_at_its_height(tmp_path: Path) -> None:
    def height(budget: float) -> float:
        picture = draw(tmp_path / "a.png", ROWS, budget)[440:, 60:600]
        return float(np.nonzero((np.abs(picture - VERMILION).max(axis=2) < 60).sum(axis=1) > 150)[0].mean())

    assert height(0.6) < height(0.2) - 100  # rows count from the top


def test_a_fixed_plan_has_neither_cost_nor_actions_to_show(tmp_path: Path) -> None:
    fixed = [{name: value for name, value in row.items() if "share" not in name} for row in ROWS]

    picture, adaptive = draw(tmp_path / "a.png", fixed, None), draw(tmp_path / "b.png", ROWS)

    assert len(picture) < 0.6 * len(adaptive)
    assert area(picture, VERMILION) == 0


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[:1],
        [{name: value for name, value in row.items() if not name.startswith("val")} for row in ROWS],
        [row | {"val/loss": "nan", "train/loss": ""} for row in ROWS],
    ],
    ids=["one epoch", "no held-out clips", "gaps"],
)
def test_short_runs_and_gaps_can_be_drawn(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    assert area(draw(tmp_path / "a.png", rows), (255, 255, 255)) > 100_000


def test_stages_begin_and_end_with_their_epochs() -> None:
    found = epochs._stages(ROWS, np.arange(1.0, 7.0))

    assert found == [("warmup", 1.0, 3.0), ("joint", 4.0, 6.0)]
    assert epochs._stages(ROWS[:3], np.arange(1.0, 4.0)) == []  # one stage needs no name


def test_actions_are_stacked_from_the_largest_look_to_the_longest_skip() -> None:
    names = ["skip-4", "glance", "skip-1", "look-112", "skip-2", "look-224"]
    rows = [{"epoch": "0", "val/cost": "1"} | {f"val/share/{name}": "0.1" for name in names}]

    assert list(epochs._shares(rows, LOOKS)) == ["look-224", "look-112", "glance", "skip-1", "skip-2", "skip-4"]
