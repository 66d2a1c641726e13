"""report.md of a training."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from adaframe.config import Config, Model
from adaframe.model.cost import Costs
from adaframe.model.metadata import CalibrationPoint, Metadata
from adaframe.training.calibration import Outcome
from adaframe.training.clips import Clip
from adaframe.training.report import as_results, at_budget, calibration_table, groups_of, report_validation


def answered(cost: float, *, right: int = 3, of: int = 4) -> Outcome:
    ones = np.ones(of)
    scores = np.array([[0.9, 0.1]] * right + [[0.1, 0.9]] * (of - right))
    return Outcome(
        np.arange(of), scores, np.eye(2)[[0] * of], ones * cost, ones * cost, ones * cost, ones, {"look": 1.0}
    )


def run(tmp_path: Path, *, budget: float = 0.7) -> Any:
    clips = [Clip(f"{n}.mp4", ("a",), group="film" if n < 2 else "") for n in range(4)]
    material = SimpleNamespace(data_set=SimpleNamespace(clips=clips))
    return SimpleNamespace(config=Config(budget=budget), material=material, out=tmp_path)


def metadata(plan: str = "adaptive") -> Metadata:
    points = (CalibrationPoint(0.0, 0.9, 0.8, 0.75), CalibrationPoint(2.0, 0.3, 0.2, 0.5))
    costs = Costs(1, 1, (10,), (1,), 1)
    return Metadata(Model(), plan, ("a", "b"), False, costs, points if plan == "adaptive" else ())


def test_the_point_of_a_budget_is_the_least_bias_that_keeps_to_it() -> None:
    points = [(0.0, answered(0.9)), (1.0, answered(0.5)), (2.0, answered(0.3))]

    found = at_budget(points, 0.5)

    assert found is not None
    assert found[0] == 1.0
    assert at_budget(points, 0.2) is None


def test_each_budget_that_is_kept_has_a_line_and_the_others_none(tmp_path: Path) -> None:
    points = [(0.0, answered(0.9)), (2.0, answered(0.3, right=2))]

    report_validation(run(tmp_path), points, metadata(), [0, 1, 2, 3], "held-out clips")

    methods = json.loads((tmp_path / "report.json").read_text())["methods"]
    assert [(m["name"], m["accuracy"]["value"], m["note"]) for m in methods] == [
        ("adaptive at 1", 0.75, "beta 0"),
        ("adaptive at 0.7", 0.5, "beta 2"),
        ("adaptive at 0.5", 0.5, "beta 2"),
    ]
    text = (tmp_path / "report.md").read_text()
    assert "Measured on 4 held-out clips" in text
    assert "| 2 | 0.300 | 0.200 | 50.0% |" in text
    assert "learnt from" not in text


def test_where_no_bias_keeps_to_a_budget_the_cheapest_is_shown(tmp_path: Path) -> None:
    report_validation(run(tmp_path), [(0.0, answered(1.2)), (8.0, answered(1.1))], metadata(), [0], "held-out clips")

    (method,) = json.loads((tmp_path / "report.json").read_text())["methods"]
    assert method["name"] == "cheapest"
    assert method["note"] == "no bias keeps to the budget"


def test_a_baseline_has_one_line_and_no_calibration(tmp_path: Path) -> None:
    report_validation(run(tmp_path), [(0.0, answered(1.0))], metadata("uniform"), [0], "held-out clips")

    (method,) = json.loads((tmp_path / "report.json").read_text())["methods"]
    assert method["name"] == "uniform"
    assert "none: the plan is fixed" in (tmp_path / "report.md").read_text()


def test_without_held_out_clips_a_warning_stands_above_the_figures(tmp_path: Path) -> None:
    report_validation(run(tmp_path), [(0.0, answered(0.5))], metadata(), [], "training clips")

    assert "**These are the clips it learnt from**" in (tmp_path / "report.md").read_text()


def test_clips_of_a_group_are_one_cluster_and_the_others_each_their_own(tmp_path: Path) -> None:
    assert groups_of(run(tmp_path), answered(0.5)) == ["film", "film", "2.mp4", "3.mp4"]


def test_results_keep_scores_and_costs() -> None:
    found = as_results("x", answered(0.4), ["a", "b", "c", "d"], note="n")

    assert found.targets.dtype == bool
    assert found.gmacs.tolist() == [0.4] * 4
    assert found.gmacs_uniform == 1.0
    assert found.actions == {"look": 1.0}
    assert found.note == "n"


@pytest.mark.parametrize(("plan", "lines"), [("adaptive", 4), ("uniform", 1)])
def test_the_table_has_a_row_per_point(plan: str, lines: int) -> None:
    assert len(calibration_table(metadata(plan)).splitlines()) == lines
