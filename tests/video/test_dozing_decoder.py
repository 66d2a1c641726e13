"""Packets that are held back: what is decoded all the same, when, and that nothing else comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from adaframe.video import dozing_decoder
from adaframe.video.capture_status import CaptureStatus
from adaframe.video.doze_permission import Doze, DozePermission
from adaframe.video.dozing_decoder import DozingDecoder

Render = Callable[..., Path]
FOR_EVER = float("inf")


@dataclass
class Clock:
    now_s: float = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def thread_time(self) -> float:
        return self.now_s


@dataclass
class Picture:
    pts: int
    time_base: Fraction = Fraction(1, 10)


@dataclass
class Packet:
    """Ten a second; every tenth is a key frame, unless told otherwise."""

    pts: int | None
    clock: Clock
    size: int = 100
    is_keyframe: bool = False
    takes_s: float = 0.0
    time_base: Fraction = Fraction(1, 10)
    decodings: int = 0

    def decode(self) -> list[Picture]:
        self.decodings += 1
        self.clock.now_s += self.takes_s
        return [] if self.pts is None else [Picture(self.pts)]


class Codec:
    """One that keeps nothing back."""

    def decode(self, packet: None) -> list[Picture]:
        return []

    def flush_buffers(self) -> None:
        pass


@dataclass
class Played:
    """A decoder at work: is permitted to doze, plays packets a tenth of a second apart, notes what comes."""

    clock: Clock
    permission: DozePermission = field(default_factory=DozePermission)
    status: CaptureStatus = field(default_factory=CaptureStatus)

    def __post_init__(self) -> None:
        self.decoder = DozingDecoder(Codec(), self.permission, self.status)
        self.packets: list[Packet] = []

    def play(self, count: int, *, size: int = 100, key_every: int = 10, takes_s: float = 0.0) -> list[int]:
        """Time stamps of the pictures that so many packets bring."""
        given = []
        for _ in range(count):
            n = len(self.packets)
            self.packets.append(Packet(n, self.clock, size, n % key_every == 0, takes_s))
            self.clock.now_s += 0.1 - takes_s
            for picture in self.decoder.frames(self.packets[-1]):
                self.status.count(self.clock.now_s)
                given.append(picture.pts)
        return given

    def decoded(self) -> list[int]:
        return [packet.pts for packet in self.packets if packet.pts is not None and packet.decodings]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    clock = Clock()
    monkeypatch.setattr(dozing_decoder, "time", clock)
    return Played(clock)


def test_without_permission_every_packet_is_decoded_as_it_comes(played: Played) -> None:
    assert played.play(25) == list(range(25))
    assert played.permission.possible
    assert played.status.dropped == 0


def test_of_a_still_scene_key_frames_alone_are_decoded(played: Played) -> None:
    played.play(25)
    played.permission.doze = Doze(0.0, FOR_EVER)

    assert played.play(30) == [30, 40, 50]
    assert played.decoded() == [*range(25), 30, 40, 50]
    assert played.status.count(0.0)[0] == 51  # so many were captured by the last key frame: those let go count
    assert played.status.dropped == 51 - 25 - 3


def test_a_key_frame_that_is_not_welcome_yet_is_not_decoded(played: Played) -> None:
    played.play(25)
    played.permission.doze = Doze(played.clock.now_s + 1.0, FOR_EVER)

    assert played.play(20) == [40]


def test_packets_that_grow_wake_it_and_the_newest_picture_is_given_at_once(played: Played) -> None:
    played.play(25)
    played.permission.doze = Doze(0.0, FOR_EVER)
    assert played.play(28) == [30, 40, 50]

    assert played.play(3, size=500) == [53, 54, 55]  # the first of them, and then every one
    assert played.decoded() == [*range(25), 30, 40, *range(50, 56)]
    assert played.status.count(0.0)[0] == 56

    played.play(8)
    played.permission.doze = Doze(0.0, FOR_EVER)  # whoever takes the pictures saw that nothing had moved
    assert played.play(4) == []


def test_a_run_that_grows_a_little_in_every_packet_is_noticed_too(played: Played) -> None:
    played.play(25)
    played.permission.doze = Doze(0.0, FOR_EVER)

    played.play(25)
    given = played.play(14, size=135, key_every=1000)

    assert given[0] in range(55, 59)
    assert given == list(range(given[0], 64))


def test_when_somebody_wants_pictures_again_what_is_held_is_decoded_in_order(played: Played) -> None:
    played.play(25)
    played.permission.doze = Doze(0.0, FOR_EVER)
    played.play(8)

    played.permission.doze = None

    assert played.play(4) == [33, 34, 35, 36]
    assert [packet.decodings for packet in played.packets[30:34]] == [2, 1, 1, 1]  # the key frame was needed twice


def test_where_no_key_frame_comes_there_is_a_picture_in_time_and_it_dozes_on(played: Played) -> None:
    played.play(25)
    played.permission.doze = Doze(0.0, played.clock.now_s + 0.75)

    assert played.play(9, key_every=1000) == [32]
    assert played.decoded() == list(range(33))


def test_what_is_held_is_bounded_in_bytes_and_in_what_it_takes_to_catch_up(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dozing_decoder, "_BYTES", 1000)
    played.play(25)
    played.permission.doze = Doze(0.0, FOR_EVER)
    assert played.play(25, key_every=1000) == [35, 46]

    slow = Played(played.clock)
    slow.play(60, takes_s=0.05, size=1)
    slow.permission.doze = Doze(0.0, FOR_EVER)

    assert slow.play(20, takes_s=0.05, size=1, key_every=1000) == [65, 71, 77]  # 0.25 s of decoding, and one


def test_it_dozes_only_after_a_first_picture_and_never_over_packets_without_time(played: Played) -> None:
    played.permission.doze = Doze(0.0, FOR_EVER)
    assert played.play(4) == [0]

    untimed = Packet(None, played.clock)
    assert list(played.decoder.frames(untimed))[-1].pts == 3  # the end of a file: what is held comes out
    assert untimed.decodings == 1
    assert not played.permission.possible


CODECS = [
    ("libx264", {"g": "12", "bf": "3"}),
    ("libx264", {"g": "12", "tune": "zerolatency"}),
    ("libx264", {"g": "12", "bf": "2", "x264-params": "open-gop=1"}),
    ("mpeg4", {"g": "12", "bf": "2"}),
    ("mpeg2video", {"g": "12", "bf": "2"}),
]


@pytest.mark.parametrize(("codec", "options"), CODECS)
def test_pictures_after_a_doze_are_those_of_decoding_all_along(
    tmp_path: Path, codec: str, options: dict[str, str]
) -> None:
    path = tmp_path / "video.ts"
    _write(path, codec, options, frames=120)
    expected = {frame.pts: _pixels(frame) for frame in _frames(path, lambda n: False)}

    for asleep in (range(30, 45), range(37, 80), range(50, 51), range(31, 119)):
        woken = list(_frames(path, lambda n, asleep=asleep: n in asleep))

        assert [frame.pts for frame in woken] == sorted({frame.pts for frame in woken})
        assert len(woken) < len(expected)
        for frame in woken:
            np.testing.assert_array_equal(_pixels(frame), expected[frame.pts])
        assert woken[-1].pts == max(expected)


def _frames(path: Path, asleep: Callable[[int], bool]) -> Iterable[av.VideoFrame]:
    permission = DozePermission()
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context
        codec.thread_count = 1
        decoder = DozingDecoder(codec, permission, CaptureStatus())
        for n, packet in enumerate(container.demux(video=0)):
            permission.doze = Doze(0.0, FOR_EVER) if asleep(n) else None
            for frame in decoder.frames(packet):
                assert frame.time is not None
                yield frame


def _pixels(frame: av.VideoFrame) -> np.ndarray:
    return frame.to_ndarray(format="rgb24")


def _write(path: Path, codec: str, options: dict[str, str], *, frames: int) -> None:
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.options = 96, 64, "yuv420p", options
        for n in range(frames):
            picture = random.integers(100, 110, (64, 96, 3), dtype=np.uint8)
            picture[20:30, n % 80 : n % 80 + 10] += 90
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = n, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
