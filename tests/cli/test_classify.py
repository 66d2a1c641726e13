"""adaframe classify: order, errors and exit codes (the model's own work is tested elsewhere)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adaframe.cli.main import main


def classify(*words: str) -> int:
    return main(["classify", "--checkpoint", "m.safetensors", *words])


def test_there_is_one_json_line_per_file_in_the_order_given(
    seen: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert classify("b.mp4", "films", "a.mp4", "--json") == 0

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["path"] for row in rows] == ["b.mp4", "films/d.MOV", "films/deep/c.mp4", "a.mp4"]
    assert all(row["label"] == "fight" for row in rows)


def test_a_file_is_always_tried_whatever_its_name(seen: dict[str, Any]) -> None:
    assert classify("notes.txt", "films/.h.mp4") == 0

    assert seen["paths"] == ["notes.txt", "films/.h.mp4"]


def test_a_bad_file_is_a_row_and_the_others_go_on(seen: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert classify("a.mp4", "bad.mp4", "none.mp4", "empty", "b.mp4", "--json") == 1

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[1] == {"path": "bad.mp4", "error": "no frame could be decoded; try: ffprobe"}
    assert rows[2] == {"path": "none.mp4", "error": "there is no such file or folder"}
    assert rows[3]["path"] == "empty"
    assert rows[3]["error"].startswith("no video in this folder")
    assert [row.get("label") for row in rows] == ["fight", None, None, None, "fight"]


def test_without_json_errors_go_to_stderr(seen: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert classify("a.mp4", "bad.mp4") == 1

    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 1
    assert "adaframe: error: bad.mp4: no frame could be decoded; try: ffprobe" in captured.err.splitlines()


def test_only_missing_files_need_no_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["classify", str(tmp_path / "none.mp4"), "--json"]) == 1

    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"] == "there is no such file or folder"
    assert captured.err == ""


def test_what_the_model_knows_is_said_once_on_stderr(seen: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    classify("a.mp4", "b.mp4", "--json")

    assert capsys.readouterr().err == "adaframe: m.safetensors knows fight, no-fight. Surveillance cameras only.\n"


def test_a_warning_goes_to_stderr_and_the_file_is_answered(
    seen: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert classify("odd.mp4", "--json") == 0

    captured = capsys.readouterr()
    assert json.loads(captured.out)["label"] == "fight"
    assert "adaframe: warning: odd.mp4: 2 frames are damaged" in captured.err.splitlines()


def test_the_flags_are_passed_on(seen: dict[str, Any]) -> None:
    words = "a.mp4 --budget 0.5 --window 2 --stride 1 --device cpu --workers 3 --decode fast"

    assert classify(*words.split()) == 0

    assert seen == {
        "answered": ["a.mp4"],
        "paths": ["a.mp4"],
        "checkpoint": "m.safetensors",
        "budget": 0.5,
        "window_s": 2.0,
        "stride_s": 1.0,
        "device": "cpu",
        "workers": 3,
        "decode": "fast",
    }


def test_top_k_limits_the_classes_told(seen: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    classify("a.mp4", "--json", "--top-k", "1")

    assert len(json.loads(capsys.readouterr().out)["top"]) == 1


def test_a_figure_is_of_one_video(seen: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert classify("a.mp4", "--figure", "strip.png") == 0
    assert (tmp_path / "strip.png").read_text() == "strip of a.mp4"

    seen["answered"].clear()
    assert classify("films", "--figure", "other.png") == 2
    assert "--figure draws one video, but there are 2" in capsys.readouterr().err
    assert seen["answered"] == []


@pytest.mark.parametrize(
    "words",
    [
        "--budget 7",
        "--budget 0",
        "--budget half",
        "--top-k 0",
        "--window 0",
        "--stride nan",
        "--decode quick",
        "--workers -1",
    ],
)
def test_values_that_cannot_be_are_wrong_usage(
    words: str, seen: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert classify("a.mp4", *words.split()) == 2

    assert words.split()[0] in capsys.readouterr().err
    assert "paths" not in seen
