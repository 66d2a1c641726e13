"""Moments in Time: one name may be in several class folders."""

from __future__ import annotations

from typing import Any

import pytest

from adaframe.errors import DataError


@pytest.fixture
def moments(sample: Any) -> Any:
    sample.text("moments_categories.txt", "blocking,0\nadult+male+singing,1\n")
    sample.text(
        "trainingSet.csv",
        "blocking/getty-karate_4.mp4,blocking,3,0\nadult+male+singing/getty-karate_4.mp4,adult+male+singing,3,1\n",
    )
    sample.text("validationSet.csv", "blocking/yt-5of6_205.mp4,blocking,4,0\n")
    sample.files("training/blocking/getty-karate_4.mp4", "validation/blocking/yt-5of6_205.mp4")
    return sample


def test_files_are_taken_from_their_class_folder(moments: Any) -> None:
    moments.files("training/adult+male+singing/getty-karate_4.mp4")

    moments.prepare("moments")

    assert moments.rows == [
        ("training/blocking/getty-karate_4.mp4", "blocking", "train"),
        ("training/adult+male+singing/getty-karate_4.mp4", "adult+male+singing", "train"),
        ("validation/blocking/yt-5of6_205.mp4", "blocking", "val"),
    ]


def test_a_namesake_in_another_class_does_not_stand_in(moments: Any) -> None:
    moments.files("training/adult+male+singing/other.mp4")

    moments.prepare("moments")

    assert moments.out.read_text().count("blocking/") == 2
    assert "getty-karate_4.mp4,adult" not in moments.out.read_text()
    assert moments.missing == ["adult+male+singing/getty-karate_4"]


def test_a_header_and_bare_names_are_read_too(moments: Any) -> None:
    moments.text("validationSet.csv", "filename,label,positive,negative\nyt-5of6_205.mp4,blocking,4,0\n")
    moments.files("training/adult+male+singing/getty-karate_4.mp4")

    moments.prepare("moments")

    assert moments.rows[-1] == ("validation/blocking/yt-5of6_205.mp4", "blocking", "val")


def test_a_label_that_is_no_category_is_an_error(moments: Any) -> None:
    moments.text("validationSet.csv", "flying/a.mp4,flying,4,0\n")

    with pytest.raises(DataError, match=r"validationSet\.csv, line 1: 'flying' is not in moments_categories\.txt"):
        moments.prepare("moments")
