"""Runs over the same folds, in one table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adaframe.errors import DataError
from adaframe.evaluation.studies.folds import compare, main

TARGETS = [[1, 0], [0, 1], [1, 0]]


def run(folder: Path, name: str, right: int, *, uniform: float = 2.0, groups: str = "abc") -> Path:
    """A finished run whose first method answers so many of three clips rightly, at 1 GMAC each."""
    folder.mkdir()
    scores = [[float(t) for t in row] if i < right else [1.0 - t for t in row] for i, row in enumerate(TARGETS)]
    row = {
        "name": name,
        "scores": scores,
        "targets": TARGETS,
        "gmacs": [1.0, 1.0, 1.0],
        "gmacs_uniform": uniform,
        "groups": list(groups),
        "actions": {"look": 1.0},
    }
    (folder / "out_of_fold.json").write_text(json.dumps([row]))
    return folder


def test_plans_trained_alone_stand_beside_the_first_run(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a", "adaptive at 0.5", 3), run(tmp_path / "b", "uniform", 2)

    results = compare([first, second])

    assert [r.name for r in results] == ["adaptive at 0.5", "uniform, trained alone"]


def test_fractions_are_of_the_first_runs_uniform(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a", "adaptive at 0.5", 3), run(tmp_path / "b", "static look", 2, uniform=1.0)

    assert [r.gmacs_uniform for r in compare([first, second])] == [2.0, 2.0]


def test_runs_on_other_clips_are_refused(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a", "adaptive", 3), run(tmp_path / "b", "uniform", 2, groups="xyz")

    with pytest.raises(DataError, match="not about the same clips"):
        compare([first, second])


def test_an_unfinished_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "holds no finished run" in capsys.readouterr().err


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = run(tmp_path / "a", "adaptive at 0.5", 3), run(tmp_path / "b", "uniform", 2)

    assert main([str(first), str(second), "--report", str(tmp_path / "out")]) == 0

    assert "uniform, trained alone" in capsys.readouterr().out
    assert main([str(first), str(second), "--reference", "adaptive at 0.5"]) == 0
    assert "accuracy vs adaptive at 0.5" in capsys.readouterr().out
    assert main([str(first), "--reference", "nobody"]) == 1
    assert "there is no nobody" in capsys.readouterr().err
    assert (tmp_path / "out" / "report.md").exists()
