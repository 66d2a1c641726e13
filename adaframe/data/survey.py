"""What a data set's clips are like, from a sample of them: sizes, lengths, how many of each class. Free of torch."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from adaframe.data.clips import Clip
from adaframe.errors import DataError, VideoError
from adaframe.video import ClipRequest, DecodePool, probe, read_clip

SAMPLED = 48  # clips that are opened


@dataclass(frozen=True)
class Survey:
    """Of the clips that are learnt from (not of a test split).

    Args:
        clips: how many.
        count: of each class.
        groups: how many groups (without groups: files).
        has_val: whether some clips are of a validation split.
        seconds: length of the clips: a tenth is shorter than the first, half than the second, nine tenths than the third.
        short_side: pixels of the shorter side, alike.
        decode_s: seconds that one process takes to read a clip's frames, median.
        looked_at: clips that were opened for this.
        unreadable: of them.
    """

    clips: int
    count: dict[str, int]
    groups: int
    has_val: bool
    seconds: tuple[float, float, float]
    short_side: tuple[float, float, float]
    decode_s: float
    looked_at: int
    unreadable: int

    @property
    def imbalance(self) -> float:
        """Clips of the commonest class for each of the rarest."""
        return max(self.count.values()) / max(min(self.count.values()), 1)


@dataclass(frozen=True)
class _Seen:
    seconds: float
    short_side: int
    decode_s: float


def look_at(request: ClipRequest) -> _Seen:
    """Length, size and reading time of one clip. Runs in a decoding process."""
    facts = probe(request.path)
    started = time.perf_counter()
    read_clip(request)
    taken = time.perf_counter() - started
    end = facts.duration_s if request.end_s is None else min(request.end_s, facts.duration_s)
    return _Seen(max(end - (request.start_s or 0.0), 0.0), min(facts.width, facts.height), taken)


def survey(clips: Sequence[Clip], request: ClipRequest, *, workers: int = 0, seed: int = 0) -> Survey:
    """Open a sample of the clips.

    Args:
        clips: to learn from.
        request: how a clip would be read; its path does not matter.
        workers: decoding processes; 0 means one per core.
        seed: of the sample.

    Raises:
        DataError: none of the sampled clips can be read.
    """
    order = sorted(clips, key=lambda clip: clip.path)
    some = random.Random(seed).sample(order, min(SAMPLED, len(order)))
    with DecodePool(workers) as pool:
        jobs = (_of(request, clip) for clip in some)
        found = list(pool.map(look_at, jobs))
    good = [seen for seen in found if not isinstance(seen, VideoError)]
    if not good:
        raise DataError(f"none of {len(some)} clips that were tried can be read; the first: {found[0]}")
    return Survey(
        clips=len(clips),
        count=dict(Counter(label for clip in clips for label in clip.labels)),
        groups=len({clip.group or clip.path for clip in clips}),
        has_val=any(clip.split == "val" for clip in clips),
        seconds=_tenths([seen.seconds for seen in good]),
        short_side=_tenths([seen.short_side for seen in good]),
        decode_s=float(np.median([seen.decode_s for seen in good])),
        looked_at=len(some),
        unreadable=len(some) - len(good),
    )


def _tenths(values: Sequence[float]) -> tuple[float, float, float]:
    low, median, high = (float(q) for q in np.quantile(values, (0.1, 0.5, 0.9)))
    return low, median, high


def _of(request: ClipRequest, clip: Clip) -> ClipRequest:
    return replace(request, path=clip.path, start_s=clip.start_s, end_s=clip.end_s)
