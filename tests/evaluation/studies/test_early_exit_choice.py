"""Settings are chosen on other clips than those that they are reported on, and the verdict follows from these alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adaframe.evaluation.metrics import Results, accuracy, cost_fraction
from adaframe.evaluation.studies.early_exit_choice import (
    AS_IT_IS,
    EXIT,
    FEWER_FRAMES,
    Setting,
    Tried,
    as_right,
    as_text,
    study,
    verdict,
    within,
)

HALF, EARLY, LATE = Setting(every=2), Setting(rule="confidence", threshold=0.5), Setting(rule="margin", threshold=0.9)


def answered(right: int, cost: float, *, of: int = 20, first: int = 0) -> Results:
    """So many of the clips are answered rightly, at that fraction of uniform's cost; each is a group of its own."""
    scores = np.where((np.arange(of) < right)[:, None], [[0.9, 0.1]], [[0.1, 0.9]])
    targets = np.tile([True, False], (of, 1))
    groups = tuple(str(first + n) for n in range(of))
    gmacs = np.full(of, cost) + np.linspace(-0.01, 0.01, of)
    return Results("", scores, targets, gmacs, 1.0, None, groups, {"stage 1": 0.25, "stage 2": 0.75})


def tried(part: int = 0, **found: tuple[int, float]) -> Tried:
    names = {"plain": AS_IT_IS, "half": HALF, "early": EARLY, "late": LATE}
    return {names[name]: answered(*value, first=100 * part) for name, value in found.items()}


def test_the_cheapest_that_is_as_right_is_chosen() -> None:
    found = tried(plain=(15, 0.5), half=(14, 0.2), early=(15, 0.4), late=(17, 0.3))

    assert as_right([HALF, EARLY, LATE], found) == LATE
    assert as_right([HALF], found) is None


def test_the_most_right_that_is_cheap_enough_is_chosen() -> None:
    found = tried(plain=(15, 0.5), half=(14, 0.2), early=(15, 0.4), late=(17, 0.3))

    assert within([HALF, EARLY, LATE], 1.0, found) == LATE
    assert within([HALF, EARLY, LATE], 0.5, found) == HALF
    assert within([EARLY, LATE], 0.5, found) is None


def test_a_part_has_no_say_in_its_own_settings() -> None:
    # Each part would choose for itself what is bad on the other.
    one = tried(0, plain=(10, 0.5), half=(10, 0.4), early=(20, 0.1), late=(10, 0.2))
    other = tried(1, plain=(10, 0.5), half=(10, 0.4), early=(0, 0.1), late=(20, 0.2))

    found = study([one, other])

    assert found.settings[EXIT] == [LATE, EARLY]
    assert accuracy(found.equal[EXIT]) == pytest.approx((10 + 0) / 40)
    assert found.equal[EXIT].groups == one[LATE].groups + other[EARLY].groups


def test_what_cannot_be_had_is_left_out() -> None:
    found = study([tried(n, plain=(15, 0.5), half=(15, 0.4), early=(3, 0.1)) for n in range(2)])

    assert EXIT not in found.equal
    assert EXIT in found.capped[1.0]
    assert verdict(found) == "Early exit never is as right as the model without it."
    assert f"| {FEWER_FRAMES} | 75.0 [" in as_text(found)


@pytest.mark.parametrize(
    ("early", "half", "words"),
    [
        ((15, 0.2), (15, 0.4), "computes less than all of the others"),
        ((15, 0.4), (15, 0.2), "something simpler costs no more"),
        ((15, 0.4), (12, 0.2), "computes less than all of the others"),  # the cheap one is not as right
    ],
)
def test_early_exit_has_to_beat_everything_simpler(
    early: tuple[int, float], half: tuple[int, float], words: str
) -> None:
    found = study([tried(n, plain=(15, 0.5), half=half, early=early) for n in range(2)])

    assert words in verdict(found)
    assert words in as_text(found)


def test_less_compute_is_no_gain_where_answers_are_worse() -> None:
    found = study([tried(n, plain=(15, 0.5), early=(15, 0.2)) for n in range(2)])
    exit_ = found.equal[EXIT]
    bad = replace(found, equal={EXIT: replace(exit_, scores=1 - exit_.scores)})

    assert verdict(bad) == "Early exit does not pay: it is less right."


def test_cost_is_a_fraction_of_what_uniform_costs_on_all_parts() -> None:
    # The clips of the second part have twice as many windows.
    one, other = (tried(n, plain=(15, 0.5)) for n in range(2))
    other = {s: replace(r, gmacs=2 * r.gmacs, gmacs_uniform=2 * r.gmacs_uniform) for s, r in other.items()}

    assert cost_fraction(study([one, other]).plain).value == pytest.approx(0.5)
