"""One recipe under several seeds, in one table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adaframe.errors import DataError
from adaframe.evaluation.studies.seeds import main, read_reports, table


def report(folder: Path, **methods: tuple[float, float]) -> Path:
    folder.mkdir()
    rows = [
        {"name": name.replace("_", " "), "accuracy": {"value": a}, "of_uniform": {"value": c}}
        for name, (a, c) in methods.items()
    ]
    (folder / "report.json").write_text(json.dumps({"methods": rows}))
    return folder


def test_mean_and_range_over_seeds(tmp_path: Path) -> None:
    first = report(tmp_path / "a", adaptive_at_0=(0.9, 0.2), uniform=(1.0, 1.0))
    second = report(tmp_path / "b", adaptive_at_0=(0.8, 0.3), uniform=(0.9, 1.0))

    lines = table(read_reports([first, second])).splitlines()

    assert lines[2] == "| uniform | 95.0% (90.0% to 100.0%) | 1.000 | 2 |"
    assert lines[3] == "| adaptive at 0 | 85.0% (80.0% to 90.0%) | 0.250 | 2 |"


def test_the_best_static_plan_of_about_equal_cost_is_taken_for_each_seed(tmp_path: Path) -> None:
    folder = report(
        tmp_path / "a",
        adaptive_at_0=(0.9, 0.2),
        static_a=(0.5, 0.2),
        static_b=(0.6, 0.25),
        static_dear=(0.8, 0.5),
    )

    (best,) = (v for name, v in read_reports([folder]).items() if name.startswith("best static"))

    assert best == [(0.6, 0.25)]


def test_models_trained_otherwise_have_rows_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    report(folder, adaptive_at_0=(0.9, 0.2), static_a=(0.6, 0.2))
    rows = json.loads((folder / "report.json").read_text())
    for name, values in {"adaptive at 1 (arnet-loss)": (0.8, 0.1), "static a, trained alone": (0.7, 0.22)}.items():
        rows["methods"].append({"name": name, "accuracy": {"value": values[0]}, "of_uniform": {"value": values[1]}})
    (folder / "report.json").write_text(json.dumps(rows))

    found = read_reports([folder])

    assert found["adaptive at 1 (arnet-loss)"] == [(0.8, 0.1)]
    assert found["static a, trained alone"] == [(0.7, 0.22)]
    assert found["best static plan at up to 1.3 times adaptive's cost"] == [(0.7, 0.22)]


def test_a_folder_without_a_report_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match="holds no report"):
        read_reports([tmp_path])

    assert main([str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err
