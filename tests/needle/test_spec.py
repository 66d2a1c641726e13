from __future__ import annotations

from typing import Any

import pytest

from adaframe.errors import UsageError
from adaframe.needle import CUES, TEXTURES, NeedleSpec


def test_there_is_a_choice_of_textures_and_cues() -> None:
    assert len(TEXTURES) >= 2
    assert len(CUES) >= 3


def test_labels_are_the_first_textures_of_the_family() -> None:
    assert NeedleSpec(texture="stripes", classes=3).labels == ("vertical", "horizontal", "checker")
    assert len(NeedleSpec(texture="bricks").labels) == 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"texture": "stripe"}, "try: stripes"),
        ({"cue": "color"}, "try: colour"),
        ({"cue": "x"}, "ring, corner, colour"),
        ({"classes": 1}, "classes: 1"),
        ({"classes": 7}, "2 to 6"),
        ({"frames": 40}, "not a multiple"),
        ({"frames": 0}, "frames: 0"),
        ({"segments": 0}, "segments: 0"),
        ({"evidence_segments": 17}, "1 to segments"),
        ({"pixels": 111}, "even"),
        ({"patch": 33}, "even number"),
        ({"patch": 102}, "8 to 100"),
        ({"fps": 0.0}, "fps"),
        ({"contrast": 60.0}, "40 at most"),
        ({"decoys": 1.5}, "share"),
        ({"noise": -1.0}, "noise"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_value_that_makes_no_data_set_is_refused_with_advice(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        NeedleSpec(**values)
