"""From clips to batches: cached frames, frames decoded anew, or features that never change.

Letters: B clips, T sampled frames, K classes, S sources, H×W pixels. All that is random comes from (seed, epoch, clip).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from adaframe.config import Data, Model
from adaframe.errors import DataError, VideoError
from adaframe.model.network import Clips, Features
from adaframe.training.augment import augment
from adaframe.video import ClipRequest, DecodePool, FrameCache, plan_windows, read_clip

NONE_LEFT = "no clip is left to read; try: adaframe classify on one of them, to see what is wrong"


@dataclass(frozen=True)
class Place:
    """Where a batch stands in the update that it belongs to, which several ranks and several batches may share.

    Args:
        first: place of its first clip among those of all ranks.
        group: number of those.
        update: clips of the whole update, over all ranks and all batches that are accumulated.
        counts: False where a rank has no clip of a group, and goes along with one that does not count.
    """

    first: int
    group: int
    update: int
    counts: bool = True


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs of one update, or a share of one: crops, or features in their place.

    Args:
        crops: uint8, RGB, (B, T, H, W, 3); None where features are given.
        features: of frozen backbones; None where crops are given.
        valid: bool, (B, T).
        times_s: seconds from the start of the window, float32, (B, T).
        targets: 1 at the classes that hold, float32, (B, K).
        clips: number of each clip, int64, (B,).
        part: of which update; None: this is all of it.
    """

    crops: Tensor | None
    features: Features | None
    valid: Tensor
    times_s: Tensor
    targets: Tensor
    clips: Tensor
    part: Place | None = None

    @property
    def place(self) -> Place:
        n = len(self.valid)
        return self.part or Place(0, n, n)

    @property
    def among(self) -> tuple[int, int]:
        """Where its clips begin among those of all ranks, and how many these are."""
        return self.place.first, self.place.group

    @property
    def counted(self) -> int:
        """Clips that count: all or none."""
        return len(self.valid) if self.place.counts else 0

    @property
    def nbytes(self) -> int:
        """Of all that it holds."""
        held = [v for v in vars(self).values() if isinstance(v, Tensor)]
        if self.features is not None:
            held += [x for x in (self.features.glance, *self.features.looks) if x is not None]
        return sum(x.nbytes for x in held)

    def to(self, device: torch.device) -> Batch:
        moved = {k: v.to(device, non_blocking=True) for k, v in vars(self).items() if isinstance(v, Tensor)}
        if self.features is not None:
            glance = self.features.glance
            looks = tuple(x.to(device) for x in self.features.looks)
            moved["features"] = Features(None if glance is None else glance.to(device), looks)  # type: ignore[assignment]
        return replace(self, **moved)  # type: ignore[arg-type]

    def as_clips(self) -> Clips:
        assert self.crops is not None
        return Clips(self.crops, self.valid, self.times_s)


@dataclass(frozen=True, eq=False)
class Sample:
    """One clip's share of a batch; arrays of T frames, padded with zeros."""

    frames: np.ndarray | tuple[np.ndarray, ...]
    valid: np.ndarray
    times_s: np.ndarray


class Source(Protocol):
    """Where samples come from; clips are numbered as in the data set."""

    def samples(
        self, clips: Sequence[int], rngs: Sequence[np.random.Generator | None]
    ) -> Iterator[Sample | VideoError]:
        """In order; with a generator: random frames and augmentation, with None: the centre."""
        ...


def pad(array: np.ndarray, frames: int) -> np.ndarray:
    """(n, …) -> (frames, …), with zeros after the n."""
    out = np.zeros((frames, *array.shape[1:]), array.dtype)
    out[: len(array)] = array
    return out


def candidate_plan(
    times_s: np.ndarray, spans_s: np.ndarray, model: Model, rng: np.random.Generator | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which of a clip's cached candidates one sample uses.

    Args:
        times_s: of the candidates, (N,).
        spans_s: start and end of the stretches that they cover without a gap, (S, 2).
        model: gives the sampling.
        rng: None for the middle of the middle stretch, else one at random.

    Returns:
        Indices of the candidates (n,), valid (T,), and times from the first of them (T,).
    """
    start, end = spans_s[len(spans_s) // 2 if rng is None else int(rng.integers(len(spans_s)))]
    inside = np.flatnonzero((times_s >= start) & (times_s < end))
    plan = plan_windows(
        times_s[inside] - start, model.sampling, duration_s=float(end - start), rng=rng, one_window=True
    )
    valid = plan.valid[0]
    indices = inside[plan.indices[0][valid]]
    return indices, valid, pad((times_s[indices] - times_s[indices[0]]).astype(np.float32), len(valid))


class CachedFrames:
    """Frames from the cache, augmented."""

    def __init__(self, cache: FrameCache, model: Model, data: Data) -> None:
        self.cache, self.model, self.data = cache, model, data

    def samples(
        self, clips: Sequence[int], rngs: Sequence[np.random.Generator | None]
    ) -> Iterator[Sample | VideoError]:
        for clip, rng in zip(clips, rngs, strict=True):
            indices, valid, times_s = candidate_plan(
                self.cache.times_s(clip), self.cache.spans_s(clip), self.model, rng
            )
            crops = augment(self.cache.frames(clip, indices), self.model.preprocess, self.data, rng)
            yield Sample(pad(crops, len(valid)), valid, times_s)


class DecodedFrames:
    """Frames decoded anew each time, by the pool."""

    def __init__(self, requests: Sequence[ClipRequest], pool: DecodePool, model: Model, data: Data) -> None:
        self.requests, self.pool, self.model, self.data = requests, pool, model, data

    def samples(
        self, clips: Sequence[int], rngs: Sequence[np.random.Generator | None]
    ) -> Iterator[Sample | VideoError]:
        jobs = (
            replace(
                self.requests[clip], crop=False, max_windows=1, seed=None if rng is None else int(rng.integers(2**31))
            )
            for clip, rng in zip(clips, rngs, strict=True)
        )
        for rng, result in zip(rngs, self.pool.map(read_clip, jobs), strict=True):
            if isinstance(result, VideoError):
                yield result
                continue
            valid = result.valid[0]
            crops = augment(result.images[0][valid], self.model.preprocess, self.data, rng)
            times_s = (result.times_s[0] - result.times_s[0][0]).astype(np.float32) * valid
            yield Sample(pad(crops, len(valid)), valid, times_s)


class Batches:
    """Batches of one pass over some clips.

    Args:
        source: of the samples.
        clips: numbers of the clips.
        targets: float32, (N, K), of all clips of the data set.
        batch_size: clips per batch; a last, smaller batch is kept if it has at least 2 clips or is the only one.
        seed: None for a fixed order and centre frames, and then a clip that cannot be read is left out. Otherwise
            (seed, epoch) shuffles, (seed, epoch, clip) augments, and a clip that cannot be read is replaced by another one
            of the same pass, which (seed, epoch, clip) chooses: the batches keep their number and their sizes, and are the
            same whenever it was found out.
        glances: whether the last of a sample's features is the glance's.
        bad: clips that are known to be unreadable.
        on_bad: called with the number and error of a clip that is found to be bad on the way.
        share: rank and number of ranks; each takes its share of every batch, without any clip twice.
        accumulate: batches per update.
    """

    def __init__(
        self,
        source: Source,
        clips: Sequence[int],
        targets: np.ndarray,
        batch_size: int,
        *,
        seed: tuple[int, int] | None = None,
        glances: bool = True,
        bad: Container[int] = (),
        on_bad: Callable[[int, VideoError], None] | None = None,
        share: tuple[int, int] = (0, 1),
        accumulate: int = 1,
    ) -> None:
        self.source, self.targets, self.seed, self.glances, self.on_bad = source, targets, seed, glances, on_bad
        self.share, self.known, self.found = share, bad, set[int]()
        readable = [c for c in clips if c not in bad]
        if not readable:
            raise DataError(NONE_LEFT)
        # Shuffled whole, so that the order does not depend on when a clip was found to be bad.
        self.order = np.array(readable if seed is None else clips, dtype=np.int64)
        if seed is not None:
            self.order = np.random.default_rng(seed).permutation(self.order)
        self.groups = [self.order[i : i + batch_size] for i in range(0, len(self.order), batch_size)]
        if seed is not None and len(self.groups) > 1 and len(self.groups[-1]) < 2:
            self.groups.pop()  # A batch norm cannot learn from one clip; the next epoch's order is another.
        windows = [self.groups[i : i + accumulate] for i in range(0, len(self.groups), accumulate)]
        self.updates = [sum(map(len, window)) for window in windows for _ in window]

    def __len__(self) -> int:
        return len(self.groups)

    def __iter__(self) -> Iterator[Batch]:
        shares = [self._own(group) for group in self.groups]
        wanted = [(int(c), self._first_choice(int(c))) for _, own in shares for c in own]
        taken = [choice for _, choice in wanted]
        samples = self.source.samples(taken, [self._rng(*pair) for pair in wanted])
        chosen = iter(wanted)
        for group, update, (first, own) in zip(self.groups, self.updates, shares, strict=True):
            good: list[tuple[int, Sample]] = []
            for _ in own:
                clip, choice = next(chosen)
                sample = next(samples)
                if isinstance(sample, VideoError):
                    self._note(choice, sample)
                    if self.seed is not None:
                        good.append(self._another(clip))
                else:
                    good.append((choice, sample))
            if good or self.share[1] > 1:
                place = Place(first if good else 0, len(group), update, counts=bool(good))
                yield self._collate(good or [self._any(group)], place)

    def _own(self, group: np.ndarray) -> tuple[int, np.ndarray]:
        """Where this rank's share of a group begins, and the share."""
        rank, ranks = self.share
        start, stop = (len(group) * r // ranks for r in (rank, rank + 1))
        return start, group[start:stop]

    def _first_choice(self, clip: int) -> int:
        return clip if self.seed is None or not self._is_bad(clip) else next(self._others(clip))

    def _others(self, clip: int) -> Iterator[int]:
        """Readable clips that may stand for a bad one, as (seed, epoch, clip) draws them."""
        assert self.seed is not None
        rng = np.random.default_rng((*self.seed, clip, 1))
        while not all(self._is_bad(int(c)) for c in self.order):
            other = int(self.order[rng.integers(len(self.order))])
            if not self._is_bad(other):
                yield other
        raise DataError(NONE_LEFT)

    def _another(self, clip: int) -> tuple[int, Sample]:
        for other in self._others(clip):
            sample = next(self.source.samples([other], [self._rng(clip, other)]))
            if not isinstance(sample, VideoError):
                return other, sample
            self._note(other, sample)
        raise DataError(NONE_LEFT)

    def _any(self, group: np.ndarray) -> tuple[int, Sample]:
        """A clip that goes along without counting: the first that can be read."""
        for clip in chain(group, self.order):
            if not self._is_bad(int(clip)):
                sample = next(self.source.samples([int(clip)], [None]))
                if not isinstance(sample, VideoError):
                    return int(clip), sample
                self._note(int(clip), sample)
        raise DataError(NONE_LEFT)

    def _rng(self, clip: int, choice: int) -> np.random.Generator | None:
        if self.seed is None:
            return None
        return np.random.default_rng((*self.seed, choice) if clip == choice else (*self.seed, choice, clip, 2))

    def _is_bad(self, clip: int) -> bool:
        return clip in self.known or clip in self.found

    def _note(self, clip: int, error: VideoError) -> None:
        first = not self._is_bad(clip)
        self.found.add(clip)
        if first and self.on_bad is not None:
            self.on_bad(clip, error)

    def _collate(self, good: list[tuple[int, Sample]], place: Place) -> Batch:
        stack = lambda arrays: torch.from_numpy(np.stack(arrays))  # noqa: E731
        crops, features = None, None
        first = good[0][1].frames
        if isinstance(first, tuple):
            values = [stack([s.frames[i] for _, s in good]) for i in range(len(first))]
            features = Features(values[-1] if self.glances else None, tuple(values[:-1] if self.glances else values))
        else:
            crops = stack([s.frames for _, s in good])
        return Batch(
            crops=crops,
            features=features,
            valid=stack([s.valid for _, s in good]),
            times_s=stack([s.times_s for _, s in good]),
            targets=torch.from_numpy(self.targets[[c for c, _ in good]]),
            clips=torch.tensor([c for c, _ in good]),
            part=place,
        )
