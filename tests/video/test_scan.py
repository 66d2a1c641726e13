"""A first step over a file decodes key frames alone, and leaves the rest to a second one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from adaframe.config import Preprocess, Sampling
from adaframe.video import pyav_reader
from adaframe.video.clip import ClipRequest, read_clip
from adaframe.video.facts import probe

SMALL = Preprocess(resize=32, crop=24)
Render = Callable[..., Path]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Stamps of all frames that decoders hand out."""
    stamps: list[int] = []
    decode = pyav_reader._Decoder.decode

    def counted(self: Any, packet: Any, **named: bool) -> list[Any]:
        frames = decode(self, packet, **named)
        stamps.extend(frame.pts for frame in frames)
        return frames

    monkeypatch.setattr(pyav_reader._Decoder, "decode", counted)
    return stamps


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """Eight seconds, 25 frames each, with a key frame at every even second and two more in the first."""
    path = tmp_path / "uneven.mp4"
    keys = {0, 8, 16, 50, 100, 150}
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.options = {"preset": "veryfast", "g": "1000", "sc_threshold": "0", "forced-idr": "1"}
        for i in range(200):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), i, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            frame.pict_type = PictureType.I if i in keys else PictureType.NONE
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def scanning(path: Path, **named: Any) -> ClipRequest:
    return ClipRequest(str(path), Sampling(4, 1.0), SMALL, decode="fast", scan=True, **named)


def test_a_scan_reads_key_frames_alone_and_says_what_is_left(uneven: Path, decoded: list[int]) -> None:
    assert probe(uneven).key_frames.tolist() == [0, 8, 16, 50, 100, 150]

    frames = read_clip(scanning(uneven))

    assert frames.scan is not None
    assert frames.scan.windows.tolist() == [0, 2, 4, 6]
    assert frames.scan.few.tolist() == [False, True, True, True]  # three of four, and one of four
    assert frames.scan.unread == (1, 3, 5, 7)
    assert [frames.indices[w, frames.valid[w]].tolist() for w in range(4)] == [[0, 8, 16], [50], [100], [150]]
    assert len(decoded) == 6
    assert frames.windows_total == 8


def test_parts_of_a_scan_count_windows_from_the_start_of_the_clip(uneven: Path) -> None:
    frames = read_clip(scanning(uneven, first_window=3, max_windows=3))

    assert frames.scan is not None
    assert (frames.scan.windows.tolist(), frames.scan.unread) == ([4], (3, 5))


def test_windows_by_number_are_those_of_the_whole_clip(uneven: Path) -> None:
    request = replace(scanning(uneven), decode="exact", scan=False)

    whole, some = read_clip(request), read_clip(replace(request, windows=(1, 5, 6)))

    assert some.windows_total == 8
    assert (some.indices == whole.indices[[1, 5, 6]]).all()
    assert (some.images == whole.images[[1, 5, 6]]).all()


def test_where_no_window_has_a_quarter_of_key_frames_all_are_read_exactly_at_once(render: Render) -> None:
    request = ClipRequest(str(render(frames=100, gop=40)), Sampling(16, 2.0), SMALL, decode="fast", scan=True)

    frames = read_clip(request)

    assert frames.scan is None
    assert (frames.indices == read_clip(replace(request, decode="exact", scan=False)).indices).all()


def test_windows_whose_key_frames_are_damaged_are_left_to_the_second_step(
    uneven: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = pyav_reader.decode
    monkeypatch.setattr(
        pyav_reader, "decode", lambda *given, **named: (one for one in decode(*given, **named) if one[0] != 100)
    )

    frames = read_clip(scanning(uneven))

    assert frames.scan is not None
    assert (frames.scan.windows.tolist(), frames.scan.unread) == ([0, 2, 6], (1, 3, 4, 5, 7))


def test_one_key_frame_is_not_enough_for_a_clip_that_is_shorter_than_its_window(render: Render) -> None:
    """Of 16 frames in eight seconds a clip of 1.4 s has three."""
    request = ClipRequest(str(render(frames=14, fps=10, gop=40)), Sampling(16, 8.0), SMALL, decode="fast", scan=True)

    frames = read_clip(request)

    assert frames.scan is None
    assert int(frames.valid.sum()) == 3
