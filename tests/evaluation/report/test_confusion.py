"""Which class was taken for which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report.confusion import FIGURE_LIMIT, confused_pairs, confusion, confusion_figure


def results(true: list[int], said: list[int], classes: int) -> Results:
    n = len(true)
    eye = np.eye(classes)
    return Results("x", eye[said], eye[true] > 0, np.ones(n), 2.0, None, tuple(map(str, range(n))), {})


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(int)


def test_rows_are_what_is_and_columns_what_was_answered() -> None:
    counts = confusion(results([0, 0, 0, 1, 2], [0, 1, 1, 1, 0], 3))

    assert counts.tolist() == [[1, 2, 0], [0, 1, 0], [1, 0, 0]]


def test_confused_pairs_come_by_number_and_then_by_share_of_their_class() -> None:
    counts = np.array([[5, 2, 0], [1, 9, 0], [1, 0, 0]])

    lines = confused_pairs(counts, ("a", "b|x", "c")).splitlines()

    assert lines[2:] == [
        "| a | b\\|x | 2 | 29 % |",
        "| c | a | 1 | 100 % |",
        "| b\\|x | a | 1 | 10 % |",
    ]


def test_where_all_is_right_there_are_no_pairs() -> None:
    assert confused_pairs(np.diag([3, 4]), ("a", "b")) == "No class was taken for another.\n"


def test_of_many_pairs_the_first_are_shown_and_all_counted() -> None:
    text = confused_pairs(np.ones((30, 30), dtype=np.int64), [str(n) for n in range(30)])

    assert len([line for line in text.splitlines() if line.startswith("|")]) == 2 + 20
    assert "The 20 most frequent of 870 pairs." in text


def test_a_cell_is_the_darker_the_larger_its_share_of_the_row(tmp_path: Path) -> None:
    confusion_figure(np.array([[90, 10], [40, 60]]), ("fight", "no-fight"), tmp_path / "a.png")

    seen = picture(tmp_path / "a.png")
    blue = {count: int((np.abs(seen - shade).max(axis=2) < 4).sum()) for count, shade in _shades().items()}
    assert all(area > 4000 for area in blue.values()), blue


def _shades() -> dict[int, np.ndarray]:
    """Colours of the four shares: white to pale blue at a half, to blue at one."""
    white, pale, blue = np.array([255, 255, 255]), np.array([207, 227, 242]), np.array([0, 114, 178])
    mixed = {
        s: white + 2 * s * (pale - white) if s < 0.5 else pale + (2 * s - 1) * (blue - pale)
        for s in (0.1, 0.4, 0.6, 0.9)
    }
    return {round(100 * share): colour for share, colour in mixed.items()}


@pytest.mark.parametrize("classes", [2, 12, FIGURE_LIMIT])
def test_long_names_and_many_classes_stay_inside_the_picture(tmp_path: Path, classes: int) -> None:
    names = [f"washing hands at the kitchen sink, take {n} $x_" for n in range(classes)]

    confusion_figure(np.diag(np.arange(1, classes + 1)), names, tmp_path / "a.png")

    seen = picture(tmp_path / "a.png")
    edges = np.concatenate([seen[:2].reshape(-1, 3), seen[-2:].reshape(-1, 3), seen[:, :2].reshape(-1, 3)])
    assert (edges > 250).all()
    assert seen.shape[1] <= 1900


def test_more_classes_than_can_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="26 classes cannot be drawn"):
        confusion_figure(np.eye(26, dtype=np.int64), [str(n) for n in range(26)], tmp_path / "a.png")
