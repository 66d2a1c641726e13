"""What was asked of a budget, and what came."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adaframe.evaluation.studies.budgets import main


def report(folder: Path, points: dict[str, tuple[float, float]]) -> str:
    folder.mkdir()
    methods = [{"name": n, "of_uniform": {"value": c}, "accuracy": {"value": a}} for n, (c, a) in points.items()]
    (folder / "report.json").write_text(json.dumps({"methods": methods}))
    return str(folder)


def test_budgets_trained_for_stand_beside_those_asked_at_run_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low = report(tmp_path / "low", {"adaptive at 0.15": (0.14, 0.9), "uniform, same weights": (1.0, 1.0)})
    high = report(tmp_path / "high", {"adaptive at 0.5": (0.3, 1.0)})
    moved = report(tmp_path / "moved", {"adaptive at 0.15": (0.12, 0.75), "adaptive at 0.5": (0.3, 1.0)})

    assert main(["--trained", low, high, "--moved", moved]) == 0

    rows = capsys.readouterr().out.splitlines()[2:]
    assert rows == ["| 0.15 | 0.140 | 90.0% | 0.120 | 75.0% |", "| 0.5 | 0.300 | 100.0% | 0.300 | 100.0% |"]


def test_a_folder_without_a_report_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--trained", str(tmp_path), "--moved", str(tmp_path)]) == 1

    assert f"{tmp_path}: holds no report" in capsys.readouterr().err
