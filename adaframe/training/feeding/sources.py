"""Where samples come from: cached frames, or frames decoded anew. Letters: T sampled frames, S stretches, N candidates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch

from adaframe.config import Data, Model
from adaframe.errors import VideoError
from adaframe.model.priority import Rule, frame_priority
from adaframe.training.feeding.augment import augment
from adaframe.video import ClipRequest, DecodePool, FrameCache, plan_windows, read_clip

NONE_LEFT = "no clip is left to read; try: adaframe classify on one of them, to see what is wrong"


@dataclass(frozen=True, eq=False)
class Sample:
    """One clip's share of a batch; arrays of T frames, padded with zeros; `priority` where a rule is asked for."""

    frames: np.ndarray | tuple[np.ndarray, ...]
    valid: np.ndarray
    times_s: np.ndarray
    priority: np.ndarray | None = None


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


def priority_of(
    rule: Rule | None, crops: np.ndarray, valid: np.ndarray, model: Model, rng: np.random.Generator | None
) -> np.ndarray | None:
    """What a rule takes a sample's frames by, float32, (T,); None without a rule.

    Args:
        rule: its name.
        crops: uint8, RGB, (T, H, W, 3).
        valid: bool, (T,).
        model: gives the size at which pictures are compared.
        rng: draws random frames anew; None: the clip itself decides.
    """
    if rule is None:
        return None
    if rule == "random" and rng is not None:
        return rng.random(len(valid), dtype=np.float32)
    images = torch.from_numpy(np.ascontiguousarray(crops))[None]
    priority: np.ndarray = frame_priority(rule, images, torch.from_numpy(valid)[None], model)[0].numpy()
    return priority


class CachedFrames:
    """Frames from the cache, augmented, and what a rule takes them by."""

    def __init__(self, cache: FrameCache, model: Model, data: Data, rule: Rule | None = None) -> None:
        self.cache, self.model, self.data, self.rule = cache, model, data, rule

    def samples(
        self, clips: Sequence[int], rngs: Sequence[np.random.Generator | None]
    ) -> Iterator[Sample | VideoError]:
        for clip, rng in zip(clips, rngs, strict=True):
            indices, valid, times_s = candidate_plan(
                self.cache.times_s(clip), self.cache.spans_s(clip), self.model, rng
            )
            crops = pad(augment(self.cache.frames(clip, indices), self.model.preprocess, self.data, rng), len(valid))
            yield Sample(crops, valid, times_s, priority_of(self.rule, crops, valid, self.model, rng))


class DecodedFrames:
    """Frames decoded anew each time, by the pool, and what a rule takes them by."""

    def __init__(
        self, requests: Sequence[ClipRequest], pool: DecodePool, model: Model, data: Data, rule: Rule | None = None
    ) -> None:
        self.requests, self.pool, self.model, self.data, self.rule = requests, pool, model, data, rule

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
            crops = pad(augment(result.images[0][valid], self.model.preprocess, self.data, rng), len(valid))
            times_s = (result.times_s[0] - result.times_s[0][0]).astype(np.float32) * valid
            yield Sample(crops, valid, times_s, priority_of(self.rule, crops, valid, self.model, rng))
