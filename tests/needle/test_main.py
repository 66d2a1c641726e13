from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from adaframe.needle.__main__ import main

SMALL = ["--train", "2", "--test", "1", "--pixels", "64", "--patch", "16", "--frames", "16"]


def test_the_command_renders_what_its_flags_say(tmp_path: Path) -> None:
    root = tmp_path / "set"
    flags = [*SMALL, "--texture", "bricks", "--cue", "corner", "--evidence-segments", "3", "--seed", "7"]

    done = subprocess.run(
        [sys.executable, "-m", "adaframe.needle", str(root), *flags], capture_output=True, text=True, check=True
    )

    assert done.stdout == f"{root}\n"
    assert "3 of 3 clips, 0 s left" in done.stderr
    facts = json.loads((root / "needle.json").read_text())
    assert (facts["train"], facts["test"]) == (2, 1)
    spec = facts["spec"]
    assert [spec[k] for k in ("texture", "cue", "evidence_segments", "seed", "pixels")] == [
        "bricks",
        "corner",
        3,
        7,
        64,
    ]


def test_wrong_values_are_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--texture", "stripe"]) == 2

    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_with_another_data_set_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), *SMALL]) == 0

    assert main([str(tmp_path), *SMALL, "--seed", "1"]) == 1
    assert "another needle data set" in capsys.readouterr().err
