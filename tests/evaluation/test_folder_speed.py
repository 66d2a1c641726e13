"""How many videos a second a folder goes through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import adaframe
from adaframe.errors import DataError
from adaframe.evaluation.folder_speed import FolderSpeed, main, measure


def test_every_file_and_window_is_measured_once(tiny_checkpoint: Path, render_clip: Callable[..., Path]) -> None:
    clips = [render_clip(f"speed-{n}.mp4", 1.0 + n, seed=n) for n in range(3)]
    model = adaframe.load(tiny_checkpoint, device="cpu")

    speed = measure([*clips, "missing.mp4"], model, workers=1)

    assert (speed.files, speed.failed, speed.windows) == (3, 1, 6)
    assert min(speed.decode_s, speed.model_s, speed.whole_s) > 0


def test_nothing_to_measure_is_said(tiny_checkpoint: Path) -> None:
    with pytest.raises(DataError, match="none of the videos can be read; try: "):
        measure(["missing.mp4"], adaframe.load(tiny_checkpoint, device="cpu"), workers=1)


def test_speeds_are_per_video() -> None:
    speed = FolderSpeed(files=10, failed=2, windows=30, decode_s=1.0, model_s=2.0, whole_s=2.5)

    assert speed.lines() == [
        "10 videos, 30 windows, 2 failed",
        "decode     10.0 videos/s     100.0 ms a video",
        "model       5.0 videos/s     200.0 ms a video",
        "whole       4.0 videos/s     250.0 ms a video",
    ]


def test_a_folder_without_videos_is_an_error_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--device", "cpu"]) == 1

    assert capsys.readouterr().err.startswith("adaframe: error: none of the videos can be read")
