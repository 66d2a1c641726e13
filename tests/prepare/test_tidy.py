"""Clips fit a manifest."""

from __future__ import annotations

import pytest

from adaframe.data.clips import Clip
from adaframe.errors import DataError
from adaframe.prepare.tidy import tidy


def test_labels_lose_bars_line_breaks_and_outer_space_and_keep_the_rest() -> None:
    clips = [Clip("a.mp4", (' put, "x"\n down ', "on|off")), Clip("b.mp4", ("on|off",))]

    kept, notes = tidy(clips)

    assert [clip.labels for clip in kept] == [('put, "x" down', "on/off"), ("on/off",)]
    assert notes == ["in 1 labels, / stands for |, which joins labels in a manifest: on|off"]


def test_labels_that_would_become_one_are_an_error() -> None:
    with pytest.raises(DataError, match=r"the labels 'on/off' and 'on\|off' would be the same"):
        tidy([Clip("a.mp4", ("on|off",)), Clip("b.mp4", ("on/off",))])
    with pytest.raises(DataError, match="a label is empty"):
        tidy([Clip("a.mp4", (" ",))])


def test_of_clips_that_overlap_in_a_file_the_first_stays() -> None:
    clips = [
        Clip("a.mp4", ("x",), start_s=0, end_s=5),
        Clip("a.mp4", ("y",), start_s=4.9, end_s=6),
        Clip("a.mp4", ("y",), start_s=5, end_s=6),
        Clip("b.mp4", ("x",)),
        Clip("b.mp4", ("x",)),
    ]

    kept, notes = tidy(clips)

    assert kept == [clips[0], clips[2], clips[3]]
    assert notes == ["2 clips are left out: an earlier one is of the same file and overlaps in time"]


def test_groups_on_two_sides_of_the_official_split_are_taken_off() -> None:
    clips = [
        Clip("a", ("x",), "train", group="g"),
        Clip("b", ("y",), "test", group="g"),
        Clip("c", ("y",), "test", group="h"),
    ]

    kept, notes = tidy(clips)

    assert [clip.group for clip in kept] == ["", "", "h"]
    assert notes == ["1 groups are in more than one official split; their clips are not marked as a group"]


def test_a_name_that_is_no_text_cannot_be_in_a_manifest() -> None:
    kept, notes = tidy([Clip("caf\udce9.mp4", ("x",)), Clip("b.mp4", ("y",))])

    assert [clip.path for clip in kept] == ["b.mp4"]
    assert notes == ["1 files are left out: their names are no text in UTF-8, as a manifest is"]
