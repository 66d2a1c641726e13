"""Clips come together, and what is missing is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from adaframe.errors import DataError
from adaframe.prepare.gathering import Gathering, counted
from adaframe.prepare.place import Place


@pytest.fixture
def gathering(tmp_path: Path) -> Gathering:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    return Gathering(Place("The Set", "", tmp_path))


def test_clips_missing_videos_and_those_without_labels_are_told_apart(gathering: Gathering) -> None:
    gathering.add(("v_a", "a"), ("run",), "train", spans=((0.0, 1.0), (2.0, 3.0)))
    gathering.add("c", ("run",), "train")
    gathering.add("c", ("sit",), "train")
    gathering.add("b", (), "test")

    made = gathering.prepared()
    assert [(Path(clip.path).name, clip.start_s) for clip in made.clips] == [("a.mp4", 0.0), ("a.mp4", 2.0)]
    assert made.missing == ("c",)
    assert made.notes == ("1 videos of the test split have no label and are left out",)


def test_a_place_without_any_of_the_videos_is_an_error(gathering: Gathering) -> None:
    gathering.add("c", ("run",), "train")

    with pytest.raises(DataError, match=r"holds none of the 1 videos of The Set \(c\); try: --source"):
        gathering.prepared()


def test_names_are_shown_up_to_five() -> None:
    assert counted([], "are odd") == ""
    assert counted(list("abcdef"), "are odd") == "6 are odd: a, b, c, d, e, …"
