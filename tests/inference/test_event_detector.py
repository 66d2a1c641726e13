"""A label takes over when it has led for long enough; wavering answers change nothing."""

from __future__ import annotations

import numpy as np

from adaframe.inference.event_detector import Change, EventDetector


def feed(
    detector: EventDetector, answers: list[tuple[float, ...]], start_s: float = 0.0
) -> list[tuple[float, str, str]]:
    """Answers ten times a second -> (seconds, event, label)."""
    told = []
    for n, likely in enumerate(answers):
        time_s = round(start_s + n / 10, 1)
        told += [(time_s, c.event, c.label) for c in detector.update(time_s, np.array(likely))]
    return told


def one_of(**options: float) -> EventDetector:
    return EventDetector(["a", "b", "c"], multi_label=False, margin=0.1, hold_s=0.3, **options)


A, B, NEARLY_B = (0.8, 0.1, 0.1), (0.1, 0.7, 0.2), (0.45, 0.5, 0.05)


def test_a_label_begins_when_it_has_led_for_the_time() -> None:
    assert feed(one_of(), [A] * 10) == [(0.3, "start", "a")]


def test_the_one_before_ends_at_once() -> None:
    assert feed(one_of(), [A] * 4 + [B] * 5) == [(0.3, "start", "a"), (0.7, "end", "a"), (0.7, "start", "b")]


def test_a_lead_that_is_short_or_small_changes_nothing() -> None:
    detector = one_of()
    feed(detector, [A] * 4)

    assert feed(detector, [B, B, B, A] * 5, 1.0) == []
    assert feed(detector, [NEARLY_B] * 20, 4.0) == []
    assert detector.label == "a"
    assert detector.confidence == 0.45


def test_two_rivals_in_turn_do_not_add_up() -> None:
    detector = one_of()
    feed(detector, [A] * 4)

    assert feed(detector, [B, (0.1, 0.2, 0.7)] * 10, 1.0) == []


def test_before_anything_has_begun_the_likeliest_is_the_label() -> None:
    detector = one_of()

    assert feed(detector, [NEARLY_B] * 9) == []  # leads by too little
    assert (detector.label, detector.confidence) == ("b", 0.5)


def test_nothing_begins_in_the_first_seconds() -> None:
    assert feed(one_of(warm_s=1.0), [A] * 20) == [(1.3, "start", "a")]


def test_an_end_tells_when_it_began_and_the_peak() -> None:
    detector = one_of()
    feed(detector, [A] * 4 + [(0.95, 0.05, 0.0)] + [A] * 3)

    assert detector.finish() == [Change("end", "a", 0.95, 0.3)]
    assert detector.finish() == []


def test_with_several_labels_each_has_its_own_beginning_and_end() -> None:
    detector = EventDetector(["a", "b"], multi_label=True, margin=0.2, hold_s=0.3)

    told = feed(detector, [(0.9, 0.1)] * 5 + [(0.9, 0.7)] * 5 + [(0.55, 0.2)] * 5)

    assert told == [(0.3, "start", "a"), (0.8, "start", "b"), (1.3, "end", "b")]
    assert (detector.label, detector.confidence) == (["a"], 0.55)
    assert feed(detector, [(0.3, 0.1)] * 4, 2.0) == [(2.3, "end", "a")]
    assert (detector.label, detector.confidence) == ([], 0.7)  # of none of them holding
