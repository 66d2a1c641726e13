"""Film strips show each frame as the policy chose to see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adaframe.errors import AdaframeError
from adaframe.evaluation.report import film
from adaframe.evaluation.report.film import film_strip
from adaframe.evaluation.report.video_header import HEADER

LOOKS = {"look-160": 160, "look-96": 96, "glance": 64}


def strip(path: Path, **changes: Any) -> np.ndarray:
    """Draw four plain red frames of 160 pixels, and return the picture."""
    facts: dict[str, Any] = {
        "thumbnails": np.full((4, 160, 160, 3), (200, 30, 30), dtype=np.uint8),
        "times_s": np.arange(4) * 0.5,
        "actions": ("look-160", "look-96", "glance", "skip"),
        "look_pixels": LOOKS,
        "crop": 160,
        "title_label": "fight",
        "confidence": 0.9,
        "unsure": False,
        "gmacs": 1.2,
        "gmacs_uniform": 4.8,
        "source": "a.mp4",
    }
    film_strip(path, **(facts | changes))
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def red_areas(picture: np.ndarray) -> list[int]:
    """Pixels of the red frames in each of the columns of cells, which are apart in the picture."""
    red = (np.abs(picture.astype(int) - (200, 30, 30)) < 12).all(axis=2).sum(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (red > 8).astype(int), [0]])))
    return [int(red[start:end].sum()) for start, end in edges.reshape(-1, 2)]


def strip_height(path: Path, actions: list[str]) -> int:
    film_strip(
        path,
        thumbnails=np.full((len(actions), 64, 64, 3), 90, dtype=np.uint8),
        times_s=np.arange(len(actions)) * 0.1,
        actions=actions,
        look_pixels={"look-64": 64, "glance": 16},
        crop=64,
        title_label="fight",
        confidence=0.9,
        unsure=False,
        gmacs=1.0,
        gmacs_uniform=2.0,
        source="a.mp4",
    )
    with Image.open(path) as image:
        return image.height


def test_a_row_of_skips_alone_takes_no_more_room_than_they_need(tmp_path: Path) -> None:
    looks, skips = ["look-64"] * 8, ["skip"] * 8

    both = strip_height(tmp_path / "a.png", looks + looks)
    one = strip_height(tmp_path / "b.png", looks + skips)
    none = strip_height(tmp_path / "c.png", ["glance", *(["skip"] * 7), *skips])

    # A cell is 176 pixels wide; what is skipped is drawn as large as the glance at it was.
    assert both - one == pytest.approx(176 * 3 / 4, abs=2)
    assert one - none == both - one


def test_frames_of_a_row_stand_on_one_line(tmp_path: Path) -> None:
    grid = film._Grid.of([1.0, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25] + [0.25] * 8, 1.0)

    lines = [grid.place(index)[1] for index in range(16)]

    assert len(set(lines[:8])) == len(set(lines[8:])) == 1
    assert lines[0] == HEADER + grid.rows[0]
    assert grid.rows[1] == round(grid.rows[0] / 4)


def test_frames_are_drawn_in_proportion_to_the_pixels_of_their_looks(tmp_path: Path) -> None:
    full, smaller, glance = red_areas(strip(tmp_path / "a.png"))  # the skipped frame is not red

    assert smaller / full == pytest.approx((96 / 160) ** 2, rel=0.02)
    assert glance / full == pytest.approx((64 / 160) ** 2, rel=0.02)


def test_a_frame_is_shown_at_the_resolution_that_the_model_saw(tmp_path: Path) -> None:
    stripes = np.zeros((1, 160, 160, 3), dtype=np.uint8)
    stripes[:, :, ::2] = 255  # too fine for anything but the full look

    def contrast(action: str) -> float:
        picture = strip(tmp_path / "a.png", thumbnails=stripes, times_s=np.zeros(1), actions=[action])
        cell = picture[136 : 136 + 264, 40 : 40 + 264].astype(float)
        size = round(264 * LOOKS[action] / 160)
        left = (264 - size) // 2
        return float(cell[-size // 2, left + 10 : left + size - 10].std())

    assert contrast("look-160") > 60
    assert contrast("glance") < 45


@pytest.mark.parametrize(("frames", "rows"), [(1, 1), (8, 1), (16, 2), (32, 4), (200, 4)])
def test_at_most_four_rows(tmp_path: Path, frames: int, rows: int) -> None:
    thumbnails = np.full((frames, 24, 24, 3), (200, 30, 30), dtype=np.uint8)

    picture = strip(
        tmp_path / "a.png", thumbnails=thumbnails, times_s=np.arange(frames) * 2.0, actions=["look-160"] * frames
    )

    assert picture.shape[1] == 1600
    column = (np.abs(picture[:, 45].astype(int) - (200, 30, 30)) < 12).all(axis=1)
    assert np.count_nonzero(np.diff(column.astype(int)) == 1) == rows


def test_a_timeline_is_added_below(tmp_path: Path) -> None:
    windows = [(0.0, 2.0, "fight", 0.9), (2.0, 4.0, "no-fight", 1.0), (3.0, 5.0, "fight", 0.5)]

    plain, with_timeline = strip(tmp_path / "a.png"), strip(tmp_path / "b.png", timeline=windows)

    added = with_timeline[len(plain) :].astype(int)
    assert (np.abs(added - (0, 114, 178)).max(axis=2) < 6).sum() > 1000
    assert (np.abs(added - (230, 159, 0)).max(axis=2) < 6).sum() > 1000


def test_the_answer_and_its_doubt_are_written(tmp_path: Path) -> None:
    sure, unsure = strip(tmp_path / "a.png"), strip(tmp_path / "b.png", unsure=True)

    changed = np.argwhere((sure != unsure).any(axis=2))
    assert len(changed) > 100
    assert changed[:, 0].max() < 136  # in the header alone


@pytest.mark.filterwarnings("error")
def test_names_of_any_kind_can_be_drawn(tmp_path: Path) -> None:
    name = "$x_1$ \\frac{ 拳 \n\t\udcff 🥊 " + "very " * 60 + "long"

    picture = strip(tmp_path / "a.png", title_label=name, source=name, top=[(name, 0.9), (name, 0.1)], unsure=True)

    assert (picture[:130, 1065:1100] == 255).all()  # the long names end before the cost begins
    assert (picture[:130, :30] == 255).all()


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="4 thumbnails, 4 times and 1 actions"):
        strip(tmp_path / "a.png", actions=["skip"])
    with pytest.raises(ValueError, match=r"unknown actions \['look-7'\]; known are skip, look-160"):
        strip(tmp_path / "a.png", actions=["look-7"] * 4)
    with pytest.raises(ValueError, match=r"thumbnails must be uint8 \(T, h, w, 3\), got float64"):
        strip(tmp_path / "a.png", thumbnails=np.zeros((4, 8, 8, 3)))


def test_a_figure_that_cannot_be_written_is_an_error_a_user_understands(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(AdaframeError, match=r"a\.png: cannot be written"):
        strip(tmp_path / "file" / "a.png")
