"""Endurance is measured on frames that change, stand still and are lost; growth is seen."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

from adaframe.evaluation.live.soak import Pretended, Reading, read, slope, soak
from adaframe.video.live_frame import LiveFrame, Outage
from tests.conftest import RenderClip


def test_growth_is_told_in_megabytes_per_hundred_thousand_frames() -> None:
    steady = [Reading(n * 1000, 500.0 + (n < 5) * n, 1, 7, 0.0) for n in range(100)]
    growing = [Reading(n * 1000, 500.0 + n * 0.02, 1, 7, 0.0) for n in range(100)]

    assert slope(steady) == pytest.approx(0.0, abs=1e-6)
    assert slope(growing) == pytest.approx(2.0)


def test_the_pretended_camera_changes_stands_still_and_is_lost() -> None:
    camera = Pretended(30 * 601)
    items = []
    while not camera.ended:
        items += camera.take(0.1)

    shots = [item for item in items if isinstance(item, LiveFrame)]
    assert len(shots) == 30 * 601
    assert len({id(shot.image) for shot in shots[30 : 30 * 10]}) == 1
    assert len({id(shot.image) for shot in shots[30 * 10 : 30 * 20]}) >= 40
    assert [item.event for item in items if isinstance(item, Outage)] == ["lost", "back"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_readings_are_taken_on_the_way(tiny_checkpoint: Path) -> None:
    readings = soak(tiny_checkpoint, 3000)

    assert 90 <= len(readings) <= 100
    assert all(r.memory_mb > 50 and r.threads >= 1 and r.handles >= 3 for r in readings)
    assert [r.frames for r in readings] == sorted(r.frames for r in readings)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_pages_of_files_do_not_count_as_memory(tmp_path: Path) -> None:
    path = tmp_path / "32 MB"
    path.write_bytes(bytes(32 << 20))
    before = read(0, 0.0).memory_mb

    pages = np.memmap(path, np.uint8, "r")
    assert not pages[::4096].any()
    mapped = read(0, 0.0).memory_mb
    with mmap.mmap(-1, 32 << 20) as own:
        own.write(b"1" * len(own))
        grown = read(0, 0.0).memory_mb

    assert mapped - before < 8
    assert grown - mapped > 24


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_real_source_is_read_at_its_own_pace_and_its_capture_process_counts(
    tiny_checkpoint: Path, render_clip: RenderClip
) -> None:
    clip = render_clip("soak.mp4", seconds=6.0)

    alone = read(0, 0.0)
    readings = soak(tiny_checkpoint, 150, [str(clip)], readings=5)

    assert readings[0].seconds >= 1.0
    assert readings[0].threads > alone.threads
