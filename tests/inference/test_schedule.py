"""When frames of a source are due, and which of them are covered: a slot each 0.5 s, a window of 2 s."""

from __future__ import annotations

import pytest

from adaframe.inference.schedule import Schedule

SPACING_S = 0.5


@pytest.fixture
def schedule() -> Schedule:
    """One whose first frame came at 10 s."""
    found = Schedule(10.0, 2.0)
    assert found.advance(10.0, SPACING_S) == (1, 0)
    return found


def test_a_frame_between_two_slots_is_not_due_and_a_little_early_is_early_enough(schedule: Schedule) -> None:
    assert schedule.advance(10.4, SPACING_S) == (0, 0)
    assert schedule.advance(10.46, SPACING_S) == (1, 0)

    assert schedule.slot_s == 10.5
    assert schedule.wanted_s(SPACING_S) == pytest.approx(10.95)


def test_slots_that_went_by_are_missed_unless_a_skip_covered_them(schedule: Schedule) -> None:
    schedule.cover(2, SPACING_S)

    slots = schedule.advance(12.0, SPACING_S)

    assert slots == (4, 2)  # 10.5 was covered; 11.0 and 11.5 were not
    assert not schedule.covered


def test_a_skip_covers_its_frames(schedule: Schedule) -> None:
    schedule.cover(2, SPACING_S)

    covered = []
    for time_s in (10.5, 11.0):
        schedule.advance(time_s, SPACING_S)
        covered.append(schedule.covered)

    assert covered == [True, False]


def test_while_it_stands_still_a_frame_is_wanted_after_the_longest_skip_and_an_answer_holds_for_a_window(
    schedule: Schedule,
) -> None:
    def holds() -> bool:
        return schedule.compare(same=True, known=True, longest=2, spacing_s=SPACING_S)

    assert not schedule.compare(same=False, known=False, longest=2, spacing_s=SPACING_S)
    held = []
    for time_s in (10.5, 11.5, 12.0):
        schedule.advance(time_s, SPACING_S)
        held.append((holds(), schedule.wanted_s(SPACING_S)))

    assert held == [(True, pytest.approx(11.45)), (True, pytest.approx(11.95)), (False, pytest.approx(12.45))]


def test_it_is_looked_at_again_at_once_where_something_may_be_new(schedule: Schedule) -> None:
    schedule.advance(10.5, SPACING_S)
    schedule.compare(same=True, known=True, longest=4, spacing_s=SPACING_S)

    schedule.look_again()

    assert schedule.wanted_s(SPACING_S) == pytest.approx(10.95)


@pytest.mark.parametrize(("time_s", "continues"), [(9.9, False), (10.0, True), (13.0, True), (13.1, False)])
def test_a_time_that_jumps_begins_anew(schedule: Schedule, time_s: float, continues: bool) -> None:
    assert schedule.continues(time_s, SPACING_S) == continues
