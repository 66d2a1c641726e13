"""The timeline of a long video: rows of labels, pale where unsure, curves, and times that can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adaframe.evaluation.report import timeline
from adaframe.evaluation.report.drawing import BLUE, GREY, ORANGE, rgb
from adaframe.evaluation.report.time_axis import LEFT, RIGHT, TimeColumns, clock
from adaframe.evaluation.report.timeline import Spans, timeline_figure
from adaframe.evaluation.report.video_header import HEADER

ROW = timeline._ROW


def spans(labels: list[tuple[str, ...]], **changes: Any) -> Spans:
    """Two seconds a window, all of them sure."""
    count = len(labels)
    facts: dict[str, Any] = {
        "start_s": 2.0 * np.arange(count),
        "end_s": 2.0 * np.arange(count) + 2.0,
        "labels": labels,
        "confidence": np.full(count, 0.75),
        "unsure": np.zeros(count, dtype=bool),
        "share": np.full(count, 0.5),
    }
    return Spans(**(facts | changes))


def drawn(path: Path, windows: Spans, **changes: Any) -> np.ndarray:
    """The picture, int, (h, 1600, 3)."""
    facts: dict[str, Any] = {
        "stills": (),
        "title_label": "run",
        "confidence": 0.9,
        "unsure": False,
        "gmacs": 1.0,
        "gmacs_uniform": 2.0,
        "source": "a.mp4",
    }
    timeline_figure(path, windows, **(facts | changes))
    with Image.open(path) as image:
        assert (image.format, image.width) == ("PNG", 1600)
        return np.asarray(image.convert("RGB")).astype(int)


def is_colour(picture: np.ndarray, colour: str) -> np.ndarray:
    return np.abs(picture - rgb(colour)).max(axis=-1) < 4


def test_each_label_has_a_row_in_its_colour_where_it_holds(tmp_path: Path) -> None:
    picture = drawn(tmp_path / "a.png", spans([("run",)] * 6 + [("sit",)] * 2 + [("run",)] * 2))

    run = is_colour(picture[HEADER + ROW // 2, LEFT:RIGHT], BLUE)
    sit = is_colour(picture[HEADER + ROW + timeline._GAP + ROW // 2, LEFT:RIGHT], ORANGE)
    assert run.mean() == pytest.approx(0.8, abs=0.01)
    assert sit.mean() == pytest.approx(0.2, abs=0.01)
    assert not (run & sit).any()
    assert np.flatnonzero(sit)[0] == pytest.approx(0.6 * (RIGHT - LEFT), abs=2)


def test_where_the_model_is_unsure_the_row_is_pale_in_part(tmp_path: Path) -> None:
    unsure = np.array([False, True])

    picture = drawn(tmp_path / "a.png", spans([("run",)] * 2, unsure=unsure))

    row, half = picture[HEADER : HEADER + ROW, LEFT:RIGHT], (RIGHT - LEFT) // 2
    assert is_colour(row[:, :half], BLUE).mean() > 0.98
    assert 0.2 < is_colour(row[:, half:], BLUE).mean() < 0.6


def test_one_window_of_many_can_be_seen(tmp_path: Path) -> None:
    labels: list[tuple[str, ...]] = [("run",)] * 5000
    labels[2500] = ("sit",)

    picture = drawn(tmp_path / "a.png", spans(labels))

    row = picture[HEADER + ROW + timeline._GAP + ROW // 2, LEFT:RIGHT]
    away = np.abs(row - row[0]).max(axis=-1) > 60
    assert 1 <= away.sum() <= 2


def test_of_several_labels_each_has_its_row_and_none_has_one_too(tmp_path: Path) -> None:
    rows = timeline._rows(spans([("run", "sit"), ("run",), (), ("run",)]))

    assert [(row.name, row.seconds) for row in rows] == [("run", 6.0), ("sit", 2.0), ("none of the classes", 2.0)]
    assert rows[2].colour == GREY
    assert [row.holds(()) for row in rows] == [False, False, True]


def test_labels_beyond_eight_rows_share_one(tmp_path: Path) -> None:
    labels = [(f"class {n}",) for n in range(12) for _ in range(12 - n)]

    rows = timeline._rows(spans(labels))

    assert [row.name for row in rows] == [*(f"class {n}" for n in range(7)), "5 others"]
    assert rows[-1].seconds == 2.0 * (1 + 2 + 3 + 4 + 5)
    assert len({row.colour for row in rows}) == 8
    drawn(tmp_path / "a.png", spans(labels))


def test_of_windows_that_overlap_means_are_drawn() -> None:
    windows = spans([("run",)] * 2, start_s=np.array([0.0, 1.0]), end_s=np.array([2.0, 3.0]))

    covered, weighed = TimeColumns(windows.start_s, windows.end_s).spread(np.array([[1.0, 0.5], [1.0, 1.0]]))

    third = (RIGHT - LEFT) // 3
    assert covered[[third // 2, third + third // 2, 2 * third + third // 2]] == pytest.approx([1.0, 2.0, 1.0])
    assert (weighed / covered)[[5, third + third // 2, -5]] == pytest.approx([0.5, 0.75, 1.0])


def test_where_no_window_is_nothing_is_drawn(tmp_path: Path) -> None:
    windows = spans([("run",)] * 2, start_s=np.array([0.0, 8.0]), end_s=np.array([2.0, 10.0]))

    picture = drawn(tmp_path / "a.png", windows)

    row = is_colour(picture[HEADER + ROW // 2, LEFT:RIGHT], BLUE)
    assert row.mean() == pytest.approx(0.4, abs=0.01)
    assert not row[300:700].any()


def test_pictures_are_drawn_above(tmp_path: Path) -> None:
    red = np.full((40, 30, 3), (200, 30, 30), dtype=np.uint8)

    picture = drawn(tmp_path / "a.png", spans([("run",)] * 4), stills=[(1.0, red), (7.0, red)])

    area = (np.abs(picture - (200, 30, 30)).max(axis=-1) < 4).sum()
    assert area == pytest.approx(2 * 132 * 99, rel=0.03)


@pytest.mark.parametrize(
    ("seconds", "named", "text"),
    [
        (0, {}, "0:00"),
        (65, {}, "1:05"),
        (0.5, {"fine": True}, "0:00.5"),
        (600, {"hours": True}, "0:10"),
        (3900, {"hours": True}, "1:05"),
    ],
)
def test_times_are_minutes_and_seconds_or_hours_and_minutes(seconds: float, named: dict[str, bool], text: str) -> None:
    assert clock(seconds, **named) == text


def test_windows_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="a timeline needs the same of each of its windows"):
        spans([("run",)] * 2, unsure=np.zeros(3, dtype=bool))
    with pytest.raises(ValueError, match="a timeline needs the same of each of its windows"):
        spans([])
