"""What is played, and how it is told; the speeds themselves are for a quiet machine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import adaframe
from adaframe.evaluation.live import speed as live_speed
from adaframe.evaluation.live.speed import Played, as_text, play, render
from adaframe.video import read_frames


def test_what_is_played_moves_or_stands_still_but_for_noise(tmp_path: Path) -> None:
    moving, still = (render(tmp_path / f"{m}.mp4", moving=m, lasts_s=1.0) for m in (True, False))

    first, last = read_frames(moving, [0, 29]).images.astype(int)
    assert first.shape == (480, 640, 3)
    assert np.abs(first - last).mean() > 20
    first, last = read_frames(still, [0, 29]).images.astype(int)
    assert 0 < np.abs(first - last).mean() < 6


def test_frames_of_the_first_seconds_do_not_count(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_speed, "_WARM_S", 0.5)
    monkeypatch.setattr(live_speed, "_READ_S", 0.0)
    clip = render(tmp_path / "clip.mp4", moving=True, lasts_s=1.5)

    played = play("own", adaframe.load(tiny_checkpoint, device="cpu"), [str(clip)], lasts_s=5.0)

    assert 2 <= len(played.delays_s) <= 5  # four a second
    assert sum(played.actions.values()) == len(played.delays_s)
    assert played.model > 0
    assert played.model <= played.load + 0.02  # that of other processes is read in hundredths of a second


def test_the_table_has_shares_of_the_sampled_frames() -> None:
    played = Played("own", [0.01] * 9 + [0.1], Counter({"look-32": 2, "glance": 3, "skip": 5}), 1, 0.2, 0.15)

    header, row, alone = as_text([played, Played("alone", load=0.05, model=0.01)], ("look-32",)).splitlines()

    assert row.split() == ["own", "10.0", "59.5", "0.200", "0.300", "0.500", "0.100", "0.200", "0.150"]
    assert alone.split() == ["alone", "0.050", "0.010"]
    assert header.split()[:2] == ["p50", "ms"]
