"""The figures that public data sets are reported in, beside those that the comparison judges by. N videos, K classes.

`datasets/README.md` says which data set is reported in which of them. torchmetrics has two of these figures, but takes
several seconds to import: tests compare with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from adaframe.data.clips import Clip
from adaframe.evaluation.bootstrap import Floats
from adaframe.evaluation.metrics import Results, average_precisions, headline, mean_average_precision

Bools = NDArray[np.bool_]
Numbers = NDArray[np.int64]

NAMES = {
    "top1": "top-1",
    "top5": "top-5",
    "class_mean": "class mean",
    "map": "mAP",
    "map_first": "mAP, first label",
    "map_arnet": "mAP as AR-Net",
    "map_interpolated": "mAP, interpolated",
}
NOTES = {
    "top1": "top-1 and top-5: whether a video's label (of several, its first) is the best class, or one of the five best",
    "class_mean": "class mean: accuracy of each class by itself, averaged (mean class accuracy); a class that is answered "
    "though no video has it counts 0, as in mmaction2",
    "map": "mAP: all labels; classes that no video has are left out",
    "map_first": "mAP, first label: a video's other labels count as wrong",
    "map_arnet": "mAP as AR-Net (its mmAP): confidences compete (softmax), and a class that no video has counts 0",
    "map_interpolated": "mAP, interpolated: precision at a rank is the best from there on, as ActivityNet's challenge counts",
}


@dataclass(frozen=True)
class Protocol:
    """What one method reached, each 0..1, or None where it says nothing.

    Args:
        name: of the method.
        top1, top5, class_mean: where every video has a label; top5 of more than five classes.
        map: where some video may have several labels, as all below.
        map_first, map_arnet, map_interpolated: see `NOTES`.
    """

    name: str
    top1: float | None = None
    top5: float | None = None
    class_mean: float | None = None
    map: float | None = None
    map_first: float | None = None
    map_arnet: float | None = None
    map_interpolated: float | None = None

    def figures(self) -> dict[str, float | None]:
        """All but the name."""
        return {key: value for key, value in asdict(self).items() if key != "name"}


def protocol(results: Results, first: Numbers) -> Protocol:
    """The figures of one method.

    Args:
        results: of the method.
        first: each video's first label as the number of its class, -1 without any, int64, (N,).
    """
    scores, targets = results.scores, results.targets
    by_map = headline(results) == "map"
    labelled = bool((first >= 0).all())
    one = np.zeros_like(targets)
    one[np.flatnonzero(first >= 0), first[first >= 0]] = True
    return Protocol(
        results.name,
        top1=top_k_accuracy(scores, first) if labelled else None,
        top5=top_k_accuracy(scores, first, 5) if labelled and scores.shape[1] > 5 else None,
        class_mean=mean_class_accuracy(scores, first) if labelled and not by_map else None,
        map=_number(mean_average_precision(scores, targets)) if by_map else None,
        map_first=_number(mean_average_precision(scores, one)) if by_map else None,
        map_arnet=arnet_map(competing(results), targets) if by_map else None,
        map_interpolated=_number(interpolated_map(scores, targets)) if by_map else None,
    )


def protocol_cells(found: Sequence[Protocol]) -> list[list[str]]:
    """Header and lines of a table in percent, with the figures that some method has."""
    keys = _kept(found)
    lines = [["method", *(f"{NAMES[key]} %" for key in keys)]]
    for one in found:
        values = [one.figures()[key] for key in keys]
        lines.append([one.name, *("–" if value is None else f"{100 * value:.1f}" for value in values)])
    return lines


def protocol_notes(found: Sequence[Protocol]) -> list[str]:
    """What those figures are."""
    keys = _kept(found)
    return list(dict.fromkeys(NOTES[key] for key in keys if key in NOTES))


def _kept(found: Sequence[Protocol]) -> list[str]:
    return [key for key in NAMES if any(one.figures()[key] is not None for one in found)]


def first_labels(clips: Sequence[Clip], classes: Sequence[str]) -> Numbers:
    """The number of each clip's first label, in the manifest's order; -1 where it has none; int64, (N,)."""
    number = {name: k for k, name in enumerate(classes)}
    return np.array([number[clip.labels[0]] if clip.labels else -1 for clip in clips], dtype=np.int64)


def top_k_accuracy(scores: Floats, labels: Numbers, k: int = 1) -> float:
    """Share of the videos whose label is among the k classes of the highest scores, 0..1.

    Args:
        scores: float, (N, K).
        labels: int64, (N,).
        k: at most K.
    """
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float((best == labels[:, None]).any(axis=1).mean())


def mean_class_accuracy(scores: Floats, labels: Numbers) -> float:
    """Mean over classes of the share of a class's videos that are answered right, 0..1. Arguments as above.

    A class that is answered though no video has it counts 0; one that is neither is left out.
    """
    answers = scores.argmax(axis=1)
    videos = np.bincount(labels, minlength=scores.shape[1])
    right = np.bincount(labels[answers == labels], minlength=scores.shape[1])
    there = np.union1d(labels, answers)
    return float((right[there] / np.maximum(videos[there], 1)).mean())


def arnet_map(likely: Floats, targets: Bools) -> float:
    """mAP of AR-Net's release: the mean over all classes, of which those without a video count 0.

    With all labels it is what the release calls mmAP and chooses its checkpoint by; with the first ones alone its mAP. The
    release numbers the labels that occur before it compares them with the columns of the scores: where a class is
    missing from the list, all later ones are compared with a wrong column. That is not repeated here.

    Args:
        likely: softmax probabilities, float, (N, K).
        targets: bool, (N, K).
    """
    return float(np.nan_to_num(average_precisions(likely, targets)).mean())


def interpolated_map(scores: Floats, targets: Bools) -> float:
    """mAP of ActivityNet's toolkit: the precision at each right video is the best of any rank from there on.

    Classes without a video are left out; NaN where none has one. Never below `mean_average_precision`.

    Args:
        scores: float, (N, K).
        targets: bool, (N, K).
    """
    found = []
    for score, target in zip(scores.T, targets.T, strict=True):
        if not target.any():
            continue
        right = target[np.argsort(-score, kind="stable")]
        precision = np.cumsum(right) / np.arange(1, len(right) + 1)
        found.append(np.maximum.accumulate(precision[::-1])[::-1][right].mean())
    return float(np.mean(found)) if found else float("nan")


def competing(results: Results) -> Floats:
    """Softmax over the classes, (N, K); of a model that gives each class a yes or no of its own, from these odds."""
    if not results.multi_label:
        return results.scores
    odds = results.scores / np.maximum(1 - results.scores, np.finfo(np.float64).eps)
    found: Floats = odds / odds.sum(axis=1, keepdims=True)
    return found


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
