from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from video_shades import seen, shade

from adaframe.config import Preprocess, Sampling
from adaframe.errors import UnreadableVideo
from adaframe.video.cache import FrameCache
from adaframe.video.clip import ClipRequest

Render = Callable[..., Path]
SMALL = Preprocess(resize=32, crop=24)


def request(path: Path, window_s: float | None = 1.0, **more: object) -> ClipRequest:
    return ClipRequest(str(path), Sampling(frames=4, window_s=window_s), SMALL, **more)  # type: ignore[arg-type]


def build(folder: Path, *requests: ClipRequest) -> FrameCache:
    cache, _ = FrameCache.build_or_open(folder, requests, pool_workers=1)
    assert cache is not None
    return cache


def test_a_cache_gives_the_frames_of_the_clips(render: Render, tmp_path: Path) -> None:
    short, long = render("short.mp4", frames=25), render("long.mp4", frames=50, size=(96, 64))
    told: list[tuple[int, int]] = []

    cache, errors = FrameCache.build_or_open(
        tmp_path / "cache",
        [request(short), request(long)],
        pool_workers=1,
        progress=lambda done, of: told.append((done, of)),
    )

    assert cache is not None
    assert errors == {}
    assert len(cache) == 2
    assert told == [(1, 2), (2, 2)]
    assert [len(cache.times_s(clip)) for clip in (0, 1)] == [8, 16]
    assert cache.frames(0, [0]).shape == (1, 32, 48, 3)
    assert cache.frames(1, [0]).shape == (1, 48, 32, 3)
    for clip in (0, 1):
        candidates = np.array([0, 3, 3, 7])
        indices = np.round(cache.times_s(clip)[candidates] * 25).astype(int)
        assert seen(cache.frames(clip, candidates)) == pytest.approx([shade(i) for i in indices], abs=1)


def test_a_long_clip_gives_four_windows_spread_over_it(render: Render, tmp_path: Path) -> None:
    cache = build(tmp_path / "cache", request(render(frames=250)))

    assert cache.spans_s(0) == pytest.approx(np.array([[0, 1], [3, 4], [6, 7], [9, 10]]))
    assert len(cache.times_s(0)) == 32


def test_a_clip_without_windows_gives_twice_as_many_frames_as_sampled(render: Render, tmp_path: Path) -> None:
    cache = build(tmp_path / "cache", request(render(frames=250), window_s=None))

    assert len(cache.times_s(0)) == 8
    assert cache.spans_s(0).tolist() == [[0.0, 10.0]]


def test_a_second_time_it_is_only_opened_and_remembers_what_failed(render: Render, tmp_path: Path) -> None:
    requests = [request(tmp_path / "missing.mp4"), request(render(frames=25))]
    _, first = FrameCache.build_or_open(tmp_path / "cache", requests, pool_workers=1)

    cache, again = FrameCache.build_or_open(
        tmp_path / "cache", requests, pool_workers=1, progress=lambda *_: pytest.fail("built twice")
    )

    assert cache is not None
    assert [str(error) for error in again.values()] == [str(error) for error in first.values()]
    assert list(again) == [0]
    assert isinstance(again[0], UnreadableVideo)
    assert len(cache.times_s(0)) == 0
    with pytest.raises(UnreadableVideo, match="no such file"):
        cache.frames(0, [0])
    assert len(cache.frames(1, [0, 1])) == 2


def test_changed_files_and_settings_build_anew(render: Render, tmp_path: Path) -> None:
    path = render(frames=25)
    folder = tmp_path / "cache"
    first = build(folder, request(path)).folder

    os.utime(path, (1, 1))
    touched = build(folder, request(path)).folder
    larger = build(folder, replace(request(path), preprocess=Preprocess(resize=40, crop=24))).folder
    other_crop = build(folder, replace(request(path), preprocess=Preprocess(resize=32, crop=20), seed=3)).folder

    assert len({first, touched, larger}) == 3
    assert other_crop == touched


def test_too_large_a_cache_is_not_built(render: Render, tmp_path: Path) -> None:
    cache, _ = FrameCache.build_or_open(
        tmp_path / "cache", [request(render(frames=25))], pool_workers=1, limit_gb=30e-6
    )

    assert cache is None
    assert not any((tmp_path / "cache").iterdir())


def test_only_bad_clips_give_an_empty_cache(tmp_path: Path) -> None:
    cache = build(tmp_path / "cache", request(tmp_path / "missing.mp4"))

    assert len(cache) == 1
    assert list(cache.errors) == [0]


def test_a_pickled_cache_opens_its_files_again(render: Render, tmp_path: Path) -> None:
    cache = build(tmp_path / "cache", request(render(frames=25)))

    content = pickle.dumps(cache)

    assert len(content) < 1000
    assert (pickle.loads(content).frames(0, [1]) == cache.frames(0, [1])).all()


BUILD = """
import sys, time
from pathlib import Path
from adaframe.config import Preprocess, Sampling
from adaframe.video import ClipRequest, FrameCache
folder, path, pause = sys.argv[1:]
def progress(done, of):
    print(done, flush=True)
    time.sleep(float(pause))
requests = [ClipRequest(path, Sampling(4, 1.0), Preprocess(resize=32, crop=24), start_s=s / 10) for s in range(4)]
cache, _ = FrameCache.build_or_open(Path(folder), requests, pool_workers=1, progress=progress)
print("sum", int(cache.frames(3, [0, 1]).sum()))
"""


def start(folder: Path, path: Path, pause: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", BUILD, str(folder), str(path), str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_killed_build_leaves_nothing_that_opens(render: Render, tmp_path: Path) -> None:
    folder, path = tmp_path / "cache", render(frames=25)
    with start(folder, path, pause=30) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    assert [entry.name.startswith("building-") for entry in folder.iterdir()] == [True]

    with start(folder, path, pause=0) as process:
        output = process.communicate(timeout=60)[0]

    assert output.startswith("1\n2\n3\n4\nsum")
    assert [entry.name.startswith("building-") for entry in folder.iterdir()] == [False]


def test_two_builds_at_once_give_one_good_cache(render: Render, tmp_path: Path) -> None:
    folder, path = tmp_path / "cache", render(frames=25)

    processes = [start(folder, path, pause=0.1) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]

    assert len({output.splitlines()[-1] for output in outputs}) == 1
    assert "sum" in outputs[0]
    time.sleep(0.1)
    assert len(list(folder.iterdir())) == 1
