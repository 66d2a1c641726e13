"""What a sample of the clips tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adaframe.config import Preprocess, Sampling
from adaframe.data.clips import Clip
from adaframe.data.survey import survey
from adaframe.errors import DataError
from adaframe.video import ClipRequest

REQUEST = ClipRequest(path="", sampling=Sampling(frames=4), preprocess=Preprocess(resize=32, crop=32), max_windows=1)


def test_it_tells_numbers_lengths_and_sizes(tmp_path: Path, render_clip: Callable[..., Path]) -> None:
    clips = [Clip(str(render_clip(tmp_path / f"{n}.mp4", n + 1.0, size=(32, 48))), ("ab"[n % 2],)) for n in range(3)]

    seen = survey(clips, REQUEST, workers=1)

    assert (seen.clips, seen.count, seen.groups, seen.unreadable) == (3, {"a": 2, "b": 1}, 3, 0)
    assert seen.seconds[1] == pytest.approx(2.0)
    assert seen.short_side == (32, 32, 32)
    assert seen.imbalance == 2
    assert seen.decode_s > 0


def test_a_part_of_a_file_is_as_long_as_the_part(tmp_path: Path, render_clip: Callable[..., Path]) -> None:
    path = str(render_clip(tmp_path / "long.mp4", 10.0))

    seen = survey([Clip(path, ("a",), start_s=2.0, end_s=5.0)], REQUEST, workers=1)

    assert seen.seconds[1] == pytest.approx(3.0)


def test_damaged_clips_are_counted_and_nothing_but_damage_is_an_error(
    tmp_path: Path, render_clip: Callable[..., Path]
) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    bad = Clip(str(tmp_path / "bad.mp4"), ("a",))
    good = Clip(str(render_clip(tmp_path / "good.mp4")), ("b",))

    seen = survey([bad, good], REQUEST, workers=1)

    assert (seen.looked_at, seen.unreadable) == (2, 1)
    with pytest.raises(DataError, match=r"none of 1 clips .* can be read; the first: .*bad\.mp4"):
        survey([bad], REQUEST, workers=1)
