"""What choosing gains, from files to a picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adaframe.evaluation.studies.still_figure import main

TARGETS = [[1, 0], [0, 1], [1, 0], [0, 1]]


def row(name: str, right: int) -> dict[str, object]:
    """A method that answers the first so many of four clips rightly."""
    scores = [
        [float(t) for t in wanted] if i < right else [1.0 - t for t in wanted] for i, wanted in enumerate(TARGETS)
    ]
    return {
        "name": name,
        "scores": scores,
        "targets": TARGETS,
        "gmacs": [1.0] * 4,
        "gmacs_uniform": 2.0,
        "groups": list("abcd"),
        "actions": {"look": 1.0},
    }


def run(folder: Path, *rows: dict[str, object]) -> str:
    folder.mkdir()
    (folder / "out_of_fold.json").write_text(json.dumps(rows))
    return str(folder)


def probes(path: Path) -> str:
    gain = {"value": 0.07, "low": 0.01, "high": 0.14}
    worth = [{"name": "the event's frames alone", "value": gain, "against_first": gain}]
    path.write_text(json.dumps({"content": 0.05, "worth": worth}))
    return str(path)


def test_gains_are_drawn_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = row("adaptive at 1", 1), row("adaptive at 0.5", 3), row("uniform, same weights", 4), row("random at 0.5", 2)
    adaptive, static = run(tmp_path / "a", *rows), run(tmp_path / "b", row("static look", 4))

    out = tmp_path / "gains.png"
    assert main(["--videos", probes(tmp_path / "p.json"), adaptive, static, "--out", str(out)]) == 0

    assert out.read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    for part in ("5% event", "+7.0 [+1.0, +14.0]", "same weights and cost: +25.0", "trained on such videos: -25.0"):
        assert part in said


def test_a_run_without_random_frames_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adaptive, static = run(tmp_path / "a", row("adaptive at 1", 1)), run(tmp_path / "b", row("static look", 4))

    assert main(["--videos", probes(tmp_path / "p.json"), adaptive, static, "--out", str(tmp_path / "x.png")]) == 1

    assert "has no adaptive point with random frames" in capsys.readouterr().err
