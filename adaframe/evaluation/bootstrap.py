"""Intervals by resampling groups of related videos.

A group is drawn with all of its videos, because clips of one film are no independent evidence. Where every resample
is alike (all answers right, say) the interval has no width: that says nothing about videos that were not tested.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DRAWS, SEED, LEVEL = 2000, 0, 0.95


@dataclass(frozen=True)
class Interval:
    """A number with its interval. The bounds are NaN where a single group says nothing about the spread."""

    value: float
    low: float
    high: float


def statistics(groups: tuple[str, ...], function: Callable[[Floats], Floats], *, draws: int, seed: int) -> Floats:
    """A statistic of the data as they are, and of each resample of their groups, (1 + draws,).

    Equal groups, draws and seed give equal resamples, so that statistics of several methods on the same videos may be
    subtracted from each other draw by draw (paired).

    Args:
        groups: of each video, N strings.
        function: from weights of the videos, one row per resample, (R, N), to the statistic of each row, (R,).
    """
    names, member = np.unique(groups, return_inverse=True)
    counts = _counts(len(names), draws, seed)
    step = max(1, 1_000_000 // len(member))  # a few resamples at a time, so that memory stays bounded
    rows = range(0, len(counts), step)
    return np.concatenate([function(counts[at : at + step][:, member].astype(np.float64)) for at in rows])


def summary(values: Floats, groups: tuple[str, ...], *, level: float) -> Interval:
    """The first of `statistics`, and the middle `level` of its resamples."""
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    value, resamples = float(values[0]), values[1:]
    if len(set(groups)) < 2 or not np.isfinite(resamples).any():
        return Interval(value, math.nan, math.nan)
    low, high = np.nanquantile(resamples, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


@lru_cache(maxsize=1)
def _counts(groups: int, draws: int, seed: int) -> NDArray[np.uint16]:
    """How often each group is in each resample, (1 + draws, groups); once in the first row, the data as they are."""
    generator = np.random.default_rng(seed)
    counts = np.ones((1 + draws, groups), dtype=np.uint16)
    for row in range(1, 1 + draws):
        counts[row] = np.bincount(generator.integers(groups, size=groups), minlength=groups)
    counts.setflags(write=False)
    return counts
