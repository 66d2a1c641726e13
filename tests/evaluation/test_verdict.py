"""The sentence on adaptivity claims what the numbers bear out, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from adaframe.evaluation.metrics import Results
from adaframe.evaluation.verdict import sentence, verdict


def results(right: Sequence[bool], *, name: str = "uniform", gmacs: float = 4.0) -> Results:
    """Two classes; the label is always the first. Uniform costs 4 GMACs a video, and each video is a group."""
    hit = np.asarray(right, dtype=bool)
    n = len(hit)
    return Results(
        name=name,
        scores=np.where(hit[:, None], [0.9, 0.1], [0.2, 0.8]),
        targets=np.tile([True, False], (n, 1)),
        gmacs=np.full(n, gmacs),
        gmacs_uniform=4.0,
        model_ms=None,
        groups=tuple(f"{i}.mp4" for i in range(n)),
        actions={},
    )


def half_cost(right: Sequence[bool]) -> list[Results]:
    """Adaptive at half of uniform's cost, beside uniform (90 % right) and a plan at a quarter (60 %)."""
    uniform = [i % 10 != 0 for i in range(len(right))]
    quarter = [i % 10 not in (0, 1, 2, 3) for i in range(len(right))]
    return [
        results(right, name="adaptive", gmacs=2.0),
        results(uniform, name="uniform", gmacs=4.0),
        results(quarter, name="static:look-160/4", gmacs=1.0),
    ]


def test_adaptivity_pays_where_it_beats_the_mixture_of_static_plans() -> None:
    said = sentence(half_cost([i % 10 != 0 for i in range(300)]))

    # At half of the cost: two thirds of the videos at a quarter, one third at full; 2/3 · 60 % + 1/3 · 90 % = 70 %.
    assert said.startswith("Adaptivity pays")
    assert "+20.0 points" in said
    assert "static:look-160/4 for 67 % of the videos and uniform for the others: 70.0 % at 50.0 %" in said


def test_adaptivity_does_not_pay_below_the_mixture() -> None:
    assert sentence(half_cost([i % 2 == 0 for i in range(300)])).startswith("Adaptivity does not pay")


def test_both_cannot_be_told_apart_where_the_interval_holds_zero() -> None:
    said = sentence(half_cost([i % 10 > 2 for i in range(60)]))

    assert said.startswith("Adaptivity and a static plan cannot be told apart on these data")


def test_a_static_plan_ties_where_no_difference_beyond_five_points_is_left() -> None:
    uniform = results([i % 10 != 0 for i in range(300)])
    same = replace(uniform, name="adaptive", gmacs=uniform.gmacs * 1.1)

    assert sentence([same, uniform]).startswith("A static plan ties with adaptivity")


def test_a_loss_against_dearer_plans_alone_says_nothing() -> None:
    adaptive, uniform, _ = half_cost([i % 2 == 0 for i in range(300)])

    said = sentence([adaptive, uniform])

    # 50 % for half of the cost of 90 %: no plan at that cost was tried.
    assert said.startswith("Whether adaptivity pays cannot be said, as no static plan as cheap was tried")
    assert "minus that of the cheapest static plan is -40.0 points" in said


def test_a_gain_over_dearer_plans_pays() -> None:
    adaptive, uniform, _ = half_cost([True] * 300)

    assert sentence([adaptive, uniform]).startswith("Adaptivity pays")


@pytest.mark.parametrize(("groups", "pays"), [(1, False), (5, False), (6, True)])
def test_of_few_groups_nothing_is_said(groups: int, pays: bool) -> None:
    methods = half_cost([True] * 300)
    few = [replace(m, groups=tuple(str(i % groups) for i in range(300))) for m in methods]

    assert sentence(few).startswith("Adaptivity pays" if pays else "Whether adaptivity pays cannot be said")


def test_budgets_that_change_nothing_are_one_operating_point() -> None:
    adaptive, *plans = half_cost([True] * 300)
    points = [replace(adaptive, name=f"adaptive at {budget}") for budget in (0.5, 1)]

    first, second, *_ = verdict([*points, *plans])

    assert "operating points" not in first
    assert second.startswith("adaptive at 0.5, at 1: 100.0 % at 50.0 % of uniform's compute; ")


def test_the_times_of_a_point_and_of_its_plan_stand_side_by_side() -> None:
    adaptive, *plans = half_cost([True] * 300)
    timed = [replace(m, model_ms=ms) for m, ms in zip((adaptive, *plans), (7.0, 4.0, 1.0), strict=True)]

    # A third of the videos at 4 ms, two thirds at 1 ms.
    assert verdict(timed)[-1].endswith("In measured time of the model, adaptive: 7.0 ms, its plan 2.0 ms.")
    assert sentence(timed) == sentence([adaptive, *plans])


def test_the_sentence_says_whether_it_matters_which_frames_are_looked_at() -> None:
    """Random frames lose 20 points; where pixels change, all is right: an event now and then, that the policy half sees."""
    adaptive, *plans = half_cost([i % 10 > 1 for i in range(300)])
    random = results([i % 10 > 3 for i in range(300)], name="random", gmacs=2.0)
    change = results([True] * 300, name="change rule", gmacs=2.0)

    said = sentence([adaptive, *plans, random, change])

    assert "Which frames are looked at matters: random ones of equal cost lose 20.0 points (+" in said
    assert "Looking where most pixels change does better than the policy (-20.0 points" in said


def test_the_sentence_says_where_any_frames_will_do() -> None:
    right = [i % 10 > 1 for i in range(300)]
    adaptive, *plans = half_cost(right)
    others = [results(right[1:] + right[:1], name=name, gmacs=2.0) for name in ("random", "change rule")]

    said = sentence([adaptive, *plans, *others])

    assert "Random frames of equal cost cannot be told from the policy's (+0.0 points" in said
    assert "Looking where most pixels change cannot be told from the policy (+0.0 points" in said


def test_the_sentence_says_where_change_tells_nothing_and_where_the_policy_has_learnt_nothing() -> None:
    adaptive, *plans = half_cost([i % 10 > 3 for i in range(300)])
    random = results([i % 10 > 1 for i in range(300)], name="random", gmacs=2.0)
    change = results([i % 10 > 5 for i in range(300)], name="change rule", gmacs=2.0)

    said = sentence([adaptive, *plans, random, change])

    assert "it has not learnt where to look" in said
    assert "Pixels that change do not tell which: a rule on them loses 20.0 points" in said


def test_a_policy_that_does_the_same_everywhere_is_no_news_about_frames() -> None:
    adaptive, *plans = half_cost([True] * 300)

    said = sentence([adaptive, *plans, replace(adaptive, name="random")])

    assert "Random frames of equal cost give the very same answers" in said
    assert "learnt" not in said


def test_of_several_models_the_first_one_is_judged() -> None:
    methods = half_cost([i % 10 != 0 for i in range(300)])
    other = replace(methods[0], name="adaptive (other)", model="other", scores=1 - methods[0].scores)

    assert sentence([*methods, other]) == sentence(methods)


def test_without_a_static_plan_nothing_is_claimed() -> None:
    assert "cannot be said" in sentence([results([True, False], name="adaptive")])
