"""What an answer names, how sure it is, and when it is right."""

from __future__ import annotations

import numpy as np
import pytest

from adaframe.model.answer import confidence, in_words, named, right

LIKELY = np.array([[0.9, 0.6, 0.1], [0.2, 0.4, 0.3], [0.1, 0.2, 0.5]])


def test_one_class_is_named_where_classes_exclude_each_other() -> None:
    assert named(LIKELY, multi_label=False).tolist() == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]
    assert confidence(LIKELY, multi_label=False).tolist() == [0.9, 0.4, 0.5]


def test_several_labels_or_none_are_named_from_a_half_on() -> None:
    assert named(LIKELY, multi_label=True).tolist() == [[True, True, False], [False] * 3, [False, False, True]]


def test_several_labels_are_as_sure_as_the_least_likely_one_and_none_as_all_of_them_failing() -> None:
    assert confidence(LIKELY, multi_label=True) == pytest.approx([0.6, 1 - 0.4, 0.5])


def test_several_labels_are_right_where_exactly_these_hold() -> None:
    exact, one_missed, one_too_many = [1, 1, 0], [1, 1, 1], [1, 0, 0]
    likely = np.repeat(LIKELY[:1], 3, axis=0)
    targets = np.array([exact, one_missed, one_too_many])

    assert right(likely, targets, multi_label=True).tolist() == [True, False, False]
    assert right(likely, targets, multi_label=False).tolist() == [True, True, True]  # the first one does hold


def test_naming_none_is_right_where_there_is_none() -> None:
    assert right(LIKELY[1:2], np.zeros((1, 3)), multi_label=True).tolist() == [True]
    assert right(LIKELY[1:2], np.array([[0, 1, 0]]), multi_label=True).tolist() == [False]


@pytest.mark.parametrize(
    ("label", "words"), [("fight", "fight"), (["run", "jump"], "run + jump"), ([], "none of the classes")]
)
def test_answers_in_words(label: str | list[str], words: str) -> None:
    assert in_words(label) == words
