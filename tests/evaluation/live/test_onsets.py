"""How soon something that begins in a still scene is glanced at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import adaframe
from adaframe.evaluation.live.onsets import Scene, as_text, delays, measure, onsets, render
from adaframe.video import Camera, read_frames


def test_the_first_frame_that_is_not_skipped_while_it_lasts_finds_an_onset() -> None:
    moments = [(1.0, 0.01, "glance"), (2.1, 0.01, "skip"), (2.4, 0.02, "glance"), (2.6, 0.02, "look-96")]

    assert delays(moments, [2.0, 3.0]) == [2.4 - 2.0 + 0.02, None]


def test_the_scene_stands_still_until_the_object_comes_up(tmp_path: Path) -> None:
    path = render(tmp_path / "scene.mp4", Scene(noise=0, pixels=320, gop=60), 1)

    (start_s,) = onsets(1)
    before, at, after = (round(30 * (start_s + d)) for d in (-0.5, 0.5, 2.5))
    first, still, there, gone = read_frames(path, [0, before, at, after]).images.astype(int)
    assert np.abs(still - first).mean() < 2
    assert np.abs(there - first).mean() > 5
    assert np.abs(gone - first).mean() < 2


@pytest.mark.parametrize("awake", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_scene_is_played_and_its_onset_found(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, awake: bool
) -> None:
    scene = Scene(noise=0, pixels=320, gop=60)
    path = render(tmp_path / "scene.mp4", scene, 1)
    dozes: list[float] = []
    doze = Camera.doze
    monkeypatch.setattr(Camera, "doze", lambda camera, *times: (dozes.append(times[0]), doze(camera, *times)))

    (delay,) = measure(adaframe.load(tiny_checkpoint, device="cpu"), path, 1, awake=awake)

    assert delay is not None
    assert 0 <= delay < 2
    assert "1 of 1" in as_text([(scene, [delay])])
    assert bool(dozes) == (not awake)
