"""adaframe classify: order, rows, errors and exit codes (the model's own work is tested elsewhere)."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adaframe.cli.classify import describe_row
from adaframe.cli.main import main
from adaframe.errors import AdaframeError, UnreadableVideo, VideoError


@dataclass
class Answer:
    """Stands in for a Prediction: `fight` for each file."""

    path: str
    warnings: tuple[str, ...] = ()

    def to_json(self, top_k: int) -> dict[str, Any]:
        top = [{"label": "fight", "confidence": 0.93}, {"label": "no-fight", "confidence": 0.07}]
        return {
            "path": self.path,
            "label": "fight",
            "confidence": 0.93,
            "unsure": False,
            "top": top[:top_k],
            "frames": [
                {"index": 4, "time_s": 0.16, "action": "look-160"},
                {"index": 12, "time_s": 0.48, "action": "skip"},
                {"index": 20, "time_s": 0.8, "action": "glance"},
            ],
            "gmacs": 1.23,
            "gmacs_uniform": 4.87,
            "seconds": {"decode": 0.05, "model": 0.11},
        }

    def draw(self, path: str) -> None:
        Path(path).write_text(f"strip of {self.path}")


@dataclass
class Metadata:
    classes: tuple[str, ...] = ("fight", "no-fight")
    scope: str = "Surveillance cameras only."

    def beta_for(self, budget: float | None) -> float:
        if budget == 0.01:
            raise AdaframeError("budget 0.01 is below what this model can do")
        return 0.0


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Recognition is replaced: files whose name has `bad` fail, `odd` gets a warning. What it was asked for."""
    asked: dict[str, Any] = {"answered": []}

    def classify_paths(paths: list[str], **named: Any) -> Iterator[Answer | VideoError]:
        asked.update(named, paths=list(paths))
        for path in paths:
            asked["answered"].append(path)
            if "bad" in path:
                yield UnreadableVideo(path, "no frame could be decoded", "ffprobe")
            else:
                yield Answer(path, ("2 frames are damaged",) if "odd" in path else ())

    folder, metadata = types.ModuleType("adaframe.inference.folder"), types.ModuleType("adaframe.model.metadata")
    folder.classify_paths = classify_paths  # type: ignore[attr-defined]
    metadata.read_metadata = lambda path: Metadata()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, folder.__name__, folder)
    monkeypatch.setitem(sys.modules, metadata.__name__, metadata)
    monkeypatch.chdir(tmp_path)
    for name in (
        "m.safetensors",
        "b.mp4",
        "a.mp4",
        "bad.mp4",
        "odd.mp4",
        "notes.txt",
        "films/d.MOV",
        "films/deep/c.mp4",
        "films/.h.mp4",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "empty").mkdir()
    return asked


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


def answered(path: str = "r.jsonl") -> list[str]:
    return [json.loads(line)["path"] for line in Path(path).read_text().splitlines()]


def test_a_file_of_results_has_the_lines_that_json_prints(
    seen: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    paths = ["b.mp4", "bad.mp4", "none.mp4", "films", "odd.mp4"]
    classify(*paths, "--json")
    printed = capsys.readouterr().out

    assert classify(*paths, "--json", "--out", "r.jsonl") == 1

    captured = capsys.readouterr()
    assert Path("r.jsonl").read_text() == printed
    assert captured.out == ""
    assert captured.err.splitlines()[1:] == ["adaframe: r.jsonl: 6 answers, 2 of them errors"]


def test_a_second_run_answers_what_is_not_there_and_remembers_the_failures(
    seen: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert classify("b.mp4", "bad.mp4", "--out", "r.jsonl") == 1
    seen["answered"].clear()

    assert classify("a.mp4", "bad.mp4", "b.mp4", "films", "a.mp4", "--out", "r.jsonl") == 1

    assert seen["answered"] == ["a.mp4", "films/d.MOV", "films/deep/c.mp4"]
    assert answered() == ["b.mp4", "bad.mp4", "a.mp4", "films/d.MOV", "films/deep/c.mp4"]
    assert "adaframe: r.jsonl: 2 of 5 files are there already" in capsys.readouterr().err.splitlines()


def test_where_all_is_there_nothing_is_done(seen: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    classify("a.mp4", "--out", "r.jsonl")
    seen.pop("paths")
    capsys.readouterr()

    assert classify("a.mp4", "--out", "r.jsonl") == 0

    assert "paths" not in seen
    assert capsys.readouterr().err.splitlines()[-1] == "adaframe: r.jsonl: 1 answers, 0 of them errors"


def test_failed_files_are_tried_again_when_asked_for(seen: dict[str, Any]) -> None:
    classify("a.mp4", "bad.mp4", "none.mp4", "--out", "r.jsonl")
    Path("none.mp4").write_bytes(b"")
    seen["answered"].clear()

    assert classify("a.mp4", "bad.mp4", "none.mp4", "--out", "r.jsonl", "--retry") == 1

    assert seen["answered"] == ["bad.mp4", "none.mp4"]
    assert answered() == ["a.mp4", "bad.mp4", "none.mp4"]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("--budget 0.5", "budget"),
        ("--window 3", "window"),
        ("--stride 1", "stride"),
        ("--top-k 1", "top-k"),
        ("--decode exact", "decode"),
        ("--checkpoint other.safetensors", "checkpoint"),
    ],
)
def test_results_of_other_settings_are_not_mixed(
    seen: dict[str, Any], capsys: pytest.CaptureFixture[str], words: str, name: str
) -> None:
    classify("a.mp4", "--out", "r.jsonl")
    before = Path("r.jsonl").read_bytes()
    Path("other.safetensors").write_bytes(b"other")

    assert classify("b.mp4", "--out", "r.jsonl", *words.split()) == 2

    assert f"r.jsonl: its answers were made with {name} " in capsys.readouterr().err
    assert Path("r.jsonl").read_bytes() == before


def test_a_budget_that_cannot_be_leaves_no_file(seen: dict[str, Any]) -> None:
    assert classify("a.mp4", "--out", "r.jsonl", "--budget", "0.01") == 1

    assert not Path("r.jsonl").exists()
    assert not Path("r.jsonl.settings.json").exists()


@pytest.mark.parametrize("words", ["--retry", "--out r.jsonl --figure strip.png"])
def test_words_that_do_not_go_together_are_wrong_usage(
    words: str, seen: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert classify("a.mp4", *words.split()) == 2

    assert "; try: " in capsys.readouterr().err
    assert not Path("r.jsonl").exists()
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


def windows(*labels: str) -> list[dict[str, Any]]:
    """A timeline of two seconds each."""
    return [
        {"start_s": 2.0 * n, "end_s": 2.0 * n + 2, "label": label, "confidence": 0.8} for n, label in enumerate(labels)
    ]


def test_a_row_for_people() -> None:
    row = Answer("a.mp4").to_json(2)

    text = describe_row(row, width=8)

    assert text == "a.mp4      fight 93%, no-fight 7%   2 of 3 frames   1.23 of 4.87 GMACs   0.16 s"


def test_a_row_says_when_it_is_unsure_and_what_happens_when() -> None:
    row = Answer("a.mp4").to_json(1) | {"unsure": True}
    row["timeline"] = windows("no-fight", "no-fight", "fight")

    text = describe_row(row, width=5)

    assert text.splitlines()[0].startswith("a.mp4   fight 93% (unsure)   ")
    assert [line.split() for line in text.splitlines()[1:]] == [
        ["0.0", "s", "–", "4.0", "s", "no-fight", "80%"],
        ["4.0", "s", "–", "6.0", "s", "fight", "80%"],
    ]


def test_the_times_of_a_long_video_are_minutes_and_seconds() -> None:
    row = Answer("a.mp4").to_json(1) | {"timeline": windows(*["fight"] * 40, "no-fight")}

    assert [line.split()[:3] for line in describe_row(row, width=5).splitlines()[1:]] == [
        ["0:00", "–", "1:20"],
        ["1:20", "–", "1:22"],
    ]


def test_many_changes_are_not_all_told() -> None:
    row = Answer("a.mp4").to_json(1) | {"timeline": windows(*["fight", "no-fight"] * 50)}

    lines = describe_row(row, width=5).splitlines()

    assert len(lines) == 62
    assert lines[-1].strip() == "… and 40 more changes up to 3:20; --json tells all"


def test_a_row_of_a_multi_label_model() -> None:
    row = Answer("a.mp4").to_json(2) | {"label": ["fight", "run"]}

    assert "fight + run 93%, no-fight 7%" in describe_row(row, width=5)
    bare = row | {"label": [], "timeline": [{"start_s": 0.0, "end_s": 2.0, "label": [], "confidence": 0.8}]}
    assert "none of the classes 93%" in describe_row(bare, width=5).splitlines()[0]
    assert describe_row(bare, width=5).splitlines()[1].endswith("none of the classes 80%")


def test_a_small_cost_does_not_show_as_nothing() -> None:
    row = Answer("a.mp4").to_json(2) | {"gmacs": 0.00123, "gmacs_uniform": 0.0456}

    assert "0.0012 of 0.046 GMACs" in describe_row(row, width=5)
