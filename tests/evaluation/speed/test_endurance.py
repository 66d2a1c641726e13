"""Whether memory and speed last: what is watched, and what is made of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adaframe.evaluation.speed.endurance import Endured, join, lines, main
from adaframe.evaluation.speed.watched import Sample
from adaframe.video import probe

RenderClip = Callable[..., Path]


def endured(*own_mb: float) -> Endured:
    """A thousand files between two samples, a second each."""
    samples = tuple(Sample(float(n), 1000 * n, mb, 50.0) for n, mb in enumerate(own_mb))
    return Endured("some files", samples, 1000 * (len(own_mb) - 1))


def test_memory_is_told_by_how_much_is_done() -> None:
    run = endured(10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110)

    assert [" ".join(line.split()) for line in lines(run)] == [
        "some files: 10.0 s",
        "at 10% 20 MB, decoding processes 50 MB together",
        "at 50% 60 MB, decoding processes 50 MB together",
        "at 100% 110 MB, decoding processes 50 MB together",
        "most 160 MB in all",
    ]


def test_growth_is_that_of_the_second_half() -> None:
    assert endured(1000, 20, 90, 24, 26, 28, 30, 32, 34, 36, 38).slope_mb() == pytest.approx(2.0)
    assert endured(0, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20).slope_mb() == pytest.approx(0.0)


def test_a_film_is_its_minute_over_and_over(render_clip: RenderClip, tmp_path: Path) -> None:
    clip = render_clip("minute.mp4", 2.0)

    join(clip, 3, tmp_path / "film.mp4")

    one, three = probe(clip), probe(tmp_path / "film.mp4")
    assert three.frames == 3 * one.frames
    assert three.duration_s == pytest.approx(3 * one.duration_s)
    assert len(three.key_frames) == 3 * len(one.key_frames)
    assert (three.warnings, three.hidden) == ((), 0)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory of processes is told by /proc")
def test_links_to_a_folder_are_classified(
    tiny_checkpoint: Path, render_clip: RenderClip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    render_clip(tmp_path / "a.mp4", 1.0)

    assert main(["links", str(tmp_path), "--files", "40", "--checkpoint", str(tiny_checkpoint)]) == 0

    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("40 files: ")
    assert any(line.startswith("  at 100%") for line in told)


def test_a_folder_without_videos_is_an_error_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["links", str(tmp_path)]) == 1

    assert "no video in this folder; try: another" in capsys.readouterr().err
