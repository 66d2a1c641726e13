"""How many videos a second a folder goes through."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import adaframe
from adaframe.errors import DataError
from adaframe.evaluation.speed.folder_speed import FolderSpeed, Taken, main, measure

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="CPU time of processes is told by /proc")


@needs_proc
def test_every_file_and_window_is_measured_in_each_round(
    tiny_checkpoint: Path, render_clip: Callable[..., Path]
) -> None:
    clips = [render_clip(f"speed-{n}.mp4", 1.0 + n, seed=n) for n in range(3)]
    model = adaframe.load(tiny_checkpoint, device="cpu")

    speed = measure([*clips, "missing.mp4"], model, workers=1, rounds=2)

    assert (speed.files, speed.failed, speed.windows) == (3, 1, 6)
    for taken in (speed.decode, speed.model, speed.model_one_thread, speed.whole):
        assert len(taken) == 2
        assert min(one.wall_s for one in taken) > 0


@needs_proc
def test_nothing_to_measure_is_said(tiny_checkpoint: Path) -> None:
    with pytest.raises(DataError, match="none of the videos can be read; try: "):
        measure(["missing.mp4"], adaframe.load(tiny_checkpoint, device="cpu"), workers=1)


def test_speeds_are_medians_over_rounds_and_per_video() -> None:
    def taken(cpu_s: float, *wall_s: float) -> tuple[Taken, ...]:
        return tuple(Taken(wall, cpu_s) for wall in wall_s)

    speed = FolderSpeed(
        files=10,
        failed=2,
        windows=30,
        cores=2,
        decode=taken(2.0, 1.0, 2.0, 0.5),
        model=taken(1.2, 0.5, 0.5, 0.5),
        model_one_thread=taken(1.0, 1.0, 1.0, 1.0),
        whole=taken(3.5, 2.0, 2.0, 2.5),
    )

    assert speed.of_the_slower == 0.5
    assert speed.of_the_cores == 0.75  # (2.0 + 1.0) / 2 cores = 1.5 s
    assert [" ".join(line.split()) for line in speed.lines()] == [
        "10 videos, 30 windows, 2 failed; 2 cores, rounds: 3",
        "videos/s (lowest to highest) wall ms CPU ms a video",
        "decoding alone 10.0 (5.0 to 20.0) 100.0 200.0",
        "model alone 20.0 (20.0 to 20.0) 50.0 120.0",
        "by one thread 10.0 (10.0 to 10.0) 100.0 100.0",
        "whole 5.0 (4.0 to 5.0) 200.0 350.0",
        "whole: 0.50 of the slower alone, 0.75 of what the cores can do",
    ]


@needs_proc
def test_a_folder_without_videos_is_an_error_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--device", "cpu"]) == 1

    assert capsys.readouterr().err.startswith("adaframe: error: none of the videos can be read")
