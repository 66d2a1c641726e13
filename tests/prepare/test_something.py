"""Something-Something: V2's JSON, and V1, which comes as frames."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adaframe.errors import DataError

HOLDING, CARD = "Holding something next to something", 'Pulling two ends of something so that it gets stretched, "fast"'


def entry(name: str, template: str) -> dict[str, Any]:
    return {"id": name, "label": "holding a pen", "template": template, "placeholders": ["a pen"]}


@pytest.fixture(params=["labels/something-something-v2-{}.json", "labels/{}.json"])
def second(sample: Any, request: pytest.FixtureRequest) -> Any:
    """V2, with the names that 20BN gave its files, and with Qualcomm's."""
    lists = {
        "labels": {HOLDING: "0", CARD: "1"},
        "train": [
            entry("78687", "Holding [something] next to [something]"),
            entry("42326", CARD.replace("something", "[something]")),
        ],
        "validation": [entry("74225", "Holding [something] next to [something]")],
        "test": [{"id": "1420"}],
    }
    for name, content in lists.items():
        sample.text(request.param.format(name), json.dumps(content))
    sample.files("20bn-something-something-v2/78687.webm", "20bn-something-something-v2/42326.webm")
    return sample


def test_templates_without_brackets_are_the_labels(second: Any) -> None:
    second.files("20bn-something-something-v2/74225.webm", "20bn-something-something-v2/1420.webm")

    said = second.prepare("something-v2")

    assert second.rows == [
        ("20bn-something-something-v2/78687.webm", HOLDING, "train"),
        ("20bn-something-something-v2/42326.webm", CARD, "train"),
        ("20bn-something-something-v2/74225.webm", HOLDING, "val"),
    ]
    assert "1 videos of the test split have no label and are left out" in said


def test_labels_that_mirrored_pictures_make_wrong_are_said(second: Any) -> None:
    pushing = "Pushing something from left to right"
    for path in second.source.glob("labels/*"):
        path.write_text(path.read_text().replace(HOLDING, pushing).replace("Holding [something] next to", "Pushing"))
        path.write_text(path.read_text().replace("Pushing [something]", "Pushing [something] from left to right"))

    said = second.prepare("something-v2")

    assert f"1 labels speak of left or right ({pushing}, …): train with --data.flip false" in said


def test_a_missing_video_is_listed_but_not_one_without_a_label(second: Any) -> None:
    second.prepare("something-v2")

    assert second.missing == ["74225"]


def test_a_template_that_is_no_label_is_an_error(second: Any) -> None:
    for path in second.source.glob("labels/*labels.json"):
        path.write_text(json.dumps({CARD: "0"}))

    with pytest.raises(DataError, match=r"train\.json, entry 1: 'Holding something .* not among the 1 labels"):
        second.prepare("something-v2")


@pytest.mark.parametrize(
    ("text", "says"), [("{", "is no JSON"), ("{}", "a dict instead of a list"), ("[{}]", "entry 1: has no id")]
)
def test_a_file_of_another_form_is_an_error(second: Any, text: str, says: str) -> None:
    for path in second.source.glob("labels/*train.json"):
        path.write_text(text)

    with pytest.raises(DataError, match=rf"train\.json.*{says}"):
        second.prepare("something-v2")


@pytest.fixture
def first(sample: Any) -> Any:
    sample.text("something-something-v1-labels.csv", "Holding something\nTurning something upside down\n")
    sample.text("something-something-v1-train.csv", "100218;Turning something upside down\n24413;Holding something\n")
    sample.text("something-something-v1-validation.csv", "48032;Holding something\n")
    sample.text("something-something-v1-test.csv", "6\n")
    return sample


def test_frames_of_v1_are_an_error_with_the_command_that_makes_videos(first: Any) -> None:
    first.files("20bn-something-something-v1/100218/00001.jpg", "20bn-something-something-v1/24413/00001.jpg")

    with pytest.raises(DataError, match=r"comes as folders of frames \(2 are here\).*try: .*ffmpeg -n -framerate 12"):
        first.prepare("something-v1")


def test_v1_is_read_once_it_is_videos(first: Any) -> None:
    first.files("20bn-something-something-v1/100218/00001.jpg", "v1-videos/100218.mp4", "v1-videos/24413.mp4")
    first.files("v1-videos/48032.mp4")

    first.prepare("something-v1")

    assert first.rows == [
        ("v1-videos/100218.mp4", "Turning something upside down", "train"),
        ("v1-videos/24413.mp4", "Holding something", "train"),
        ("v1-videos/48032.mp4", "Holding something", "val"),
    ]
