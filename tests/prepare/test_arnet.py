"""AR-Net's own lists, as its release reads them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from adaframe.errors import DataError
from adaframe.prepare.arnet import read_list


@pytest.mark.parametrize(("name", "separator"), [("actnet", ","), ("fcvid", ","), ("minik", " ")])
def test_lists_are_read_as_the_original_reads_them(tmp_path: Path, name: str, separator: str) -> None:
    shared = os.environ.get("ADAFRAME_TEST_DATA")
    if not shared:
        pytest.skip("ADAFRAME_TEST_DATA is not set")
    case = json.loads((Path(shared) / "arnet" / "small_cases.json").read_text())["lists"][name]
    (tmp_path / "list.txt").write_text(case["text"])

    videos, dropped = read_list(tmp_path / "list.txt", separator)

    padded = [[video.folder, video.frames, [*video.ids, -1, -1][:3]] for video in videos]
    assert padded == case["parsed"]
    assert dropped == case["text"].count("\n") - len(videos)


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "list.txt").write_text(text)
    return tmp_path / "list.txt"


def test_ids_are_sorted_and_each_counts_once(tmp_path: Path) -> None:
    videos, _ = read_list(write(tmp_path, "vid 2,55,238,0,101\nv_jkl,40,4,4,4,4\n"), ",")

    assert [(video.folder, video.ids) for video in videos] == [("vid 2", (0, 101, 238)), ("v_jkl", (4,))]


def test_lines_under_three_frames_are_dropped_before_anything_else(tmp_path: Path) -> None:
    videos, dropped = read_list(write(tmp_path, "v_ghi,2,5,6,7,8\nv_abc,3,5\n"), ",")

    assert [video.folder for video in videos] == ["v_abc"]
    assert dropped == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("v_abc,123,1,2,3,4", "has 4 class ids; 1 to 3 are possible"),
        ("v_abc,123", "has 0 class ids"),
        ("v_abc", "must be a folder, a number of frames and class ids"),
        ("v_abc,many,7", "must be a folder, a number of frames and class ids"),
    ],
)
def test_a_fourth_id_and_other_forms_are_errors(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(DataError, match=rf"list\.txt, line 2: {says}"):
        read_list(write(tmp_path, f"v_ok,9,1\n{line}\n"), ",")


def test_videos_are_found_by_their_folders_names_and_classes_by_lines(sample: Any) -> None:
    sample.text("classInd.txt", "Archery\n\nSurfing\n")
    sample.text("actnet_train_split.txt", "v_abc,123,2,0\nv_ghi,2,2\nv_gone,50,2\n")
    sample.text("actnet_val_split.txt", "v_def,88,1\n")
    sample.files("videos/v_abc.mkv", "videos/v_def.mp4", "frames/v_abc/image_00001.jpg")

    said = sample.prepare("arnet-activitynet")

    assert sample.rows == [("videos/v_abc.mkv", "Archery|Surfing", "train"), ("videos/v_def.mp4", "class 001", "val")]
    assert sample.data.multi_label
    assert sample.missing == ["v_gone"]
    assert "1 lines of train have under 3 frames and are dropped" in said


def test_an_id_without_a_line_is_an_error(sample: Any) -> None:
    sample.text("classInd.txt", "Archery\nSurfing\n")
    sample.text("fcvid_train_split.txt", "sports/vid001,300,17\n")
    sample.text("fcvid_val_split.txt", "vid 2,55,0\n")
    sample.files("sports/vid001.mp4")

    with pytest.raises(DataError, match=r"sports/vid001: its class ids \(17,\) are not all below 2"):
        sample.prepare("arnet-fcvid")


@pytest.mark.parametrize("names", [("abseiling", "tai chi"), ("class 000", "class 199")])
def test_mini_kinetics_has_names_where_folders_are_classes(sample: Any, names: tuple[str, str]) -> None:
    mixed = names[0] == "class 000"
    second = "abseiling/x y_1 31 199" if mixed else "tai chi/x y_1 31 199"
    sample.text("mini_train_videofolder.txt", f"abseiling/abc_000010_000020 250 0\n{second}\n")
    sample.text("mini_val_videofolder.txt", "zumba/short 2 7\n")
    sample.files("videos/abseiling/abc_000010_000020.mp4", f"videos/{second[:-7]}.mp4")

    sample.prepare("arnet-mini-kinetics")

    assert [labels for _, labels, _ in sample.rows] == list(names)
    assert not sample.data.multi_label


def test_frames_without_their_videos_are_an_error(sample: Any) -> None:
    sample.text("classInd.txt", "Archery\nSurfing\n")
    sample.text("actnet_train_split.txt", "v_abc,123,1\n")
    sample.text("actnet_val_split.txt", "v_def,88,1\n")
    sample.files("frames/v_abc/image_00001.jpg")

    with pytest.raises(DataError, match=r"frames: adaframe reads videos, not folders of frames; try: --source"):
        sample.prepare("arnet-activitynet")
