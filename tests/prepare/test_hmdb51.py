"""HMDB51's lists per class, and its wild file names."""

from __future__ import annotations

from typing import Any

import pytest

from adaframe.errors import DataError

LISTS = "testTrainMulti_7030_splits"
ODD = "#122_Cleaning_Up_The_Beach_In_Chiba__Japan_pick_f_nm_np1_fr_bad_1"


@pytest.fixture
def hmdb(sample: Any) -> Any:
    sample.text(
        f"{LISTS}/pick_test_split1.txt",
        f"{ODD}.avi 1 \nFilm_pick_u_nm_np1_fr_goo_0.avi 2 \nSpare_pick_u_nm_np1_fr_goo_0.avi 0 \n",
    )
    sample.text(f"{LISTS}/kick_ball_test_split1.txt", "Film_kick_ball_u_nm_np1_fr_goo_0.avi 1 \n")
    sample.files("pick/Film_pick_u_nm_np1_fr_goo_0.avi", "pick/Spare_pick_u_nm_np1_fr_goo_0.avi")
    sample.files("kick_ball/Film_kick_ball_u_nm_np1_fr_goo_0.avi")
    return sample


def test_ones_train_twos_test_and_zeros_are_not_used(hmdb: Any) -> None:
    hmdb.files(f"pick/{ODD}.avi")

    said = hmdb.prepare("hmdb51")

    assert sorted(hmdb.rows) == [
        ("kick_ball/Film_kick_ball_u_nm_np1_fr_goo_0.avi", "kick_ball", "train"),
        (f"pick/{ODD}.avi", "pick", "train"),
        ("pick/Film_pick_u_nm_np1_fr_goo_0.avi", "pick", "test"),
    ]
    assert {clip.group for clip in hmdb.data.clips} == {
        "Film/kick_ball",
        "Film/pick",
        "#122_Cleaning_Up_The_Beach_In_Chiba__Japan/pick",
    }
    assert "there are lists of 2 classes; the data set has 51" in said


def test_special_characters_may_have_been_replaced(hmdb: Any) -> None:
    hmdb.files(f"pick/{ODD.replace('#', '_').replace('__', '_')}.mp4")

    hmdb.prepare("hmdb51")

    assert hmdb.rows[1][0] == "pick/_122_Cleaning_Up_The_Beach_In_Chiba_Japan_pick_f_nm_np1_fr_bad_1.mp4"


def test_a_clip_of_that_name_in_another_class_is_not_taken(hmdb: Any) -> None:
    hmdb.files(f"kick_ball/{ODD}.avi")

    hmdb.prepare("hmdb51")

    assert hmdb.missing == [f"pick/{ODD}"]


def test_a_flat_folder_will_do(sample: Any) -> None:
    sample.text("splits/run_test_split2.txt", "A_run_f_cm_np1_ba_med_0.avi 1 \n")
    sample.text("splits/walk_test_split2.txt", "A_walk_f_cm_np1_ba_med_0.avi 2 \n")
    sample.files("A_run_f_cm_np1_ba_med_0.avi", "A_walk_f_cm_np1_ba_med_0.avi")

    sample.prepare("hmdb51", split_number=2)

    assert [label for _, label, _ in sample.rows] == ["run", "walk"]


def test_a_film_on_both_sides_of_the_official_split_is_no_group(hmdb: Any) -> None:
    hmdb.text(f"{LISTS}/kick_ball_test_split1.txt", "F_kick_ball_u_0.avi 1 \nF_kick_ball_u_1.avi 2 \n")
    hmdb.files("kick_ball/F_kick_ball_u_0.avi", "kick_ball/F_kick_ball_u_1.avi")

    said = hmdb.prepare("hmdb51")

    assert "1 groups are in more than one official split; their clips are not marked as a group" in said
    assert {clip.group for clip in hmdb.data.clips if clip.labels == ("kick_ball",)} == {""}


def test_lists_that_are_missing_or_odd_are_errors(hmdb: Any) -> None:
    with pytest.raises(DataError, match=r"brush_hair_test_split3\.txt is not in it .*serre-lab"):
        hmdb.prepare("hmdb51", split_number=3)

    hmdb.text(f"{LISTS}/pick_test_split1.txt", "a.avi 7\n")
    with pytest.raises(DataError, match=r"pick_test_split1\.txt, line 1: must be .* not 'a\.avi 7'"):
        hmdb.prepare("hmdb51")
