from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from video_shades import seen, shade

from adaframe.config import Preprocess, Sampling
from adaframe.errors import UnreadableVideo
from adaframe.video import clip
from adaframe.video.clip import ClipRequest, read_clip
from adaframe.video.facts import probe

Render = Callable[..., Path]
SMALL = Preprocess(resize=32, crop=24)


def near(images: np.ndarray, indices: np.ndarray) -> bool:
    return np.abs(np.array(seen(images)) - [shade(int(i)) for i in indices]).max() <= 1


def undecodable(monkeypatch: pytest.MonkeyPatch, lost: set[int]) -> None:
    """As if these frames of every file were damaged."""
    decode = clip.read_frames.__globals__["_decode"]

    def partly(*asked: object) -> object:
        return (decoded for decoded in decode(*asked) if decoded[0] not in lost)

    monkeypatch.setitem(clip.read_frames.__globals__, "_decode", partly)


def test_the_windows_of_a_clip_come_with_their_frames_and_times(render: Render) -> None:
    path = str(render(frames=75))

    got = read_clip(ClipRequest(path, Sampling(frames=4, window_s=1.0), SMALL))

    assert got.images.shape == (3, 4, 24, 24, 3)
    assert got.images.dtype == np.uint8
    assert got.start_s.tolist() == pytest.approx([0, 1, 2])
    assert got.times_s == pytest.approx(got.indices / 25)
    assert got.valid.all()
    assert (got.windows_total, got.path, got.reader, got.warnings) == (3, path, "pyav", ())
    assert got.decode_s > 0
    for images, indices in zip(got.images, got.indices, strict=True):
        assert near(images, indices)


def test_a_long_clip_comes_in_parts(render: Render) -> None:
    path = str(render(frames=125))
    whole = read_clip(ClipRequest(path, Sampling(frames=2, window_s=1.0), SMALL))

    parts = [
        read_clip(ClipRequest(path, Sampling(frames=2, window_s=1.0), SMALL, first_window=first, max_windows=2))
        for first in (0, 2, 4, 6)
    ]

    assert [len(part.images) for part in parts] == [2, 2, 1, 0]
    assert all(part.windows_total == 5 for part in parts)
    assert (np.concatenate([part.images for part in parts]) == whole.images).all()


def test_frames_beyond_the_end_are_not_valid_and_repeat_the_last(render: Render) -> None:
    got = read_clip(ClipRequest(str(render(frames=25)), Sampling(frames=8, window_s=2.0), SMALL))

    assert got.valid.tolist() == [[True] * 4 + [False] * 4]
    assert (got.images[0, 4:] == got.images[0, 3]).all()


def test_lost_frames_leave_their_window_and_the_others_move_up(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    request = ClipRequest(str(render(frames=50)), Sampling(frames=4), SMALL)
    chosen = read_clip(request).indices[0].tolist()

    undecodable(monkeypatch, {chosen[1]})
    got = read_clip(request)

    assert got.valid.tolist() == [[True, True, True, False]]
    assert got.indices[0].tolist() == [chosen[0], chosen[2], chosen[3], chosen[3]]
    assert near(got.images[0], got.indices[0])
    assert any("1 of 4 frames could not be decoded" in warning for warning in got.warnings)


def test_a_wholly_lost_window_is_left_out(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    undecodable(monkeypatch, set(range(25, 50)))

    got = read_clip(ClipRequest(str(render(frames=75)), Sampling(frames=4, window_s=1.0), SMALL))

    assert got.start_s.tolist() == pytest.approx([0, 2])
    assert got.windows_total == 3
    assert any("1 windows are left out" in warning for warning in got.warnings)


def test_other_frames_stand_in_where_none_of_the_chosen_decodes(
    render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    undecodable(monkeypatch, set(range(1, 50)))

    got = read_clip(ClipRequest(str(render(frames=50)), Sampling(frames=4, window_s=2.0), SMALL))

    assert got.indices[0, 0] == 0
    assert got.valid.tolist() == [[True, False, False, False]]
    assert got.warnings


def test_nothing_decodable_is_an_error(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    undecodable(monkeypatch, set(range(50)))

    with pytest.raises(UnreadableVideo, match="could be decoded"):
        read_clip(ClipRequest(str(render(frames=50)), Sampling(frames=4), SMALL))


def test_a_seed_gives_one_random_window_that_repeats(render: Render) -> None:
    path = str(render(frames=100))

    def draw(seed: int) -> list[int]:
        got = read_clip(ClipRequest(path, Sampling(frames=4, window_s=1.0), SMALL, seed=seed))
        assert got.images.shape[0] == 1
        return [int(i) for i in got.indices[0]]

    assert draw(1) == draw(1)
    assert len({tuple(draw(seed)) for seed in range(5)}) > 1


def test_a_segment_of_a_file_is_a_clip(render: Render) -> None:
    got = read_clip(ClipRequest(str(render(frames=100)), Sampling(frames=4), SMALL, start_s=1.0, end_s=2.0))

    assert 25 <= got.indices.min() <= got.indices.max() < 50


def test_a_segment_beyond_the_file_is_an_error(render: Render) -> None:
    with pytest.raises(UnreadableVideo, match=r"lasts 2\.00 s"):
        read_clip(ClipRequest(str(render(frames=50)), Sampling(frames=4), SMALL, start_s=3.0))


def test_without_crop_frames_keep_their_shape(render: Render) -> None:
    got = read_clip(ClipRequest(str(render(frames=9)), Sampling(frames=4), SMALL, crop=False))

    assert got.images.shape == (1, 4, 32, 48, 3)


def test_a_file_that_changes_is_read_anew(render: Render) -> None:
    path = render("a.mp4", frames=20)
    request = ClipRequest(str(path), Sampling(frames=1), SMALL)
    assert read_clip(request).end_s[0] == pytest.approx(0.8)

    render("b.mp4", frames=40).replace(path)

    assert read_clip(request).end_s[0] == pytest.approx(probe(path).duration_s) == pytest.approx(1.6)
