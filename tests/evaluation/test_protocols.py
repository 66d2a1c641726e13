"""The figures of public data sets, against what their published evaluation code computes.

The references below are written anew, in plain loops, from the definitions in mmaction2 (`top_k_accuracy`,
`mean_class_accuracy`, `mean_average_precision`, `mmit_mean_average_precision`), ActivityNet's toolkit (interpolated
average precision) and AR-Net's release (its mAP, of which stored results are among the shared test data).
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest

from adaframe.data.clips import Clip
from adaframe.evaluation.metrics import Results, mean_average_precision
from adaframe.evaluation.protocols import (
    arnet_map,
    competing,
    first_labels,
    interpolated_map,
    mean_class_accuracy,
    protocol,
    protocol_cells,
    protocol_notes,
    top_k_accuracy,
)

VIDEOS, CLASSES = 60, 8


@pytest.fixture
def sample() -> tuple[np.ndarray, np.ndarray]:
    """Scores that know something of the labels, (60, 8), and one label each, of classes 0 to 5: no video has 6 or 7."""
    random = np.random.default_rng(5)
    labels = random.integers(0, 6, VIDEOS)
    return random.random((VIDEOS, CLASSES)) + 0.3 * (np.arange(CLASSES) == labels[:, None]), labels


@pytest.fixture
def several(sample: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The same scores, and one to three labels each, bool, (60, 8)."""
    scores, labels = sample
    targets = np.random.default_rng(6).random(scores.shape) < 0.15
    targets[np.arange(VIDEOS), labels] = True
    return scores, targets


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def precisions(score: np.ndarray, target: np.ndarray) -> list[float]:
    """Precision at each right video, the best one first, by going down the ranking."""
    found, right = [], 0
    for rank, video in enumerate(sorted(range(len(score)), key=lambda i: -score[i]), start=1):
        if target[video]:
            right += 1
            found.append(right / rank)
    return found


def results(scores: np.ndarray, targets: np.ndarray, *, multi_label: bool = False) -> Results:
    n = len(scores)
    return Results("m", scores, targets, np.ones(n), 1.0, None, tuple(map(str, range(n))), {}, multi_label=multi_label)


@pytest.mark.parametrize("k", [1, 5])
def test_top_k_is_that_of_mmaction(sample: tuple[np.ndarray, np.ndarray], k: int) -> None:
    scores, labels = sample
    hits = [
        label in sorted(range(CLASSES), key=lambda c: -row[c])[:k] for row, label in zip(scores, labels, strict=True)
    ]

    assert 0 < sum(hits) < VIDEOS
    assert top_k_accuracy(scores, labels, k) == pytest.approx(sum(hits) / VIDEOS)


def test_class_mean_is_that_of_mmaction(sample: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = sample
    answers = [int(np.argmax(row)) for row in scores]
    rates = []
    for k in sorted({*answers, *labels.tolist()}):  # classes that occur in answers or labels, as rows of its matrix
        own = [answer == k for answer, label in zip(answers, labels, strict=True) if label == k]
        rates.append(sum(own) / len(own) if own else 0.0)

    assert 6 in answers  # a class that no video has
    assert mean_class_accuracy(scores, labels) == pytest.approx(sum(rates) / len(rates))


@pytest.mark.parametrize(("average", "k"), [("micro", 1), ("micro", 5), ("macro", 1)])
def test_torchmetrics_says_the_same(sample: tuple[np.ndarray, np.ndarray], average: str, k: int) -> None:
    import torch
    from torchmetrics.functional.classification import multiclass_accuracy

    scores, labels = sample
    theirs = multiclass_accuracy(
        torch.from_numpy(scores), torch.from_numpy(labels), num_classes=CLASSES, average=average, top_k=k
    )

    ours = top_k_accuracy(scores, labels, k) if average == "micro" else mean_class_accuracy(scores, labels)
    assert ours == pytest.approx(float(theirs), abs=1e-6)


def test_map_is_that_of_mmaction(several: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = several
    targets[:, 7] = False  # it is left out of the mean
    found = [precisions(scores[:, k], targets[:, k]) for k in range(CLASSES)]

    assert mean_average_precision(scores, targets) == pytest.approx(np.mean([np.mean(p) for p in found if p]))


def test_map_over_videos_is_that_of_multi_moments(several: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = several
    found = [np.mean(precisions(score, target)) for score, target in zip(scores, targets, strict=True)]

    # Classes are ranked within a video there, not videos within a class.
    assert mean_average_precision(scores.T, targets.T) == pytest.approx(np.mean(found))


def test_interpolated_map_is_that_of_activitynet(several: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = several
    found = []
    for k in range(CLASSES):
        curve = precisions(scores[:, k], targets[:, k])
        # Recall rises by the same step at each right video; precision there is the best of any higher recall.
        found.append(sum(max(curve[i:]) for i in range(len(curve))) / len(curve))

    assert interpolated_map(scores, targets) == pytest.approx(np.mean(found))
    assert interpolated_map(scores, targets) > mean_average_precision(scores, targets)


def test_interpolated_map_worked_out_by_hand() -> None:
    scores, targets = np.array([[0.9], [0.8], [0.7]]), np.array([[False], [True], [True]])

    # Precisions 1/2 at rank 2 and 2/3 at rank 3: the first one counts as the better second.
    assert interpolated_map(scores, targets) == pytest.approx(2 / 3)
    assert mean_average_precision(scores, targets) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert math.isnan(interpolated_map(scores, np.zeros((3, 1), dtype=bool)))


@pytest.fixture(scope="module")
def release() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of AR-Net's release: logits (40, 12), up to three labels each (40, 3; -1: none), and what its mAP says per class."""
    root = Path(os.environ.get("ADAFRAME_TEST_DATA", "")) / "arnet" / "cases.npz"
    if not root.is_file():
        pytest.skip("needs the shared test data")
    with np.load(root) as cases:
        return tuple(cases[f"map/{name}"].astype(np.float64) for name in ("scores", "labels", "ap"))  # type: ignore[return-value]


def many_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.array([[k in row for k in range(classes)] for row in labels])


def test_the_releases_map_is_met(release: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    scores, labels, ap = release

    assert arnet_map(softmax(scores), many_hot(labels, 12)) == pytest.approx(ap.mean() / 100, abs=1e-6)


def test_a_model_of_yes_and_no_per_class_is_scored_by_the_same_softmax(
    release: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    scores, labels, ap = release
    yes_or_no = results(1 / (1 + np.exp(-scores)), many_hot(labels, 12), multi_label=True)

    assert competing(yes_or_no) == pytest.approx(softmax(scores))
    found = protocol(yes_or_no, labels[:, 0].astype(np.int64))
    assert found.map_arnet == pytest.approx(ap.mean() / 100, abs=1e-6)
    assert found.map == mean_average_precision(yes_or_no.scores, yes_or_no.targets) != found.map_arnet


def test_a_class_without_a_video_counts_0_as_in_the_release(several: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = several
    targets[:, 2] = False

    assert arnet_map(scores, targets) == pytest.approx(mean_average_precision(scores, targets) * 7 / 8)


def test_the_releases_renumbering_of_labels_is_not_repeated(several: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = several

    def releases(targets: np.ndarray) -> float:
        there = [k for k in range(CLASSES) if targets[:, k].any()]
        # The n-th class that occurs is compared with column n of the scores, whatever its own number is.
        found = [np.mean(precisions(scores[:, column], targets[:, k])) for column, k in enumerate(there)]
        return sum(found) / CLASSES

    assert arnet_map(scores, targets) == pytest.approx(releases(targets))  # every class occurs: harmless

    targets[:, 2] = False  # from class 3 on, columns are one off: the figure falls towards that of a guess
    assert arnet_map(scores, targets) > releases(targets) + 0.05


def test_first_labels_are_those_of_the_manifest() -> None:
    clips = [Clip("a", ("swim", "dive")), Clip("b", ("dive",)), Clip("c", ())]

    assert first_labels(clips, ("dive", "run", "swim")).tolist() == [2, 0, -1]


def test_one_label_each_is_scored_by_accuracy(sample: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = sample
    found = protocol(results(softmax(scores), np.eye(CLASSES, dtype=bool)[labels]), labels)

    assert found.top1 == top_k_accuracy(scores, labels)
    assert found.top5 == top_k_accuracy(scores, labels, 5)
    assert (found.map, found.map_arnet) == (None, None)
    assert protocol_cells([found])[0] == ["method", "top-1 %", "top-5 %", "class mean %"]
    assert protocol_cells([found])[1][1] == f"{100 * top_k_accuracy(scores, labels):.1f}"
    assert len(protocol_notes([found])) == 2


def test_top_5_of_five_classes_says_nothing(sample: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = sample
    few = labels < 5

    found = protocol(results(scores[few, :5], np.eye(5, dtype=bool)[labels[few]]), labels[few])

    assert found.top5 is None
    assert "top-5 %" not in protocol_cells([found])[0]


def test_several_labels_each_are_scored_by_map(several: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = several
    first = targets.argmax(axis=1)
    found = protocol(results(scores, targets), first)

    assert found.map == mean_average_precision(scores, targets)
    assert found.map_first == mean_average_precision(scores, np.eye(CLASSES, dtype=bool)[first])
    assert found.top1 == top_k_accuracy(scores, first)
    assert found.class_mean is None


def test_a_video_without_a_label_leaves_out_what_needs_one(several: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = several
    targets[0] = False
    first = np.where(targets.any(axis=1), targets.argmax(axis=1), -1)

    found = protocol(results(scores, targets), first)

    assert (found.top1, found.top5, found.class_mean) == (None, None, None)
    assert found.map_first is not None
