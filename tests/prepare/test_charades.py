"""Charades: several actions a video."""

from __future__ import annotations

from typing import Any

import pytest

from adaframe.errors import DataError

HEADER = "id,subject,scene,quality,relevance,verified,script,objects,descriptions,actions,length\n"


def row(name: str, subject: str, actions: str) -> str:
    return f'{name},{subject},Kitchen,6,7,Yes,"A person cooks, then ""eats"".",food,"A; B",{actions},24.83\n'


@pytest.fixture
def charades(sample: Any) -> Any:
    sample.text(
        "Charades/Charades_v1_classes.txt",
        "c000 Holding some clothes\nc092 Turning on a light\nc147 Someone is cooking something\n",
    )
    sample.text(
        "Charades/Charades_v1_train.csv",
        HEADER
        + row("46GP8", "HR43", "c092 11.90 21.20;c147 0.00 12.60;c092 22.00 23.00")
        + row("N11GT", "0KZ7", "c000 0.00 5.00"),
    )
    sample.text(
        "Charades/Charades_v1_test.csv", HEADER + row("YSKX3", "HR99", "c000 0.00 31.00") + row("QUIET", "HR99", "")
    )
    sample.files(*(f"Charades_v1_480/{name}.mp4" for name in ("46GP8", "N11GT", "YSKX3", "QUIET")))
    return sample


def test_a_video_has_all_its_actions_once(charades: Any) -> None:
    said = charades.prepare("charades")

    assert charades.rows == [
        ("Charades_v1_480/46GP8.mp4", "Turning on a light|Someone is cooking something", "train"),
        ("Charades_v1_480/N11GT.mp4", "Holding some clothes", "train"),
        ("Charades_v1_480/YSKX3.mp4", "Holding some clothes", "test"),
    ]
    assert [clip.group for clip in charades.data.clips] == ["HR43", "0KZ7", "HR99"]
    assert charades.data.multi_label
    assert "1 videos of the test split have no label and are left out" in said


def test_an_action_without_a_name_is_an_error(charades: Any) -> None:
    charades.text("Charades/Charades_v1_test.csv", HEADER + row("YSKX3", "HR99", "c157 0.00 31.00"))

    with pytest.raises(DataError, match=r"test\.csv, line 2: the action 'c157' is not in Charades_v1_classes\.txt"):
        charades.prepare("charades")
