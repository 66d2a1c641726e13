"""How right a method is class by class."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from adaframe.evaluation.classes import class_facts, class_table, label_counts, missing, plain
from adaframe.evaluation.metrics import Results


def results(scores: list[list[float]], targets: list[list[int]], *, multi_label: bool) -> Results:
    n = len(scores)
    groups = tuple(map(str, range(n)))
    truth = np.array(targets, dtype=bool)
    return Results("x", np.array(scores), truth, np.ones(n), 2.0, None, groups, {}, multi_label=multi_label)


ONE_EACH = results(
    [[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.8, 0.1, 0.1]],
    [[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]],
    multi_label=False,
)
SEVERAL = results(
    [[0.9, 0.8, 0.1], [0.6, 0.3, 0.2], [0.1, 0.2, 0.3]], [[1, 1, 0], [0, 1, 0], [0, 0, 0]], multi_label=True
)


def test_recall_and_precision_by_hand() -> None:
    a, b, c = class_facts(ONE_EACH, ("a", "b", "c"))

    # Three are called a, two of them are; of the two that are b, one is called so; nothing is c or called so.
    assert (a.videos, a.answered, a.recall, a.precision) == (2, 3, 1.0, pytest.approx(2 / 3))
    assert (b.videos, b.answered, b.recall, b.precision) == (2, 1, 0.5, 1.0)
    assert (c.videos, c.answered) == (0, 0)
    assert math.isnan(c.recall)
    assert math.isnan(c.precision)


def test_the_cost_of_a_class_is_the_mean_of_its_videos() -> None:
    # Uniform takes 2; the two videos of a take 1 and 3, those of b take 0.5 each.
    a, b, c = class_facts(replace(ONE_EACH, gmacs=np.array([1.0, 0.5, 0.5, 3.0])), ("a", "b", "c"))

    assert (a.gmacs, a.of_uniform) == (2.0, 1.0)
    assert (b.gmacs, b.of_uniform) == (0.5, 0.25)
    assert math.isnan(c.gmacs)


def test_several_labels_are_counted_where_they_are_named() -> None:
    run, jump, sit = class_facts(SEVERAL, ("run", "jump", "sit"))

    assert (run.videos, run.answered, run.right) == (1, 2, 1)
    assert (jump.videos, jump.answered, jump.right) == (2, 1, 1)
    assert (run.average_precision, jump.average_precision) == (1.0, 1.0)
    assert math.isnan(sit.average_precision)


def test_a_table_has_a_line_per_class_with_its_numbers() -> None:
    one = class_table(class_facts(ONE_EACH, ("a|z", "b", "c")), by_map=False).splitlines()
    several = class_table(class_facts(SEVERAL, ("run", "jump", "sit")), by_map=True).splitlines()

    assert one[0] == "| class | videos | accuracy | precision | named | GMACs | of uniform |"
    assert one[2:] == [
        "| a\\|z | 2 | 100.0 % | 66.7 % | 3 | 1.00 | 50.0 % |",
        "| b | 2 | 50.0 % | 100.0 % | 1 | 1.00 | 50.0 % |",
        "| c | 0 | – | – | 0 | – | – |",
    ]
    assert several[0] == "| class | videos | average precision | recall | precision | named | GMACs | of uniform |"
    assert several[3] == "| jump | 2 | 100.0 % | 50.0 % | 100.0 % | 1 | 1.00 | 50.0 % |"


def test_of_many_classes_the_worst_are_shown() -> None:
    k = 80
    scores = np.eye(k)
    scores[7] = np.roll(scores[7], 1)  # class 7 is taken for class 8
    facts = class_facts(results(scores.tolist(), np.eye(k).tolist(), multi_label=False), [f"c{n}" for n in range(k)])

    table = class_table(facts, by_map=False)

    assert "| c7 | 1 | 0.0 %" in table
    assert sum(line.startswith("| c") for line in table.splitlines()) == 60 + 1  # and the header
    assert "Of 80 classes, the 60 with the least accuracy" in table


def test_labels_are_counted_and_those_that_nobody_has_are_named() -> None:
    facts = class_facts(SEVERAL, ("run", "jump", "sit"))

    text = label_counts(facts, SEVERAL.targets)

    assert text == "labels in 3 videos: jump 2, run 1; 1 without any. No video has sit: left out of mAP."
    assert label_counts(facts[:2], SEVERAL.targets[:, :2]) == "labels in 3 videos: jump 2, run 1; 1 without any."
    bare = replace(SEVERAL, targets=np.zeros((3, 3), dtype=bool))
    assert label_counts(class_facts(bare, "abc"), bare.targets).startswith("3 videos, no label. No video has a, b, c")


def test_of_many_missing_labels_some_are_named_and_all_counted() -> None:
    assert missing([f"c{n}" for n in range(20)], np.zeros((2, 20))).endswith("c10, c11, … (20 classes)")
    assert missing(["a", "b"], np.array([[1.0, 0.0], [0.0, 1.0]])) == ""


def test_json_has_null_where_there_is_no_number() -> None:
    rows = plain(class_facts(SEVERAL, ("run", "jump", "sit")))["per_class"]

    counts = {"name": "sit", "videos": 0, "named": 0, "right": 0}
    assert rows[2] == {**counts, "average_precision": None, "gmacs": None, "of_uniform": None}
    assert rows[1]["average_precision"] == 1.0
