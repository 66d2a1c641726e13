"""What a report warns of depends on what it is about."""

from __future__ import annotations

import numpy as np
import pytest

from adaframe.evaluation.bootstrap import Interval
from adaframe.evaluation.limits import limits
from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report.blocks import markdown


def method(name: str = "adaptive", wrong: int = 1, groups: int = 40) -> Results:
    targets = np.eye(2, dtype=bool)[np.arange(40) % 2]
    scores = np.where(targets, 0.8, 0.2)
    scores[:wrong] = scores[:wrong, ::-1]
    return Results(name, scores, targets, np.ones(40), 4.0, None, tuple(str(i % groups) for i in range(40)), {})


def said(results: list[Results], gain: Interval | None = None, *, split: str = "test", grouped: bool = True) -> str:
    return markdown(limits(results, gain, split=split, grouped=grouped))


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("", "The data set has no splits"),
        ("train", "These are training videos"),
        ("val", "which flatters the model"),
        ("test", "set on other, validation videos"),
    ],
)
def test_it_says_what_the_videos_were_used_for(split: str, words: str) -> None:
    assert words in said([method()], split=split)


def test_few_or_unknown_groups_make_narrow_intervals() -> None:
    assert "few groups (5)" in said([method(groups=5)])
    assert "few groups" not in said([method()])
    alone = said([method(groups=1)])
    assert "all are of one group" in alone
    assert "few groups" not in alone
    assert "does not say which videos are related" in said([method()], grouped=False)


def test_a_tie_is_no_proof_of_equality() -> None:
    assert "-1.0 to +2.0 points remain possible" in said([method()], Interval(0.01, -0.01, 0.02))
    assert "remain possible" not in said([method()], Interval(0.02, 0.01, 0.03))


def test_no_error_among_few_is_not_never() -> None:
    assert "3/40 of new ones (7.5 %)" in said([method(wrong=0)])
    assert "of new ones" not in said([method()])
    assert "of new ones" not in said([method(wrong=0, groups=2)])  # 3/2 would be no share


def test_the_choice_of_a_static_plan_is_named_where_there_is_one() -> None:
    assert "favours static plans" in said([method(), method("static look-2")])
    assert "favours static plans" not in said([method(), method("uniform")])
