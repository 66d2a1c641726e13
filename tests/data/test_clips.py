"""What a clip says of itself."""

from __future__ import annotations

from adaframe.data.clips import Clip


def test_a_clip_is_called_by_its_file_and_its_part() -> None:
    assert Clip("films/a.mp4", ("run",)).title == "a.mp4"
    assert Clip("films/a.mp4", ("run",), start_s=2.0, end_s=3.5).title == "a.mp4 (from 2 s to 3.5 s)"
    assert Clip("films/a.mp4", ("run",), start_s=2.0).title == "a.mp4 (from 2 s to its end)"
