"""Labels that a mirrored picture would make wrong."""

from __future__ import annotations

from adaframe.data.sides import sided


def test_labels_that_speak_of_left_or_right_are_found() -> None:
    labels = ["Pushing something from left to right", "turn_RIGHT", "Turning the camera left", "run", "brightening"]
    labels += ["Something being left over", "leftovers", "copyright"]

    assert sided(labels) == [
        "Pushing something from left to right",
        "Something being left over",  # a word is all that is looked at
        "Turning the camera left",
        "turn_RIGHT",
    ]
