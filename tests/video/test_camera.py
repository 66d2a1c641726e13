"""Files that are played, and what a camera does about its capture process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import pytest

from adaframe.errors import DecoderFailure, UnreadableVideo
from adaframe.evaluation.speed.decode_films import encode
from adaframe.video import Camera, Cameras, LiveFrame
from adaframe.video.reader import read_frames

RenderClip = Callable[..., Path]
Render = Callable[..., Path]


def shots_of(camera: Camera) -> list[LiveFrame]:
    shots = []
    while not camera.ended:
        shot = camera.take(5.0)
        if isinstance(shot, LiveFrame):
            shots.append(shot)
    return shots


def test_every_frame_of_a_file_comes_as_classify_sees_it(render_clip: RenderClip) -> None:
    path = render_clip("every.mp4", 0.6, fps=25)

    with Camera(str(path), every_frame=True) as camera:
        shots = []
        while not camera.ended:
            shot = camera.take(5.0)
            assert isinstance(shot, LiveFrame)
            shots.append(shot)
            time.sleep(0.01)  # work: the file waits

    expected = read_frames(path, np.arange(15)).images
    assert [shot.number for shot in shots] == list(range(15))
    np.testing.assert_array_equal(np.stack([shot.image for shot in shots]), expected)
    np.testing.assert_allclose([shot.stream_s for shot in shots], np.arange(15) / 25, atol=1e-6)
    assert shots[-1].dropped == 0
    assert (shots[-1].time - shots[0].time).total_seconds() == pytest.approx(14 / 25, abs=1e-4)
    assert shots[0].time.tzinfo is not None


def test_a_file_plays_at_its_own_speed_and_what_comes_meanwhile_is_dropped_and_counted(render_clip: RenderClip) -> None:
    path = render_clip("live.mp4", 1.0, fps=25)

    with Camera(str(path)) as camera:
        first = camera.take(30.0)
        started = time.monotonic()
        time.sleep(0.4)  # the model works
        second = camera.take(1.0)
        rest = shots_of(camera)
        lasted = time.monotonic() - started

    assert isinstance(first, LiveFrame)
    assert isinstance(second, LiveFrame)
    assert first.number == 0
    assert second.number >= 6
    assert second.dropped == second.number - 1
    assert rest[-1].number == 24
    assert 0.8 < lasted < 3.0


def test_a_played_file_waits_for_the_first_to_look(render_clip: RenderClip) -> None:
    with Camera(str(render_clip("live.mp4", 1.0, fps=25))) as camera:
        time.sleep(1.5)
        first = camera.take(30.0)

    assert isinstance(first, LiveFrame)
    assert first.number == 0


def test_frames_are_the_callers_own(render_clip: RenderClip) -> None:
    with Camera(str(render_clip("every.mp4", 0.6, fps=25)), every_frame=True) as camera:
        first = camera.take(30.0)
        assert isinstance(first, LiveFrame)
        before = first.image.copy()
        shots_of(camera)

    np.testing.assert_array_equal(first.image, before)


def test_files_that_cannot_be_used_raise_once_and_end(tmp_path: Path) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(b"no video at all" * 100)

    with Camera(str(path)) as camera:
        with pytest.raises(UnreadableVideo, match=r"noise\.mp4: is no video"):
            camera.take(30.0)
        assert camera.ended
        assert camera.take(0.0) is None


def test_a_camera_that_may_doze_gives_key_frames_alone_until_it_is_woken(tmp_path: Path) -> None:
    path, picture = tmp_path / "still.mp4", np.arange(64 * 96 * 3).reshape(64, 96, 3) // 128
    encode(path, [picture.astype(np.uint8)] * 100, fps=25, gop=25)

    with Camera(str(path)) as camera:
        first = camera.take(30.0)
        now = time.monotonic()
        camera.doze(now, now + 60.0)
        dozing = camera.dozing
        rest = [shot for shot in (camera.take(0.5) for _ in range(5)) if isinstance(shot, LiveFrame)]
        camera.wake()
        awake = shots_of(camera)

    assert isinstance(first, LiveFrame)
    assert dozing
    assert not camera.dozing
    assert [round(shot.stream_s * 25) for shot in rest[-2:]] == [25, 50]  # one before may have been there already
    assert len(rest) <= 3
    last = [*rest, *awake][-1]
    assert (last.number, round(last.stream_s * 25)) == (99, 99)
    np.testing.assert_array_equal(last.image, read_frames(path, np.array([99])).images[0])


def test_a_file_that_is_to_lose_no_frame_and_one_that_nobody_has_seen_do_not_doze(render: Render) -> None:
    with Camera(str(render()), every_frame=True) as camera:
        camera.doze(0.0, float("inf"))
        assert not camera.dozing
        assert len(shots_of(camera)) == 50


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_a_rotated_file_comes_as_shown(render: Render, rotate: int) -> None:
    path = render(rotate=rotate)

    with Camera(str(path)) as camera:
        shot = camera.take(30.0)

    assert isinstance(shot, LiveFrame)
    np.testing.assert_array_equal(shot.image, read_frames(path, np.array([0])).images[0])


def test_several_sources_each_get_their_turn(render_clip: RenderClip) -> None:
    paths = [str(render_clip(f"fair{i}.mp4", 0.6, fps=25, seed=i)) for i in range(2)]
    counts = dict.fromkeys(paths, 0)

    with Cameras(paths, every_frame=True) as cameras:
        while not cameras.ended:
            news = cameras.take(5.0)
            assert len({one.source for one in news}) == len(news)
            for one in news:
                counts[one.source] += 1

    assert counts == dict.fromkeys(paths, 15)


def test_a_bad_file_among_others_raises_once_and_the_others_go_on(render_clip: RenderClip, tmp_path: Path) -> None:
    bad, good = tmp_path / "noise.mp4", render_clip("every.mp4", 0.6, fps=25)
    bad.write_bytes(b"no video at all" * 100)
    failures, numbers = [], []

    with Cameras([str(bad), str(good)], every_frame=True) as cameras:
        while not cameras.ended:
            try:
                numbers += [one.number for one in cameras.take(5.0) if isinstance(one, LiveFrame)]
            except UnreadableVideo as error:
                failures.append(error.where)

    assert failures == [str(bad)]
    assert numbers == list(range(15))


def test_a_decoder_that_crashes_is_an_error_of_its_file(render_clip: RenderClip) -> None:
    with Camera(str(render_clip("live.mp4", 1.0, fps=25))) as camera:
        assert camera.take(30.0) is not None
        os.kill(camera.process_id, signal.SIGKILL)

        with pytest.raises(DecoderFailure, match=r"crashed \(SIGKILL\)"):
            shots_of(camera)
        assert camera.ended


def test_nothing_is_left_after_closing(render_clip: RenderClip) -> None:
    camera = Camera(str(render_clip("live.mp4", 1.0, fps=25)))
    assert camera.take(30.0) is not None
    process, name = camera.process_id, camera._block.name

    camera.close()
    camera.close()

    assert camera.ended
    assert camera.take(0.0) is None
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    with pytest.raises(FileNotFoundError):
        SharedMemory(name)


def test_a_script_without_a_main_guard_works(render_clip: RenderClip, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from adaframe.video import Camera\n"
        "print('run')\n"
        "with Camera(sys.argv[1]) as camera:\n"
        "    print(camera.take(30.0).number)\n"
    )

    done = subprocess.run(
        [sys.executable, str(script), str(render_clip("live.mp4", 1.0, fps=25))],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stdout.split() == ["run", "0"]
    assert done.stderr == ""


def test_nothing_is_left_of_a_caller_that_is_killed(render_clip: RenderClip, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, time\n"
        "from adaframe.video import Camera\n"
        "camera = Camera(sys.argv[1])\n"
        "camera.take(30.0)\n"
        "print(camera.process_id, camera._block.name, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, str(script), str(render_clip("live.mp4", 1.0, fps=25))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as caller:
        assert caller.stdout is not None
        process, name = caller.stdout.readline().split()
        caller.kill()

    def is_left() -> bool:
        return Path(f"/proc/{process}/fd").exists() or Path("/dev/shm", name.lstrip("/")).exists()

    end = time.monotonic() + 10
    while is_left() and time.monotonic() < end:
        time.sleep(0.1)
    assert not is_left()
