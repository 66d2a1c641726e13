"""What happens when in a file: its windows one by one, and neighbours with the same answer as one stretch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Stretch:
    """Windows in a row with the same answer.

    Args:
        start_s: of the first one.
        end_s: of the last one; of overlapping windows the start of the next stretch.
        label: a class; of multi-label models the list of those that hold.
        confidence: mean over the windows, 0..1.
    """

    start_s: float
    end_s: float
    label: str | list[str]
    confidence: float


@dataclass(frozen=True, eq=False)
class Still:
    """A picture of a file.

    Args:
        time_s: within the file.
        picture: as cropped for the model, uint8, RGB, (c, c, 3).
    """

    time_s: float
    picture: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Windows:
    """What a figure tells of the W windows of a file beside their answers.

    Args:
        unsure: bool, (W,).
        share: of uniform's MACs that were executed, (W,).
        stills: pictures from all over a file of many windows, in the order of time.
    """

    unsure: NDArray[np.bool_]
    share: NDArray[np.float64]
    stills: tuple[Still, ...] = ()


def stretches(timeline: Iterable[Mapping[str, Any]]) -> list[Stretch]:
    """The windows of a timeline, as `classify --json` writes them, by stretches."""
    groups = [list(group) for _, group in groupby(timeline, key=lambda window: window["label"])]
    following = [*(group[0]["start_s"] for group in groups[1:]), float("inf")][: len(groups)]
    return [
        Stretch(
            start_s=group[0]["start_s"],
            end_s=min(group[-1]["end_s"], after),
            label=group[0]["label"],
            confidence=sum(window["confidence"] for window in group) / len(group),
        )
        for group, after in zip(groups, following, strict=True)
    ]
