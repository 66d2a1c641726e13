"""adaframe classify --out: what is there already is not done again, and a killed run goes on to what a whole one writes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adaframe.cli.main import main


def classify(*words: str) -> int:
    return main(["classify", "--checkpoint", "m.safetensors", *words])


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


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_a_killed_run_goes_on_to_what_a_whole_one_writes(
    tiny_checkpoint: Path, render_clip: Callable[..., Path], tmp_path: Path
) -> None:
    folder, whole, cut = tmp_path / "clips", tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    folder.mkdir()
    made = [render_clip(f"out-{n}.mp4", 0.5 + n, seed=n) for n in range(3)]
    for n in range(60):
        shutil.copy(made[n % 3], folder / f"{n:02}.mp4")
    (folder / "30-bad.mp4").write_bytes(b"no video at all")
    words = [sys.executable, "-m", "adaframe", "classify", str(folder), "--checkpoint", str(tiny_checkpoint)]
    words += ["--device", "cpu", "--workers", "1", "--json", "--out"]

    first = subprocess.run([*words, str(whole)], capture_output=True, text=True, timeout=120)
    with subprocess.Popen([*words, str(cut)], stderr=subprocess.DEVNULL) as run:
        while not (cut.exists() and cut.stat().st_size):
            assert run.poll() is None
            time.sleep(0.002)
        run.kill()
    left = len(rows(cut))
    second = subprocess.run([*words, str(cut)], capture_output=True, text=True, timeout=120)

    assert (first.returncode, second.returncode) == (1, 1)
    assert (first.stdout, second.stdout) == ("", "")
    assert 0 < left < 61
    assert len(rows(whole)) == 61
    for row, expected in zip(rows(cut), rows(whole), strict=True):
        assert {row[key] == expected[key] for key in ("path", "label", "frames", "error") if key in expected} == {True}
        # Files are batched as they come, which moves the last digits.
        assert row.get("confidence", 0) == pytest.approx(expected.get("confidence", 0), abs=2e-4)
