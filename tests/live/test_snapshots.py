"""Snapshots: what is kept, under which name, and what is deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adaframe.errors import AdaframeError
from adaframe.inference.moment import Event
from adaframe.live.snapshots import Snapshots, safe

NOON = datetime(2026, 1, 2, 14, 0, tzinfo=timezone(timedelta(hours=2)))


def event(second: int = 0, **parts: object) -> Event:
    image = np.zeros((48, 64, 3), dtype=np.uint8)
    image[..., 0] = 250
    plain = Event("start", "cam", NOON + timedelta(seconds=second), label="fight", image=image)
    return replace(plain, **parts)  # type: ignore[arg-type]


def test_a_frame_is_kept_as_a_jpeg_whose_name_says_when_and_what(tmp_path: Path) -> None:
    taken = Snapshots(tmp_path / "new" / "shots", keep=10, say=print).take(event())

    assert taken.snapshot == str(tmp_path / "new" / "shots" / "adaframe-20260102T120000.000Z-start-fight-cam.jpg")
    with Image.open(taken.snapshot) as picture:
        assert picture.size == (64, 48)
        red, green, blue = picture.convert("RGB").getpixel((30, 20))  # type: ignore[misc]
    assert red > 200
    assert max(green, blue) < 60


def test_the_oldest_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    others = [
        tmp_path / "holiday.jpg",
        tmp_path / "adaframe-notes.jpg",
        tmp_path / "adaframe-20200101T000000.000Z-a.txt",
    ]
    for other in others:
        other.write_bytes(b"mine")
    earlier = tmp_path / "adaframe-20250101T000000.000Z-start-fight-cam.jpg"
    earlier.write_bytes(b"of an earlier run")
    snapshots = Snapshots(tmp_path, keep=2, say=print)

    paths = [Path(snapshots.take(event(second)).snapshot) for second in (0, 1, 2)]

    assert [path.exists() for path in paths] == [False, True, True]
    assert not earlier.exists()
    assert all(other.read_bytes() == b"mine" for other in others)


def test_events_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, keep=10, say=print)

    names = {Path(snapshots.take(event()).snapshot).name for _ in range(3)}

    assert len(names) == 3


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("rtsp://cam:***@192.0.2.7:554/live?x=1", "192-0-2-7-554-live-x-1"),
        ("../../etc/passwd", "passwd"),
        ("a b;rm -rf *\n\x00\x1b[2J", "a-b-rm-rf-2J"),
        ("драка", "драка"),
        ("x" * 300, "x" * 60),
        ("字" * 300, "字" * 20),
        ("...", ""),
    ],
)
def test_a_name_holds_nothing_that_could_be_taken_for_more(name: str, plain: str) -> None:
    assert safe(name) == plain


def test_what_cannot_be_written_is_said_once_and_the_event_goes_on(tmp_path: Path) -> None:
    said: list[str] = []
    snapshots = Snapshots(tmp_path / "shots", keep=10, say=said.append)
    (tmp_path / "shots").rmdir()
    (tmp_path / "shots").write_text("now a file")

    taken = [snapshots.take(event(second)) for second in (0, 1)]

    assert [one.snapshot for one in taken] == ["", ""]
    assert len(said) == 1
    assert "cannot be written" in said[0]


def test_a_folder_that_cannot_be_is_an_error_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(AdaframeError, match="no snapshots can be kept there"):
        Snapshots(tmp_path / "file", keep=1, say=print)


def test_an_event_without_a_frame_is_left_as_it_is(tmp_path: Path) -> None:
    lost = event(image=None)

    assert Snapshots(tmp_path, keep=1, say=print).take(lost) is lost
