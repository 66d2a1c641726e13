"""What happens when, by stretches."""

from __future__ import annotations

from typing import Any

from adaframe.inference.timeline import Stretch, stretches


def window(start_s: float, end_s: float, label: str | list[str], confidence: float) -> dict[str, Any]:
    return {"start_s": start_s, "end_s": end_s, "label": label, "confidence": confidence}


def test_neighbours_with_the_same_answer_are_one_stretch() -> None:
    timeline = [
        window(0, 2, "run", 0.5),
        window(2, 4, "run", 0.75),
        window(4, 6, "sit", 1.0),
        window(6, 8, "run", 0.25),
    ]

    assert stretches(timeline) == [
        Stretch(0, 4, "run", 0.625),
        Stretch(4, 6, "sit", 1.0),
        Stretch(6, 8, "run", 0.25),
    ]


def test_of_several_labels_the_whole_list_counts() -> None:
    timeline = [window(0, 2, ["run"], 0.5), window(2, 4, ["run", "sit"], 0.5), window(4, 6, [], 0.5)]

    assert [stretch.label for stretch in stretches(timeline)] == [["run"], ["run", "sit"], []]


def test_a_stretch_of_overlapping_windows_ends_where_the_next_one_begins() -> None:
    timeline = [window(0, 2, "run", 0.5), window(1, 3, "run", 0.5), window(2, 4, "sit", 0.5)]

    assert [(stretch.start_s, stretch.end_s) for stretch in stretches(timeline)] == [(0, 2), (2, 4)]


def test_a_hole_stays_a_hole() -> None:
    timeline = [window(0, 2, "run", 0.5), window(10, 12, "sit", 0.5)]

    assert [(stretch.start_s, stretch.end_s) for stretch in stretches(timeline)] == [(0, 2), (10, 12)]


def test_nothing_has_no_stretch() -> None:
    assert stretches([]) == []
