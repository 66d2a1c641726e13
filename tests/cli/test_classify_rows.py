"""A row of `adaframe classify` as people read it."""

from __future__ import annotations

from typing import Any

from adaframe.cli.classify import describe_row


def windows(*labels: str) -> list[dict[str, Any]]:
    """A timeline of two seconds each."""
    return [
        {"start_s": 2.0 * n, "end_s": 2.0 * n + 2, "label": label, "confidence": 0.8} for n, label in enumerate(labels)
    ]


def test_a_row_for_people(row: dict[str, Any]) -> None:
    text = describe_row(row, width=8)

    assert text == "a.mp4      fight 93%, no-fight 7%   2 of 3 frames   1.23 of 4.87 GMACs   0.16 s"


def test_a_row_says_when_it_is_unsure_and_what_happens_when(row: dict[str, Any]) -> None:
    timeline = windows("no-fight", "no-fight", "fight")
    row |= {"unsure": True, "timeline": timeline, "top": row["top"][:1]}

    text = describe_row(row, width=5)

    assert text.splitlines()[0].startswith("a.mp4   fight 93% (unsure)   ")
    assert [line.split() for line in text.splitlines()[1:]] == [
        ["0.0", "s", "–", "4.0", "s", "no-fight", "80%"],
        ["4.0", "s", "–", "6.0", "s", "fight", "80%"],
    ]


def test_the_times_of_a_long_video_are_minutes_and_seconds(row: dict[str, Any]) -> None:
    row |= {"timeline": windows(*["fight"] * 40, "no-fight")}

    assert [line.split()[:3] for line in describe_row(row, width=5).splitlines()[1:]] == [
        ["0:00", "–", "1:20"],
        ["1:20", "–", "1:22"],
    ]


def test_many_changes_are_not_all_told(row: dict[str, Any]) -> None:
    row |= {"timeline": windows(*["fight", "no-fight"] * 50)}

    lines = describe_row(row, width=5).splitlines()

    assert len(lines) == 62
    assert lines[-1].strip() == "… and 40 more changes up to 3:20; --json tells all"


def test_a_row_of_a_multi_label_model(row: dict[str, Any]) -> None:
    row |= {"label": ["fight", "run"]}

    assert "fight + run 93%, no-fight 7%" in describe_row(row, width=5)
    bare = row | {"label": [], "timeline": [{"start_s": 0.0, "end_s": 2.0, "label": [], "confidence": 0.8}]}
    assert "none of the classes 93%" in describe_row(bare, width=5).splitlines()[0]
    assert describe_row(bare, width=5).splitlines()[1].endswith("none of the classes 80%")


def test_a_small_cost_does_not_show_as_nothing(row: dict[str, Any]) -> None:
    row |= {"gmacs": 0.00123, "gmacs_uniform": 0.0456}

    assert "0.0012 of 0.046 GMACs" in describe_row(row, width=5)
