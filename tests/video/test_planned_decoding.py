"""Decoding only what is needed gives the frames that decoding everything gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from adaframe.config import Preprocess, Sampling
from adaframe.errors import UsageError
from adaframe.video import decoding_runs, pyav_reader
from adaframe.video.clip import ClipRequest, read_clip
from adaframe.video.facts import VideoFacts, probe

SMALL = Preprocess(resize=32, crop=24)
FRAMES = 100
Film = Callable[..., Path]

# x264's groups of frames: closed ones of 20 with B-frames as references, open ones, key frames only, a single long one.
CLOSED = "keyint=20:min-keyint=20:bframes=3:b-adapt=0:b-pyramid=normal:scenecut=0"
OPEN = CLOSED + ":open-gop=1"
SINGLE = "keyint=1"
LONG = "keyint=250:bframes=3:scenecut=0"
FIELDS = "keyint=20:bframes=3:tff=1:scenecut=0"
STRIPES = "keyint=20:intra-refresh=1:scenecut=0"  # no picture decodes alone; packets are marked as key frames even so


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Renders 100 frames of a texture that drifts, 25 a second; each set of options and suffix once."""
    base = tmp_path_factory.mktemp("films")
    made: dict[tuple[str, str, str], Path] = {}

    def make(options: str = CLOSED, suffix: str = "mp4", codec: str = "libx264") -> Path:
        path = base / f"{len(made)}.{suffix}"
        if (options, suffix, codec) in made:
            return made[options, suffix, codec]
        texture = np.random.default_rng(0).integers(64, 192, (64, 64, 3)).astype(np.uint8).repeat(4, 0).repeat(4, 1)
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            stream.options = {"preset": "veryfast", f"{codec[3:]}-params": f"{options}:log-level=error"}
            for i in range(FRAMES):
                picture = np.ascontiguousarray(texture[i : i + 64, i // 2 : i // 2 + 96])
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = i, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        made[options, suffix, codec] = path
        return path

    return make


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


def straight(path: Path) -> dict[int, np.ndarray]:
    """All frames, by nothing but PyAV."""
    with av.open(str(path)) as container:
        return {i: frame.to_ndarray(format="rgb24") for i, frame in enumerate(container.decode(video=0))}


def places(facts: VideoFacts, stamps: list[int]) -> list[int]:
    """Indices of frames, rising."""
    assert facts.ticks is not None
    return [int(i) for i in np.searchsorted(facts.ticks, sorted(stamps))]


def some_of(frames: int) -> list[list[int]]:
    """Each frame alone, and sets of two to sixteen."""
    draw = random.Random(0)
    return [[i] for i in range(frames)] + [sorted(draw.sample(range(frames), k)) for k in (2, 2, 3, 5, 8, 16, 16)]


def differ(path: Path, wanted: list[list[int]]) -> list[tuple[list[int], int]]:
    """Frames that are lost, or not the same to the last bit."""
    facts, expected = probe(path), straight(path)
    assert len(expected) == FRAMES
    wrong = []
    for indices in wanted:
        got = {index: image for index, image, _ in pyav_reader.decode(facts, indices)}
        wrong += [(indices, i) for i in indices if i not in got or (got[i] != expected[i]).any()]
    return wrong


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("options", [CLOSED, OPEN, SINGLE, LONG, FIELDS, STRIPES])
def test_the_frames_are_those_of_decoding_everything(film: Film, options: str, suffix: str) -> None:
    assert differ(film(options, suffix), some_of(FRAMES)) == []


@pytest.mark.parametrize("suffix", ["ts", "avi"])
def test_files_without_an_index_give_the_same_frames(film: Film, suffix: str) -> None:
    path = film(CLOSED, suffix)

    expected = straight(path)
    for indices in some_of(FRAMES)[::9]:
        got = [image for _, image, _ in pyav_reader.decode(probe(path), indices)]
        assert len(got) == len(indices)
        if suffix == "ts":
            assert all((image == expected[i]).all() for i, image in zip(indices, got, strict=True))


def test_frames_before_an_open_groups_key_frame_are_not_lost_in_hevc(film: Film) -> None:
    options = "keyint=20:min-keyint=20:bframes=3:b-adapt=0:scenecut=0:open-gop=1"

    assert differ(film(options, "mp4", "libx265"), some_of(FRAMES)[::4]) == []


def test_seeking_everywhere_changes_nothing(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding_runs, "_SEEK_PACKETS", 0)
    monkeypatch.setattr(decoding_runs, "_THROUGH", 0)

    for options in (CLOSED, OPEN, SINGLE):
        assert differ(film(options), some_of(FRAMES)[::3]) == []


def test_several_threads_change_nothing(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyav_reader, "threads", 3)

    assert differ(film(OPEN), some_of(FRAMES)[::3]) == []


def test_a_field_by_itself_is_not_taken_for_a_frame(film: Film, decoded: list[int]) -> None:
    facts = probe(film(FIELDS))
    assert facts.interlaced
    assert not probe(film(CLOSED)).interlaced

    decoded.clear()
    list(pyav_reader.decode(facts, [5]))

    # The decoder is given what follows, until it hands the frame out by itself.
    assert len(decoded) > 6


def test_only_what_a_wanted_frame_needs_is_decoded(film: Film, decoded: list[int]) -> None:
    facts = probe(film(CLOSED))

    list(pyav_reader.decode(facts, [41, 60]))
    planned = len(decoded)
    list(pyav_reader.decode(facts, [41, 60], planned=False))

    assert planned <= 6
    assert len(decoded) - planned >= 61


def test_frames_that_none_refers_to_are_not_decoded(film: Film, decoded: list[int]) -> None:
    facts = probe(film(CLOSED))
    decoded.clear()

    list(pyav_reader.decode(facts, [36]))

    # Every fourth frame, and the middle ones between them, which are references too; 34 comes behind 36 in the file.
    assert places(facts, decoded) == [*range(20, 34, 2), 36]


def test_frames_before_an_open_groups_key_frame_cost_no_more_than_their_group(
    film: Film, decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding_runs, "_THROUGH", 0)
    facts = probe(film(OPEN))
    assert facts.key_frames.tolist() == [0, 20, 40, 60, 80]
    decoded.clear()

    # In the file frame 58 comes behind key frame 60.
    list(pyav_reader.decode(facts, [58, 65]))

    assert places(facts, decoded)[0] == 40
    assert len(decoded) < 40


def test_a_key_frame_decodes_alone(film: Film, decoded: list[int]) -> None:
    facts = probe(film(CLOSED))

    list(pyav_reader.decode(facts, [0, 40, 80]))

    assert len(decoded) == 3


def test_where_a_seek_lands_elsewhere_packets_are_passed_instead(
    film: Film, monkeypatch: pytest.MonkeyPatch, decoded: list[int]
) -> None:
    facts = probe(film(CLOSED))
    monkeypatch.setattr(pyav_reader._Packets, "seek", lambda self, keys: False)

    assert differ(film(CLOSED), [[3, 90]]) == []
    assert not set(range(20, 40)) & set(places(facts, decoded))


def test_wrong_facts_fall_back_to_decoding_everything(film: Film) -> None:
    facts, expected = probe(film(CLOSED)), straight(film(CLOSED))
    wrong = replace(facts, key_frames=np.array([0, 7, 13, 31, 55]))

    got = {index: image for index, image, _ in pyav_reader.decode(wrong, [9, 33, 70])}

    assert all((got[i] == expected[i]).all() for i in (9, 33, 70))


def test_far_into_a_file_a_frame_that_is_missed_does_not_cost_the_others(
    film: Film, monkeypatch: pytest.MonkeyPatch, decoded: list[int]
) -> None:
    facts = probe(film(STRIPES))
    monkeypatch.setattr(pyav_reader, "_FAR", 50)
    by_stamps = pyav_reader._by_stamps
    # As if earlier key frames did not help.
    monkeypatch.setattr(
        pyav_reader, "_by_stamps", lambda *given, final: by_stamps(*given[:3], 0, *given[4:], final=final)
    )

    # From key frame 60 nothing is shown before frame 70; and 99 can be shown from key frame 80 on.
    got = [index for index, _, _ in pyav_reader.decode(facts, [63, 99])]

    assert got == [99]
    assert places(facts, decoded)[0] >= 60


def test_where_key_frames_do_not_decode_alone_earlier_ones_help(film: Film, decoded: list[int]) -> None:
    path = film(STRIPES)
    facts = probe(path)
    assert facts.key_frames.tolist() == [0, 20, 40, 60, 80]

    assert differ(path, [[83]]) == []
    # From frame 80 on nothing can be shown before frame 90; from 40 on from 50 on.
    assert places(facts, decoded)[0] >= 50
    assert 83 in places(facts, decoded)


def test_fast_takes_key_frames_and_says_which(film: Film, decoded: list[int]) -> None:
    path = str(film(CLOSED))

    got = read_clip(ClipRequest(path, Sampling(frames=8), SMALL, decode="fast"))

    assert got.indices[0][got.valid[0]].tolist() == [0, 20, 40, 60, 80]
    assert got.times_s[0][got.valid[0]] == pytest.approx([0.0, 0.8, 1.6, 2.4, 3.2])
    assert got.valid[0].tolist() == [True] * 5 + [False] * 3
    assert len(decoded) == 5


def test_fast_gives_the_pictures_of_its_key_frames(film: Film) -> None:
    path = film(CLOSED)
    whole = Preprocess(resize=64, crop=64)

    got = read_clip(ClipRequest(str(path), Sampling(frames=8), whole, crop=False, decode="fast"))

    expected = straight(path)
    assert all((got.images[0, k] == expected[i]).all() for k, i in enumerate(got.indices[0].tolist()))


def test_fast_is_exact_where_key_frames_are_few(film: Film) -> None:
    for request in (
        ClipRequest(str(film(LONG)), Sampling(frames=8), SMALL),
        ClipRequest(str(film(CLOSED)), Sampling(frames=8, window_s=2.0), SMALL),
    ):
        exact, fast = (read_clip(ClipRequest(**{**vars(request), "decode": how})) for how in ("exact", "fast"))

        assert fast.indices.tolist() == exact.indices.tolist()
        assert (fast.images == exact.images).all()


@pytest.mark.parametrize("how", ["auto", "exact"])
def test_auto_and_exact_take_the_frames_that_the_sampling_names(film: Film, how: str) -> None:
    got = read_clip(ClipRequest(str(film(CLOSED)), Sampling(frames=4), SMALL, decode=how))

    assert got.indices.tolist() == [[12, 37, 62, 87]]


def test_fast_is_exact_with_decord_and_without_time_stamps(film: Film) -> None:
    pytest.importorskip("decord")

    by_decord = read_clip(ClipRequest(str(film(CLOSED)), Sampling(frames=8), SMALL, reader="decord", decode="fast"))
    raw = read_clip(ClipRequest(str(film(CLOSED, "h264")), Sampling(frames=8), SMALL, decode="fast"))

    assert by_decord.indices.tolist() == raw.indices.tolist() == [[6, 18, 31, 43, 56, 68, 81, 93]]


def test_an_unknown_way_to_decode_is_refused() -> None:
    with pytest.raises(UsageError, match="known: auto, exact, fast"):
        ClipRequest("a.mp4", Sampling(), SMALL, decode="quick")
