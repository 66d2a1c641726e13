"""JSON holds what the tables say, unrounded."""

from __future__ import annotations

import json

import numpy as np
import pytest

from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report.comparison import to_json


def method(name: str, wrong: int, gmacs: float, classes: int = 2, note: str = "") -> Results:
    """20 videos in 10 groups; the first `wrong` are answered wrongly. Uniform costs 4 GMACs a video."""
    targets = np.eye(classes, dtype=bool)[np.arange(20) % classes]
    scores = np.where(targets, 0.8, 0.1)
    scores[:wrong] = scores[:wrong, ::-1] * np.where(targets[:wrong], 0.1, 1.0)
    groups = tuple(f"film-{i // 2}" for i in range(20))
    actions = {"look-160": gmacs / 4, "skip": 1 - gmacs / 4}
    return Results(name, scores, targets, np.full(20, gmacs), 4.0, 12.34 if wrong else None, groups, actions, note)


METHODS = [method("adaptive", 2, 1.0), method("uniform", 0, 4.0), method("static:look-160|4", 5, 1.0, note="by halves")]


def test_json_holds_what_the_tables_say_and_how_it_was_reached() -> None:
    facts = json.loads(json.dumps(to_json(METHODS, "uniform"), allow_nan=False))

    assert (facts["videos"], facts["groups"], facts["classes"], facts["judged_by"]) == (20, 10, 2, "accuracy")
    assert facts["intervals"] == {"level": 0.95, "draws": 2000, "seed": 0, "resampled": "groups of videos"}
    adaptive, uniform, _ = facts["methods"]
    assert adaptive["accuracy"]["value"] == 0.9
    assert adaptive["accuracy"]["low"] < 0.9 < adaptive["accuracy"]["high"]
    assert adaptive["difference"]["accuracy"]["value"] == pytest.approx(-0.1)
    assert adaptive["difference"]["of_uniform"]["value"] == pytest.approx(-0.75)
    assert adaptive["actions"] == {"look-160": 0.25, "skip": 0.75}
    assert uniform["difference"]["accuracy"] is None
    assert uniform["map"] is None


def test_json_has_null_where_there_is_no_interval() -> None:
    one = METHODS[0]
    alone = Results("uniform", one.scores, one.targets, one.gmacs, 4.0, None, ("film",) * 20, {})

    facts = json.loads(json.dumps(to_json([alone], "uniform"), allow_nan=False))

    assert facts["methods"][0]["accuracy"] == {"value": 0.9, "low": None, "high": None}
