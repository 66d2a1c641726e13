from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from adaframe.errors import NoVideoStream, UnreadableVideo
from adaframe.video.facts import probe

Render = Callable[..., Path]


def test_the_facts_of_an_ordinary_file(render: Render) -> None:
    facts = probe(render(frames=30, fps=25, size=(48, 64), gop=10))

    assert (facts.codec, facts.pixel_format, facts.width, facts.height) == ("h264", "yuv420p", 64, 48)
    assert "mp4" in facts.container
    assert facts.frames == 30
    assert facts.times_s == pytest.approx(np.arange(30) / 25)
    assert facts.key_frames.tolist() == [0, 10, 20]
    assert facts.fps == pytest.approx(25)
    assert facts.duration_s == pytest.approx(1.2)
    assert facts.rotation == 0
    assert facts.warnings == ()


@pytest.mark.parametrize(("counterclockwise", "clockwise"), [(90, 270), (-90, 90), (180, 180)])
def test_size_and_rotation_are_as_shown(render: Render, counterclockwise: int, clockwise: int) -> None:
    facts = probe(render(frames=3, size=(48, 64), rotate=counterclockwise))

    assert facts.rotation == clockwise
    assert (facts.width, facts.height) == ((64, 48) if clockwise == 180 else (48, 64))


def test_times_follow_a_varying_frame_rate(render: Render) -> None:
    facts = probe(render(frames=4, times=[0, 1, 5, 6]))

    assert facts.times_s == pytest.approx([0.0, 0.04, 0.2, 0.24])


def test_the_frames_of_a_cut_file_are_those_that_it_holds(render: Render) -> None:
    whole = render("whole.mkv", frames=60)
    cut = whole.with_name("cut.mkv")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])

    facts = probe(cut)
    assert 0 < facts.frames < 60
    assert any("promises 2.4 s" in warning for warning in facts.warnings)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.mp4", b"", "empty"),
        ("text.mp4", b"Dear diary, today I was renamed.\n" * 20, "no video"),
        ("text.txt", b"Dear diary, today I was tried anyway.\n" * 20, "no video"),
        ("page.mp4", b"<html><body>404 Not Found</body></html>", "no video"),
    ],
)
def test_a_file_that_is_no_video_is_unreadable(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(UnreadableVideo, match=says) as error:
        probe(path)
    assert str(path) in str(error.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableVideo, match="no such file"):
        probe(tmp_path / "missing.mp4")
    with pytest.raises(UnreadableVideo, match="folder"):
        probe(tmp_path)


def test_sound_alone_is_no_video(sound_only: Path) -> None:
    with pytest.raises(NoVideoStream, match="audio"):
        probe(sound_only)


def test_a_file_cut_before_its_index_says_so(render: Render) -> None:
    path = render()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])

    with pytest.raises(UnreadableVideo, match="moov"):
        probe(path)


def test_a_playlist_opens_no_other_file(render: Render) -> None:
    video = render()
    playlist = video.with_name("list.m3u8")
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{video.name}\n#EXT-X-ENDLIST\n")

    with pytest.raises(UnreadableVideo):
        probe(playlist)


def test_a_name_that_is_no_unicode_opens(render: Render) -> None:
    path = render(frames=5)
    odd = os.fsdecode(os.fsencode(path.parent) + b"/\xff.mp4")
    try:
        path.rename(odd)
    except OSError:
        pytest.skip("this file system refuses such names")

    assert probe(odd).frames == 5


@pytest.mark.parametrize("name", ["two  spaces .mp4", "a:b.mp4", "100%d.mp4", "http:x.mp4", "Ünïcode.mp4"])
def test_odd_names_are_only_names(render: Render, name: str) -> None:
    assert probe(render("plain.mp4", frames=5).rename(render("x.mp4").with_name(name))).frames == 5
