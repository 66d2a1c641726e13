"""Long videos are answered by every way, in turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import adaframe
from adaframe.evaluation.speed.decode_films import render
from adaframe.evaluation.speed.decode_long import Took, as_text, main, measure

MakeCheckpoint = Callable[..., Path]


@pytest.mark.parametrize("gop", [12, 25])
def test_ways_read_exactly_what_key_frames_leave_to_do(
    make_checkpoint: MakeCheckpoint, tmp_path: Path, gop: int
) -> None:
    """Four frames are sampled a second: two key frames of them are enough, and one may settle it."""
    model = adaframe.load(make_checkpoint("long", plan="uniform", unsure_below=1e-6), device="cpu")
    path = render(tmp_path / "a.mp4", gop=gop, size=(48, 64), seconds=8)

    took = {one.way: one for one in measure(model, path, window_s=None, rounds=2)}

    assert (took["exact"].windows, took["exact"].exactly) == (8, 1.0)
    assert took["enough"].exactly == (0.0 if gop == 12 else 1.0)
    assert took["fast"].exactly < 1.0
    assert all(len(one.decode_s) == len(one.model_s) == 2 for one in took.values())


def test_lines_tell_medians_and_how_many_times_as_fast() -> None:
    exact = Took("exact", 8, 1.0, (2.0, 2.0, 4.0), (1.0, 1.0, 1.0), 5.0)
    fast = Took("fast", 8, 0.25, (1.0, 1.0, 1.0), (0.5, 0.5, 0.25), 2.5)

    lines = as_text("a", [exact, fast]).splitlines()

    assert "8 windows,  25% read exactly  decode   1.00 s (1.00–1.00)  model   0.50 s (0.25–0.50)" in lines[1]
    assert lines[1].endswith("2.5 GMACs  2.00 times as fast to decode, 2.00 in all")


def test_a_size_that_is_none_is_told_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a.mp4", "--sizes", "720p"]) == 2
    assert capsys.readouterr().err == "adaframe: error: --sizes 720p: no size; try: 1280x720 (even numbers)\n"
