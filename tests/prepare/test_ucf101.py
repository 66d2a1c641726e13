"""UCF101's three official splits."""

from __future__ import annotations

from typing import Any

import pytest

from adaframe.errors import DataError

LISTS = "ucfTrainTestlist"


@pytest.fixture
def ucf(sample: Any) -> Any:
    """Two classes as published: the folder is HandstandPushups, the files in it are v_HandStandPushups_…"""
    sample.text(f"{LISTS}/classInd.txt", "1 ApplyEyeMakeup\r\n37 HandstandPushups\r\n")
    sample.text(
        f"{LISTS}/trainlist01.txt",
        "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1\r\nHandstandPushups/v_HandStandPushups_g08_c01.avi 37\r\n"
        "HandstandPushups/v_HandStandPushups_g08_c02.avi 37\r\n",
    )
    sample.text(
        f"{LISTS}/testlist01.txt",
        "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi\r\nHandstandPushups/v_HandStandPushups_g01_c01.avi\r\n",
    )
    sample.files(
        "UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi",
        "UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi",
        "UCF-101/HandstandPushups/v_HandStandPushups_g08_c01.avi",
        "UCF-101/HandstandPushups/v_HandStandPushups_g08_c02.avi",
    )
    return sample


def test_the_first_split_is_read_with_films_as_groups(ucf: Any) -> None:
    ucf.files("UCF-101/HandstandPushups/v_HandStandPushups_g01_c01.avi")

    said = ucf.prepare("ucf101")

    assert ucf.rows == [
        ("UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi", "ApplyEyeMakeup", "train"),
        ("UCF-101/HandstandPushups/v_HandStandPushups_g08_c01.avi", "HandstandPushups", "train"),
        ("UCF-101/HandstandPushups/v_HandStandPushups_g08_c02.avi", "HandstandPushups", "train"),
        ("UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi", "ApplyEyeMakeup", "test"),
        ("UCF-101/HandstandPushups/v_HandStandPushups_g01_c01.avi", "HandstandPushups", "test"),
    ]
    assert [clip.group for clip in ucf.data.clips][:3] == [
        "v_ApplyEyeMakeup_g08",
        "v_HandStandPushups_g08",
        "v_HandStandPushups_g08",
    ]
    assert said[0].endswith("5 clips (2 ApplyEyeMakeup, 3 HandstandPushups); 3 train, 2 test")


def test_names_may_differ_in_capitals(ucf: Any) -> None:
    ucf.files("UCF-101/HandStandPushups/v_HandstandPushups_g01_c01.mp4")

    ucf.prepare("ucf101")

    assert ucf.rows[-1] == ("UCF-101/HandStandPushups/v_HandstandPushups_g01_c01.mp4", "HandstandPushups", "test")


def test_another_split_is_another_list(ucf: Any) -> None:
    ucf.text(f"{LISTS}/trainlist03.txt", "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi 1\n")
    ucf.text(f"{LISTS}/testlist03.txt", "HandstandPushups/v_HandStandPushups_g08_c01.avi\n")

    ucf.prepare("ucf101", split_number=3)

    assert [split for _, _, split in ucf.rows] == ["train", "test"]
    with pytest.raises(DataError, match=r"trainlist02\.txt is not in it .*crcv\.ucf\.edu"):
        ucf.prepare("ucf101", split_number=2)


def test_a_class_that_is_not_known_is_an_error(ucf: Any) -> None:
    ucf.text(f"{LISTS}/testlist01.txt", "Archery/v_Archery_g01_c01.avi\n")

    with pytest.raises(DataError, match=r"testlist01\.txt, line 1: 'Archery' is no class of classInd\.txt"):
        ucf.prepare("ucf101")
