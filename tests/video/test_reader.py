from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from video_shades import seen, shade

from adaframe.config import Preprocess
from adaframe.errors import UnreadableVideo, UsageError
from adaframe.video import decoding_runs, decord_reader, pyav_reader
from adaframe.video.facts import probe
from adaframe.video.reader import read_frames

Render = Callable[..., Path]


def near(images: np.ndarray, indices: list[int]) -> bool:
    return np.abs(np.array(seen(images)) - [shade(i) for i in indices]).max() <= 1


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
@pytest.mark.parametrize("gop", [1, 12, 250])
@pytest.mark.parametrize("indices", [[0], [49], [3, 4, 30], [26, 48], list(range(50))])
def test_the_frames_asked_for_are_those_that_come(render: Render, suffix: str, gop: int, indices: list[int]) -> None:
    frames = read_frames(render(f"a.{suffix}", gop=gop), indices)

    assert frames.indices.tolist() == indices
    assert frames.images.shape == (len(indices), 64, 96, 3)
    assert near(frames.images, indices)
    assert frames.times_s == pytest.approx(np.array(indices) / 25, abs=2e-3)
    assert frames.warnings == ()


@pytest.mark.parametrize("codec", ["mpeg4", "mpeg2video", "libx265", "libvpx-vp9"])
def test_other_codecs_give_their_frames(render: Render, codec: str) -> None:
    frames = read_frames(render("a.mkv", frames=30, codec=codec), [2, 17, 29])

    assert np.abs(np.array(seen(frames.images)) - [shade(i) for i in (2, 17, 29)]).max() <= 4


def test_frames_come_in_the_order_asked_for_and_may_repeat(render: Render) -> None:
    frames = read_frames(render(), [7, 2, 7])

    assert frames.indices.tolist() == [7, 2, 7]
    assert near(frames.images, [7, 2, 7])


def test_several_decoder_threads_change_nothing(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    path = render(gop=12)

    images = {}
    for threads in (1, 4):
        monkeypatch.setattr(pyav_reader, "threads", threads)
        images[threads] = read_frames(path, [5, 30, 49]).images

    assert (images[1] == images[4]).all()


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("gop", [1, 2, 12])
def test_far_into_a_file_the_same_frames_come(
    render: Render, monkeypatch: pytest.MonkeyPatch, suffix: str, gop: int
) -> None:
    path = render(f"a.{suffix}", gop=gop, frames=70)

    monkeypatch.setattr(decoding_runs, "_SEEK_PACKETS", 0)
    for first in range(70):
        frames = read_frames(path, [first, 69])
        assert frames.warnings == ()
        assert near(frames.images, [first, 69])


def test_frames_without_time_stamps_are_counted(render: Render) -> None:
    path = render("raw.h264", frames=30)
    assert probe(path).ticks is None

    assert near(read_frames(path, [4, 20, 29]).images, [4, 20, 29])


@pytest.mark.parametrize("rotate", [0, 90, 180, -90])
def test_pictures_are_turned_as_they_are_shown(render: Render, rotate: int) -> None:
    frames = read_frames(render(frames=3, size=(64, 96), rotate=rotate), [1])

    bright = np.zeros((64, 96), bool)
    bright[:32, :48] = True
    bright = np.rot90(bright, rotate // 90)
    image = frames.images[0].astype(int)
    assert image.shape[:2] == bright.shape
    assert image[bright].mean() - image[~bright].mean() == pytest.approx(16, abs=2)


@pytest.mark.parametrize("rotate", [0, 90, -90])
def test_both_readers_agree(render: Render, rotate: int) -> None:
    pytest.importorskip("decord")
    path = render(frames=40, size=(120, 160), rotate=rotate)

    ours, theirs = (read_frames(path, [0, 13, 39], reader=reader) for reader in ("pyav", "decord"))

    assert (ours.reader, theirs.reader) == ("pyav", "decord")
    assert np.abs(ours.images.astype(int) - theirs.images).mean() < 1


def test_both_readers_agree_on_real_files(shared_data: Path) -> None:
    pytest.importorskip("decord")
    files = [
        *sorted((shared_data / "data/fight_surv/clips").glob("*.mp4"))[::60],
        *sorted((shared_data / "data/fight_surv/original_720p").glob("*.mp4"))[:1],
        shared_data / "media/iphone_portrait_rot90.MOV",
        shared_data / "media/h264_pyramid_b_sar.mp4",
    ]
    for path in files:
        indices = np.linspace(0, probe(path).frames - 1, 5).astype(int)
        ours, theirs = (read_frames(path, indices, reader=reader) for reader in ("pyav", "decord"))
        assert theirs.reader == "decord", path
        assert np.abs(ours.images.astype(int) - theirs.images).mean() < 1, path


def test_decord_is_not_used_where_it_is_known_to_be_wrong(render: Render) -> None:
    path = render(frames=5, size=(72, 72))

    frames = read_frames(path, [1], reader="decord")

    assert "72x72" in decord_reader.unsuited(probe(path))
    assert frames.reader == "pyav"
    assert any("decord does not suit" in warning for warning in frames.warnings)


def test_the_other_reader_takes_over_where_one_fails(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    path = render(frames=5)

    def fails(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(decord_reader, "decode", fails)
    frames = read_frames(path, [1], reader="decord")
    assert frames.reader == "pyav"
    assert any("decord failed (broken)" in warning for warning in frames.warnings)


def test_auto_falls_back_to_decord(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("decord")
    path = render(frames=5)

    monkeypatch.setattr(pyav_reader, "decode", lambda *_, **__: iter(()))

    assert read_frames(path, [1]).reader == "decord"


def test_frames_are_resized_and_cropped_once(render: Render) -> None:
    path = render(frames=5, size=(64, 96))
    preprocess = Preprocess(resize=32, crop=24)

    assert read_frames(path, [0, 1], preprocess=preprocess).images.shape == (2, 24, 24, 3)
    assert read_frames(path, [0, 1], preprocess=preprocess, crop=False).images.shape == (2, 32, 48, 3)


def test_a_damaged_middle_costs_some_frames_and_gives_a_warning(render: Render) -> None:
    path = render("a.mp4", frames=50, gop=5, size=(128, 128))
    content = bytearray(path.read_bytes())
    middle = (content.index(b"mdat") + content.index(b"moov")) // 2
    content[middle : middle + 700] = bytes(700)
    path.write_bytes(content)

    frames = read_frames(path, range(50))

    assert 20 <= len(frames.images) < 50
    assert frames.warnings
    assert near(frames.images[:5], [0, 1, 2, 3, 4])


def test_a_file_without_any_decodable_frame_is_an_error(render: Render) -> None:
    path = render("a.avi", frames=5, size=(64, 64))
    content = bytearray(path.read_bytes())
    movie = content.index(b"movi")
    for place in range(movie, len(content) - 8):
        if content[place : place + 4] == b"00dc":
            size = int.from_bytes(content[place + 4 : place + 8], "little")
            content[place + 8 : place + 8 + size] = bytes(size)
    path.write_bytes(content)

    with pytest.raises(UnreadableVideo):
        read_frames(path, [0, 1, 2])


def test_wrong_use_is_told(render: Render) -> None:
    path = render(frames=5)

    with pytest.raises(IndexError, match="0 to 4"):
        read_frames(path, [5])
    with pytest.raises(UsageError, match="known: auto"):
        read_frames(path, [0], reader="opencv")
