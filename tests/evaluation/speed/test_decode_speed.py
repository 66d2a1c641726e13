"""What is timed is what the ways to decode do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adaframe.config import Preprocess, Sampling
from adaframe.evaluation.speed.decode_films import lengthen, render
from adaframe.evaluation.speed.decode_speed import Taken, as_text, measure, ways
from adaframe.video import pyav_reader, read_frames
from adaframe.video.facts import probe

SMALL = Preprocess(resize=32, crop=24)


def test_key_frames_lie_as_far_apart_as_they_should(tmp_path: Path) -> None:
    facts = probe(render(tmp_path / "a.mp4", gop=8, size=(48, 64), seconds=1.2))

    assert facts.key_frames.tolist() == [0, 8, 16, 24]
    assert (facts.frames, facts.width, facts.height) == (30, 64, 48)


def test_each_way_decodes_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = probe(render(tmp_path / "a.mp4", gop=8, size=(48, 64), seconds=1.6))
    asked: list[tuple[list[int], bool]] = []
    decode = pyav_reader.decode

    def noted(facts: object, wanted: list[int], *, planned: bool = True, picture: Any = None) -> object:
        asked.append((wanted, planned))
        return decode(facts, wanted, planned=planned, picture=picture)  # type: ignore[arg-type]

    monkeypatch.setattr(pyav_reader, "decode", noted)
    came = [run() for run in ways(facts, Sampling(4), SMALL).values()]

    assert came == [40, 4, 4, 4, 4]
    assert asked == [
        ([5, 15, 25, 35], False),
        ([5, 15, 25, 35], True),
        ([8, 16, 24, 32], True),
        ([8, 16, 24, 32], True),
    ]


def test_a_scan_reads_key_frames_however_few(tmp_path: Path) -> None:
    facts = probe(render(tmp_path / "a.mp4", gop=30, size=(48, 64), seconds=1.6))

    came = {way: run() for way, run in ways(facts, Sampling(8), SMALL).items()}

    assert (came["exact"], came["fast"], came["scan"]) == (8, 8, 2)


def test_pictures_of_videos_are_taken_in_turn_and_over_again(tmp_path: Path) -> None:
    sources = [
        str(render(tmp_path / f"{n}.mp4", gop=8, size=(48, 64), seconds=seconds)) for n, seconds in ((0, 0.4), (1, 0.2))
    ]

    lengthen(tmp_path / "long.mp4", sources, seconds=1.0, size=(32, 48), gop=6)

    facts = probe(tmp_path / "long.mp4")
    assert (facts.frames, facts.height, facts.width) == (25, 32, 48)
    assert facts.key_frames.tolist() == [0, 6, 12, 18, 24]
    shown = read_frames(tmp_path / "long.mp4", [0, 4, 10, 15]).images.astype(int)
    again = [np.abs(shown[0] - other).mean() for other in shown[1:]]
    assert again[1] < again[0] / 2  # both start alike
    assert again[2] < again[0] / 2


def test_every_way_of_every_video_is_timed_in_every_round(tmp_path: Path) -> None:
    videos = {f"GOP {gop}": render(tmp_path / f"{gop}.mp4", gop=gop, size=(48, 64), seconds=0.4) for gop in (2, 5)}

    taken = measure(videos, Sampling(2), rounds=3, preprocess=SMALL)

    assert [one.video for one in taken] == ["GOP 2"] * 5 + ["GOP 5"] * 5
    assert [one.way for one in taken[:5]] == ["facts", "forward", "exact", "fast", "scan"]
    assert all(len(one.wall_ms) == len(one.cpu_ms) == 3 and min(one.wall_ms) > 0 for one in taken)


def test_the_table_tells_medians_and_ratios_within_rounds() -> None:
    forward = Taken("a", "forward", 16, wall_ms=(10.0, 20.0, 40.0), cpu_ms=(8.0, 9.0, 10.0))
    fast = Taken("a", "fast", 12, wall_ms=(5.0, 5.0, 4.0), cpu_ms=(4.0, 4.0, 4.0))

    lines = as_text([forward, fast]).splitlines()

    assert lines[1].split() == ["a", "forward", "16", "20.0", "(15.0–30.0)", "9.0", "(8.5–9.5)", "1.00"]
    assert lines[2].split() == ["a", "fast", "12", "5.0", "(4.5–5.0)", "4.0", "(4.0–4.0)", "4.00"]
