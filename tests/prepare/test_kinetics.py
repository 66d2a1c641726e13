"""Kinetics' CSV files and the layouts that its clips are kept in; Mini-Kinetics-200's lists of ids."""

from __future__ import annotations

from typing import Any

import pytest

from adaframe.errors import DataError

TRAIN = """label,youtube_id,time_start,time_end,split,is_cc
clay pottery making,---0dWlqevI,19,29,train,0
"massaging person's head",--07WQ2iBlw,1,11,train,0
javelin throw,--0NTAs-fA0,29,39,train,0
"""
VAL = """label,youtube_id,time_start,time_end,split,is_cc
javelin throw,0dkIbKXXFzI,167,177,val,0
"""
# The labels of Kinetics-400's test split were held out at first.
TEST = "youtube_id,time_start,time_end,split\n--Glh7GwVHY,25,35,test\n"


@pytest.fixture
def kinetics(sample: Any) -> Any:
    """As the CVDF's scripts unpack it: flat folders, annotations beside them."""
    for name, text in (("train", TRAIN), ("val", VAL), ("test", TEST)):
        sample.text(f"annotations/{name}.csv", text)
    return sample


FLAT = (
    "train/---0dWlqevI_000019_000029.mp4",
    "train/--07WQ2iBlw_000001_000011.mp4",
    "train/--0NTAs-fA0_000029_000039.mp4",
)


def test_the_flat_layout_of_the_cvdf_is_read(kinetics: Any) -> None:
    kinetics.files(*FLAT, "val/0dkIbKXXFzI_000167_000177.mp4", "test/--Glh7GwVHY_000025_000035.mp4")

    said = kinetics.prepare("kinetics400")

    assert kinetics.rows == [
        (FLAT[0], "clay pottery making", "train"),
        (FLAT[1], "massaging person's head", "train"),
        (FLAT[2], "javelin throw", "train"),
        ("val/0dkIbKXXFzI_000167_000177.mp4", "javelin throw", "val"),
    ]
    assert not kinetics.data.multi_label
    assert "1 videos of the test split have no label and are left out" in said
    assert said[-1].endswith("there is no test split: adaframe evaluate --split val")


@pytest.mark.parametrize("folder", ["train/clay pottery making", "train/clay_pottery_making", "videos"])
@pytest.mark.parametrize("name", ["---0dWlqevI_000019_000029.mkv", "---0dWlqevI_19_29.webm", "---0dWlqevI.mp4"])
def test_all_known_namings_are_found(kinetics: Any, folder: str, name: str) -> None:
    kinetics.files(f"{folder}/{name}", "val/0dkIbKXXFzI_000167_000177.mp4")

    kinetics.prepare("kinetics400")

    assert kinetics.rows[0] == (f"{folder}/{name}", "clay pottery making", "train")


def test_ids_that_differ_in_capitals_are_different_videos(kinetics: Any) -> None:
    kinetics.files(*FLAT, "val/0DKIBKXXFZI_000167_000177.mp4")

    kinetics.prepare("kinetics400")

    assert kinetics.missing == ["0dkIbKXXFzI_000167_000177"]


def test_missing_clips_are_counted_and_listed(kinetics: Any) -> None:
    kinetics.files(*FLAT[1:])

    said = kinetics.prepare("kinetics400")

    assert len(kinetics.rows) == 2
    assert kinetics.missing == ["---0dWlqevI_000019_000029", "0dkIbKXXFzI_000167_000177"]
    assert said[1] == (
        "2 videos of the annotations are missing: ---0dWlqevI_000019_000029, 0dkIbKXXFzI_000167_000177; "
        f"listed in {kinetics.out.with_suffix('.missing.txt')}"
    )


def test_the_replacement_of_a_damaged_clip_is_preferred(kinetics: Any) -> None:
    better = "replacement/replacement_for_corrupted_k400/---0dWlqevI_000019_000029.mp4"
    kinetics.files(*FLAT, better, "a copy/---0dWlqevI_000019_000029.mp4")

    kinetics.prepare("kinetics400")

    assert kinetics.rows[0][0] == better


def test_a_test_split_with_labels_is_kept(kinetics: Any) -> None:
    kinetics.text(
        "annotations/test.csv", "label,youtube_id,time_start,time_end,split\nabseiling,--Glh7GwVHY,25,35,test\n"
    )
    kinetics.files(*FLAT, "test/--Glh7GwVHY_000025_000035.mp4")

    kinetics.prepare("kinetics400")

    assert kinetics.rows[-1] == ("test/--Glh7GwVHY_000025_000035.mp4", "abseiling", "test")


def test_annotations_lie_elsewhere_and_go_by_several_names(kinetics: Any) -> None:
    other = kinetics.text("other/kinetics-600_train.csv", TRAIN).parent
    kinetics.text("other/kinetics-700_train.csv", "label,youtube_id,time_start,time_end,split\n")
    kinetics.text("other/validate.csv", VAL)
    kinetics.files(*FLAT)

    kinetics.prepare("kinetics600", annotations=other)

    assert len(kinetics.rows) == 3


def test_annotations_that_are_not_there_are_named_with_where_to_get_them(sample: Any) -> None:
    sample.files("train/---0dWlqevI_000019_000029.mp4")

    with pytest.raises(DataError, match=r"annotation file train\.csv is not in it .*cvdfoundation.*try: --annotations"):
        sample.prepare("kinetics700")

    assert not sample.out.exists()


def test_annotations_in_two_places_are_an_error(kinetics: Any) -> None:
    kinetics.text("old/train.csv", TRAIN)
    kinetics.files(*FLAT)

    with pytest.raises(DataError, match=r"train\.csv of Kinetics-400 could be .* or .*; try: --annotations"):
        kinetics.prepare("kinetics400")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("youtube_id,time_start\n", "lacks the column time_end"),
        ("", "lacks the column .*it has: nothing"),
        (TRAIN + "abseiling,abc\n", "line 5: has 2 cells for 6 columns"),
        (TRAIN + "abseiling,abc,x,9,train,0\n", "line 5: time_start must be a number, not 'x'"),
    ],
)
def test_a_file_of_another_form_is_an_error_with_its_line(kinetics: Any, text: str, says: str) -> None:
    kinetics.text("annotations/train.csv", text)

    with pytest.raises(DataError, match=rf"train\.csv.*{says}"):
        kinetics.prepare("kinetics400")


def test_mini_kinetics_takes_its_split_from_its_lists_and_the_rest_from_kinetics(kinetics: Any) -> None:
    kinetics.text("mini/train_ytid_list.txt", "--07WQ2iBlw\n0dkIbKXXFzI\nunknown_id1\n")
    kinetics.text("mini/val_ytid_list.txt", "--0NTAs-fA0\n")
    kinetics.files(*FLAT, "val/0dkIbKXXFzI_000167_000177.mp4")

    said = kinetics.prepare("mini-kinetics200")

    assert kinetics.rows == [
        (FLAT[1], "massaging person's head", "train"),
        ("val/0dkIbKXXFzI_000167_000177.mp4", "javelin throw", "train"),
        (FLAT[2], "javelin throw", "val"),
    ]
    assert "1 ids are not in Kinetics-400's CSV files: unknown_id1" in said
