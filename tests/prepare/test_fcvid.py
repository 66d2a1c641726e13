"""FCVID: a list of videos, and a matrix of labels."""

from __future__ import annotations

from typing import Any

import pytest

from adaframe.errors import DataError


@pytest.fixture
def fcvid(sample: Any) -> Any:
    sample.text(
        "materials/FCVID_VideoName_TrainTestSplit.txt",
        "accordionPerformance/-0aB.mp4\ttrain\nbeach/xyz.mp4 test\nbeach/none.mp4 train\n",
    )
    sample.text("materials/FCVID_Label.txt", "1\t0\t0\n0 1 1\n0 0 0\n")
    sample.files("videos/accordionPerformance/-0aB.mp4", "videos/beach/xyz.mp4", "videos/beach/none.mp4")
    return sample


def test_rows_of_the_matrix_belong_to_lines_of_the_list(fcvid: Any) -> None:
    fcvid.text("materials/classInd.txt", "accordion performance\nbeach\npanda\n")

    said = fcvid.prepare("fcvid")

    assert fcvid.rows == [
        ("videos/accordionPerformance/-0aB.mp4", "accordion performance", "train"),
        ("videos/beach/xyz.mp4", "beach|panda", "test"),
    ]
    assert fcvid.data.multi_label
    assert "1 videos of the train split have no label and are left out" in said


def test_classes_without_names_are_numbers(fcvid: Any) -> None:
    fcvid.prepare("fcvid")

    assert [labels for _, labels, _ in fcvid.rows] == ["class 000", "class 001|class 002"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("FCVID_Label.txt", "1 0 0\n", "a line of the same length for each of the 3 videos .* not 1 lines"),
        ("FCVID_Label.txt", "1 0 0\n0 1\n0 0 1\n", "not 3 lines of 2 lengths"),
        ("FCVID_Label.txt", "1 0 0\n0 x 0\n0 0 1\n", "line 2: a label must be a number, not 'x'"),
        (
            "FCVID_VideoName_TrainTestSplit.txt",
            "a.mp4 maybe\nb.mp4 test\nc.mp4 test\n",
            "line 1: must be a video and train or test",
        ),
        ("classInd.txt", "a\nb\n", "has 2 lines for the 3 classes"),
    ],
)
def test_files_that_do_not_fit_together_are_errors(fcvid: Any, name: str, text: str, says: str) -> None:
    fcvid.text(f"materials/{name}", text)

    with pytest.raises(DataError, match=rf"{name}.*{says}"):
        fcvid.prepare("fcvid")
