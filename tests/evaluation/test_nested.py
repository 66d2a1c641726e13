"""Choosing among recipes: the best one, but not by noise, and within the budget."""

from __future__ import annotations

import numpy as np
import pytest

from adaframe.errors import UsageError
from adaframe.evaluation.bootstrap import Interval
from adaframe.evaluation.metrics import Results
from adaframe.evaluation.nested import Standing, choose, part, pooled, standings_table


def answered(name: str, right: list[bool], *, gmacs: float = 0.2, groups: int = 10) -> Results:
    """A recipe that answers these videos rightly; all of class 0, in some groups; uniform costs 1."""
    n = len(right)
    scores = np.where(np.array(right)[:, None], [[0.9, 0.1]], [[0.1, 0.9]])
    targets = np.tile([True, False], (n, 1))
    return Results(
        name=name,
        scores=scores,
        targets=targets,
        gmacs=np.full(n, gmacs),
        gmacs_uniform=1.0,
        model_ms=None,
        groups=tuple(f"film {v % groups}" for v in range(n)),
        actions={"glance": 1.0},
    )


def rights(count: int, n: int = 100) -> list[bool]:
    """So many right ones of n, spread evenly over the groups."""
    return [(v * 37) % n < count for v in range(n)]


def test_the_best_recipe_is_chosen_where_it_is_better_beyond_the_noise() -> None:
    simple, better = answered("simple", rights(60)), answered("better", rights(85))

    chosen, standings = choose([simple, better], budget=0.5)

    assert chosen == "better"
    assert [(s.name, s.value) for s in standings] == [("simple", 0.60), ("better", 0.85)]
    assert standings[0].behind.value == pytest.approx(0.25)
    assert standings[0].behind.low > 0
    assert standings[1].behind == Interval(0.0, 0.0, 0.0)


def test_a_lead_within_the_noise_leaves_the_first_recipe_chosen() -> None:
    # One right one more, but a wrong one for it in half of the groups: who leads hangs on a single group.
    simple = answered("simple", [True] * 50 + [False] * 50, groups=4)
    shifted = answered("shifted", [False] * 12 + [True] * 51 + [False] * 37, groups=4)

    assert choose([simple, shifted], budget=0.5)[0] == "simple"
    assert choose([shifted, simple], budget=0.5)[0] == "shifted"


def test_what_costs_more_than_the_budget_is_not_chosen_however_good() -> None:
    cheap, dear = answered("cheap", rights(60)), answered("dear", rights(90), gmacs=0.6)

    assert choose([dear, cheap], budget=0.5)[0] == "cheap"
    assert choose([dear, cheap], budget=0.7)[0] == "dear"
    with pytest.raises(UsageError, match=r"every variant costs more than the budget 0\.1"):
        choose([dear, cheap], budget=0.1)


def test_parts_put_together_again_are_the_whole() -> None:
    whole = answered("any", rights(30, 40))
    first = np.arange(40) < 15

    again = pooled([part(whole, first), part(whole, ~first)])

    np.testing.assert_array_equal(again.scores, whole.scores)
    np.testing.assert_array_equal(again.gmacs, whole.gmacs)
    assert again.groups == whole.groups
    assert len(part(whole, first).groups) == 15


def test_shares_of_actions_are_weighed_by_the_videos() -> None:
    one, three = answered("any", [True]), answered("any", [True] * 3)
    looking = Results(**{**vars(three), "actions": {"look-96": 1.0}})

    assert pooled([one, looking]).actions == {"glance": 0.25, "look-96": 0.75}


def test_the_table_marks_what_is_chosen_for_each_fold() -> None:
    nothing = Interval(0.0, 0.0, 0.0)
    standings = {
        "1": [Standing("a", 0.5, 0.1, nothing), Standing("b", 0.75, 0.3, nothing)],
        "2": [Standing("a", 0.7, 0.1, nothing), Standing("b", 0.65, 0.4, nothing)],
    }

    lines = standings_table({"1": "b", "2": "a"}, standings).splitlines()

    assert lines[2] == "| a | 50.0 % | **70.0 %** | 60.0 % | 0.100 |"
    assert lines[3] == "| b | **75.0 %** | 65.0 % | 70.0 % | 0.350 |"
