"""From confidences per class to an answer: which labels it names, how sure it is, whether it is right. N videos, K classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NAMED_FROM = 0.5  # a multi-label model names every class with at least this confidence


def named(likely: NDArray[np.floating], *, multi_label: bool) -> NDArray[np.bool_]:
    """Which classes each answer names, bool, (N, K): the most likely one; with several labels all from 0.5 on, maybe none.

    Args:
        likely: confidences, softmax or sigmoid, 0..1, (N, K).
        multi_label: whether several classes may hold at once.
    """
    if multi_label:
        several: NDArray[np.bool_] = likely >= NAMED_FROM
        return several
    best = np.zeros(likely.shape, dtype=bool)
    best[np.arange(len(likely)), likely.argmax(axis=1)] = True
    return best


def confidence(likely: NDArray[np.floating], *, multi_label: bool) -> NDArray[np.floating]:
    """How sure each answer is, 0..1, (N,): the confidence of the most likely class.

    With several labels: that of the least likely label named; where none is named, that of none holding, 1 - the highest.
    """
    highest: NDArray[np.floating] = likely.max(axis=1)
    if not multi_label:
        return highest
    chosen = named(likely, multi_label=True)
    lowest = np.where(chosen, likely, 1.0).min(axis=1)
    return np.where(chosen.any(axis=1), lowest, 1.0 - highest)


def right(
    likely: NDArray[np.floating], targets: NDArray[np.floating] | NDArray[np.bool_], *, multi_label: bool
) -> NDArray[np.bool_]:
    """Whether each answer is right, bool, (N,): the class named holds; with several labels: exactly those named hold.

    Args:
        likely: confidences, (N, K).
        targets: above 0 at the classes that hold, (N, K).
        multi_label: whether several classes may hold at once.
    """
    chosen, holds = named(likely, multi_label=multi_label), targets > 0
    found = np.equal(chosen, holds).all(axis=1) if multi_label else (chosen & holds).any(axis=1)
    return np.asarray(found, dtype=bool)


def in_words(label: str | Sequence[str]) -> str:
    """A label, or several, or none, for people: fight; run + jump; none of the classes."""
    return label if isinstance(label, str) else " + ".join(label) or "none of the classes"
