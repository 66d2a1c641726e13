"""Videos and annotation files below a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from adaframe.errors import DataError
from adaframe.prepare.place import Below, Place


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found(below: Below, key: str, *hints: str, loose: bool = False) -> str:
    path = below.find(key, hints, loose=loose)
    return str(Path(path).relative_to(below.folder)) if path else "nothing"


def test_a_name_is_found_in_any_folder_with_any_suffix(tmp_path: Path) -> None:
    below = Below(fill(tmp_path, "a/b/one.mkv", "two.WEBM", "a/notes.txt", ".hidden/three.mp4"))

    assert found(below, "one") == "a/b/one.mkv"
    assert found(below, "two") == "two.WEBM"
    assert found(below, "notes") == "nothing"
    assert found(below, "three") == "nothing"


def test_a_folder_in_the_name_must_match_where_there_is_such_a_folder(tmp_path: Path) -> None:
    below = Below(fill(tmp_path, "run/a.mp4", "jump/b.mp4", "c.mp4"))

    assert found(below, "run/a") == "run/a.mp4"
    assert found(below, "jump/a") == "nothing"
    assert found(below, "walk/c") == "c.mp4"


def test_of_several_the_one_in_the_telling_folder_is_taken_else_the_first(tmp_path: Path) -> None:
    below = Below(fill(tmp_path, "train/a.mp4", "val/a.mp4", "val/old/a.mp4", "x/b.mp4", "y/b.mp4"))

    assert found(below, "a", "old", "val") == "val/old/a.mp4"
    assert below.repeated == set()
    assert found(below, "a", "val") == "val/a.mp4"
    assert found(below, "b") == "x/b.mp4"
    assert below.repeated == {"a", "b"}


def test_loose_names_may_differ_in_capitals_and_signs(tmp_path: Path) -> None:
    below = Below(fill(tmp_path, "v_Hand_1.avi"))

    assert found(below, "v_hAnd#1", loose=True) == "v_Hand_1.avi"
    assert found(below, "v_hAnd#1") == "nothing"


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    elsewhere = fill(tmp_path / "disk2", "clips/a.mp4")
    source = fill(tmp_path / "source", "b.mp4")
    (source / "train").symlink_to(elsewhere / "clips")
    (source / "again").symlink_to(source)

    below = Below(source)

    assert found(below, "a") == "train/a.mp4"
    assert len(below.videos["b"]) == 1


def test_closed_folders_are_not_entered(tmp_path: Path) -> None:
    below = Below(fill(tmp_path, "1234/a.mp4", "12ab/b.mp4"), closed=r"\d+")

    assert sorted(below.videos) == ["b"]
    assert [Path(path).name for path in below.closed] == ["1234"]


def place(folder: Path, annotations: Path | None = None) -> Place:
    return Place("The Set", "https://example.org", folder, annotations)


def test_the_annotation_file_nearest_to_the_top_is_taken(tmp_path: Path) -> None:
    fill(tmp_path, "lists/Train.csv", "lists/old/train.csv")

    assert place(tmp_path).file("train.csv") == tmp_path / "lists/Train.csv"
    assert place(tmp_path).optional("test.csv") is None


def test_with_a_folder_of_annotations_only_that_one_counts(tmp_path: Path) -> None:
    fill(tmp_path, "videos/train.csv", "lists/train.csv")

    assert place(tmp_path / "videos", tmp_path / "lists").file("train.csv") == tmp_path / "lists/train.csv"
    with pytest.raises(DataError, match=r"none: there is no such folder"):
        place(tmp_path / "videos", tmp_path / "none")


def test_what_is_missing_is_said_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        place(tmp_path).file("train.csv")

    assert str(error.value) == (
        f"{tmp_path}: The Set's annotation file train.csv is not in it or below; it is published at "
        "https://example.org; try: --annotations DIR"
    )
