"""adaframe classify --out, from the words to the file: a killed run goes on to what a whole one writes."""

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
