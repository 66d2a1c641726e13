"""Which videos are shown: those that one of two methods has right and the other wrong, the clearest first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from adaframe.evaluation.disagreements import SHOWN, best_static_plan, choose
from adaframe.evaluation.metrics import Results


def method(
    name: str,
    true_class: list[float],
    *,
    gmacs: float = 1.0,
    groups: str = "",
    classes: str = "",
    several: bool = False,
) -> Results:
    """Two classes; video n has `true_class[n]` for its own class, so that it is right above 0.5."""
    n = len(true_class)
    is_a = np.array([label == "a" for label in classes or "a" * n])
    targets = np.stack([is_a, ~is_a], axis=1)
    sure = np.array(true_class)[:, None]
    scores = np.where(targets, sure, 1 - sure)
    grouped = tuple(groups) or tuple(map(str, range(n)))
    return Results(name, scores, targets, np.full(n, gmacs), 4.0, None, grouped, {}, multi_label=several)


def test_the_two_kinds_of_disagreement_are_told_apart_and_the_clearest_come_first() -> None:
    own = method("adaptive", [0.9, 0.6, 0.9, 0.1, 0.4, 0.2])
    plan = method("static look", [0.9, 0.4, 0.1, 0.9, 0.6, 0.3])

    chosen = choose(own, plan)

    assert chosen.right == [2, 1]
    assert chosen.wrong == [3, 4]
    assert chosen.counts == (1, 2, 2, 1)


def test_a_second_video_of_a_group_or_a_class_waits_for_the_first_of_the_others() -> None:
    of_groups = "xxxyzw"
    own = method("adaptive", [0.99, 0.98, 0.97, 0.8, 0.7, 0.6], groups=of_groups)
    plan = method("static look", [0.1] * 6, groups=of_groups)

    assert choose(own, plan).right == [0, 3, 4, 5]
    assert len(choose(own, plan).right) == SHOWN
    own = method("adaptive", [0.99, 0.98, 0.97, 0.8, 0.7, 0.6], classes="aaaaab")
    plan = method("static look", [0.1] * 6, classes="aaaaab")
    assert choose(own, plan).right == [0, 5, 1, 2]


def test_without_a_plan_the_surest_answers_are_shown() -> None:
    chosen = choose(method("adaptive", [0.6, 0.9, 0.1, 0.4]), None)

    assert (chosen.right, chosen.wrong) == ([1, 0], [2, 3])


def test_where_they_never_disagree_the_surest_answers_are_shown() -> None:
    own, plan = method("adaptive", [0.6, 0.9, 0.1]), method("glance", [0.7, 0.8, 0.2])

    chosen = choose(own, plan)

    assert (chosen.right, chosen.wrong, chosen.counts) == ([1, 0], [2], (2, 0, 0, 1))


def test_several_labels_must_all_be_right() -> None:
    # Both name class a; the second video has both classes, and only the model names both.
    targets = np.array([[True, False], [True, True]])
    own = replace(
        method("adaptive", [0.9, 0.9], several=True), scores=np.array([[0.9, 0.1], [0.9, 0.8]]), targets=targets
    )
    plan = replace(own, name="static look", scores=np.array([[0.9, 0.1], [0.9, 0.2]]))

    assert choose(own, plan).right == [1]
    assert choose(own, plan).counts == (1, 1, 0, 0)


def test_the_best_plan_near_the_cost_is_the_rival() -> None:
    own = method("adaptive at 0.5", [0.9, 0.9], gmacs=1.0)
    bad, good = method("static bad", [0.1, 0.1], gmacs=0.5), method("glance", [0.9, 0.1], gmacs=1.2)
    dear = method("uniform, same weights", [0.9, 0.9], gmacs=4.0)
    chance = method("random at 0.5", [0.9, 0.9], gmacs=1.0)

    assert best_static_plan(own, [own, bad, good, dear, chance]) is good
    assert best_static_plan(own, [own, dear, replace(dear, name="static dearer", gmacs=np.full(2, 9.0))]) is dear
    assert best_static_plan(own, [own, chance]) is None
