"""ActivityNet's JSON: whole videos with all their labels, or segments."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adaframe.errors import DataError


def video(subset: str, *marked: tuple[str, float, float], duration: float = 100.0) -> dict[str, Any]:
    annotations = [{"segment": [start, end], "label": label} for label, start, end in marked]
    return {"duration": duration, "subset": subset, "resolution": "640x360", "url": "…", "annotations": annotations}


DATABASE = {
    "sJFgo9H6zNo": video(
        "training", ("Drinking coffee", 3.1, 20.4), ("Polishing shoes", 30.0, 45.5), ("Drinking coffee", 50, 60)
    ),
    "-LUFHNyBu94": video("validation", ("Polishing shoes", 0.0, 120.25)),
    "o1WPnnvs00I": video("testing"),
}


@pytest.fixture
def net(sample: Any) -> Any:
    sample.text(
        "activity_net.v1-3.min.json", json.dumps({"version": "VERSION 1.3", "taxonomy": [], "database": DATABASE})
    )
    sample.files("videos/v_sJFgo9H6zNo.mkv", "videos/-LUFHNyBu94.mp4", "videos/v_o1WPnnvs00I.mp4")
    return sample


def test_a_video_has_all_its_labels_with_or_without_v_before_its_id(net: Any) -> None:
    said = net.prepare("activitynet1.3")

    assert net.rows == [
        ("videos/v_sJFgo9H6zNo.mkv", "Drinking coffee|Polishing shoes", "train"),
        ("videos/-LUFHNyBu94.mp4", "Polishing shoes", "val"),
    ]
    assert "1 videos of the test split have no label and are left out" in said


def test_whole_videos_are_multi_label_even_where_none_has_two(net: Any) -> None:
    (net.source / "videos/v_sJFgo9H6zNo.mkv").unlink()
    database = DATABASE | {"abc": video("training", ("Drinking coffee", 1, 2))}
    net.text("activity_net.v1-3.min.json", json.dumps({"database": database}))
    net.files("videos/v_abc.mp4")

    net.prepare("activitynet1.3")

    assert net.data.multi_label
    assert [labels for _, labels, _ in net.rows] == ["Polishing shoes", "Drinking coffee"]
    assert net.missing == ["v_sJFgo9H6zNo"]


def test_segments_are_clips_with_one_label_within_the_video(net: Any) -> None:
    net.prepare("activitynet1.3", segments=True)

    data = net.data
    assert not data.multi_label
    assert [(clip.labels, clip.start_s, clip.end_s) for clip in data.clips] == [
        (("Drinking coffee",), 3.1, 20.4),
        (("Polishing shoes",), 30.0, 45.5),
        (("Drinking coffee",), 50.0, 60.0),
        (("Polishing shoes",), 0.0, 100.0),
    ]


def test_segments_that_overlap_or_end_before_they_start_are_left_out_and_said(net: Any) -> None:
    marked = (("a", 0, 10), ("b", 9, 20), ("a", 30, 30), ("b", 110, 120), ("b", 10, 12))
    net.text("activity_net.v1-3.min.json", json.dumps({"database": {"sJFgo9H6zNo": video("training", *marked)}}))

    said = net.prepare("activitynet1.3", segments=True)

    assert [(clip.start_s, clip.end_s) for clip in net.data.clips] == [(0, 10), (10, 12)]
    assert "2 segments that end before they start, or after the video, are left out" in said
    assert "1 clips are left out: an earlier one is of the same file and overlaps in time" in said


def test_each_version_has_its_file(net: Any) -> None:
    with pytest.raises(
        DataError, match=r"ActivityNet 1\.2's annotation file activity_net\.v1-2\.min\.json is not in it"
    ):
        net.prepare("activitynet1.2")

    net.text("activity_net.v1-2.json", json.dumps({"database": DATABASE}))
    net.prepare("activitynet1.2")
    assert len(net.rows) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"videos": {}}, 'has no "database"'),
        ({"database": {"abc": {"subset": "training", "annotations": [{"label": "a"}]}}}, "abc: is not as .*segment"),
        ({"database": {"abc": {"subset": "spare", "annotations": []}}}, "abc: unknown subset 'spare'"),
    ],
)
def test_a_file_of_another_form_is_an_error(net: Any, content: dict[str, Any], says: str) -> None:
    net.text("activity_net.v1-3.min.json", json.dumps(content))

    with pytest.raises(DataError, match=says):
        net.prepare("activitynet1.3")
