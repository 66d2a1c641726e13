"""From clips to batches: cached frames, frames decoded anew, or features that never change.

Letters: B clips, T sampled frames, K classes, S sources, H×W pixels. All that is random comes from (seed, epoch, clip).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from adaframe.config import Data, Model
from adaframe.errors import DataError, VideoError
from adaframe.model.network import Clips, Features, Network
from adaframe.training.augment import augment
from adaframe.video import ClipRequest, DecodePool, FrameCache, plan_windows, read_clip


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs of one update: crops, or features in their place.

    Args:
        crops: uint8, RGB, (B, T, H, W, 3); None where features are given.
        features: of frozen backbones; None where crops are given.
        valid: bool, (B, T).
        times_s: seconds from the start of the window, float32, (B, T).
        targets: 1 at the classes that hold, float32, (B, K).
        clips: number of each clip, int64, (B,).
    """

    crops: Tensor | None
    features: Features | None
    valid: Tensor
    times_s: Tensor
    targets: Tensor
    clips: Tensor

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

    def samples(self, clips: Sequence[int], rngs: Sequence[np.random.Generator | None]) -> Iterator[Sample | VideoError]:
        """In order; with a generator: random frames and augmentation, with None: the centre."""
        ...


def pad(array: np.ndarray, frames: int) -> np.ndarray:
    """(n, …) -> (frames, …), with zeros after the n."""
    out = np.zeros((frames, *array.shape[1:]), array.dtype)
    out[: len(array)] = array
    return out


def candidate_plan(
    times_s: np.ndarray, model: Model, rng: np.random.Generator | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which of a clip's cached candidates one sample uses: their indices (n,), valid (T,) and times (T,)."""
    gap = float(np.diff(times_s).mean()) if len(times_s) > 1 else 1.0
    start, end = float(times_s[0]) - gap / 2, float(times_s[-1]) + gap / 2
    plan = plan_windows(times_s - start, model.sampling, duration_s=end - start, rng=rng, one_window=True)
    valid = plan.valid[0]
    indices = plan.indices[0][valid]
    return indices, valid, pad((times_s[indices] - times_s[indices[0]]).astype(np.float32), len(valid))


class CachedFrames:
    """Frames from the cache, augmented."""

    def __init__(self, cache: FrameCache, model: Model, data: Data) -> None:
        self.cache, self.model, self.data = cache, model, data

    def samples(self, clips: Sequence[int], rngs: Sequence[np.random.Generator | None]) -> Iterator[Sample | VideoError]:
        for clip, rng in zip(clips, rngs, strict=True):
            indices, valid, times_s = candidate_plan(self.cache.times_s(clip), self.model, rng)
            crops = augment(self.cache.frames(clip, indices), self.model.preprocess, self.data, rng)
            yield Sample(pad(crops, len(valid)), valid, times_s)


class DecodedFrames:
    """Frames decoded anew each time, by the pool."""

    def __init__(self, requests: Sequence[ClipRequest], pool: DecodePool, model: Model, data: Data) -> None:
        self.requests, self.pool, self.model, self.data = requests, pool, model, data

    def samples(self, clips: Sequence[int], rngs: Sequence[np.random.Generator | None]) -> Iterator[Sample | VideoError]:
        jobs = (
            replace(self.requests[clip], crop=False, max_windows=1, seed=None if rng is None else int(rng.integers(2**31)))
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


class FrozenFeatures:
    """Features of backbones that never learn, computed once for every cached candidate frame, as they are and mirrored.

    An epoch over them costs milliseconds a clip. Only sound without augmentation other than mirroring, and where no frozen
    backbone's crop moves: the caller checks.
    """

    def __init__(self, by_source: list[list[np.ndarray]], times_s: list[np.ndarray], model: Model) -> None:
        self.by_source, self.times, self.model = by_source, times_s, model

    def samples(self, clips: Sequence[int], rngs: Sequence[np.random.Generator | None]) -> Iterator[Sample | VideoError]:
        for clip, rng in zip(clips, rngs, strict=True):
            indices, valid, times_s = candidate_plan(self.times[clip], self.model, rng)
            mirrored = int(rng.random() < 0.5) if rng is not None else 0
            features = [source[clip] for source in self.by_source]
            frames = tuple(pad(f[mirrored % len(f)][indices].astype(np.float32), len(valid)) for f in features)
            yield Sample(frames, valid, times_s)

    def restricted(self, sources: Sequence[int]) -> FrozenFeatures:
        """The same with only these sources, in this order (a baseline needs fewer)."""
        return FrozenFeatures([self.by_source[i] for i in sources], self.times, self.model)


@torch.inference_mode()
def compute_features(
    network: Network, cache: FrameCache, clips: Sequence[int], *, mirror: bool, progress: object = None
) -> FrozenFeatures:
    """Features of every candidate frame of the clips by every look and then the glance, kept as fp16.

    Args:
        network: with its backbones in eval mode.
        cache: of frames at the crop's size.
        clips: numbers of the clips that can be read.
        mirror: also of the mirrored frames.
        progress: called as progress(done, all), if given.
    """
    device = next(network.parameters()).device
    looks = len(network.looks) + (network.glance is not None)
    by_source: list[list[np.ndarray]] = [[np.zeros((1, 0, 0), np.float16)] * len(cache) for _ in range(looks)]
    times: list[np.ndarray] = [np.zeros(0)] * len(cache)
    for done, clip in enumerate(clips):
        times[clip] = cache.times_s(clip)
        crops = augment(cache.frames(clip, np.arange(len(times[clip]))), network.model.preprocess, None, None)
        both = torch.from_numpy(np.ascontiguousarray(crops)).to(device)[None]
        both = torch.cat([both, both.flip(3)]) if mirror else both
        valid = torch.ones(both.shape[:2], dtype=torch.bool, device=device)
        features = network.all_features(Clips(both, valid, torch.zeros(both.shape[:2], device=device)))
        values = [*features.looks, *([features.glance] if features.glance is not None else [])]
        for source, value in zip(by_source, values, strict=True):
            source[clip] = value.half().cpu().numpy()
        if callable(progress):
            progress(done + 1, len(clips))
    return FrozenFeatures(by_source, times, network.model)


class Batches:
    """Batches of one pass over some clips.

    Args:
        source: of the samples.
        clips: numbers of the clips.
        targets: float32, (N, K), of all clips of the data set.
        batch_size: clips per batch; a last, smaller batch is kept if it has at least 2 clips or is the only one.
        seed: None for a fixed order and centre frames; otherwise (seed, epoch) shuffles, and (seed, epoch, clip) augments.
        glances: whether the last of a sample's features is the glance's.
        bad: filled with the errors of clips that could not be read.
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
        bad: dict[int, VideoError] | None = None,
    ) -> None:
        self.source, self.targets, self.seed, self.glances = source, targets, seed, glances
        self.bad = {} if bad is None else bad
        order = np.array([c for c in clips if c not in self.bad], dtype=np.int64)
        if not len(order):
            raise DataError("no clip is left to read; try: adaframe classify on one of them, to see what is wrong")
        if seed is not None:
            order = np.random.default_rng(seed).permutation(order)
        self.groups = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        if seed is not None and len(self.groups) > 1 and len(self.groups[-1]) < 2:
            self.groups.pop()  # A batch norm cannot learn from one clip; the next epoch's order is another.

    def __len__(self) -> int:
        return len(self.groups)

    def __iter__(self) -> Iterator[Batch]:
        flat = [int(c) for group in self.groups for c in group]
        rngs = [None if self.seed is None else np.random.default_rng((*self.seed, c)) for c in flat]
        samples = self.source.samples(flat, rngs)
        for group in self.groups:
            good: list[tuple[int, Sample]] = []
            for clip in group:
                sample = next(samples)
                if isinstance(sample, VideoError):
                    self.bad[int(clip)] = sample
                else:
                    good.append((int(clip), sample))
            if good:
                yield self._collate(good)

    def _collate(self, good: list[tuple[int, Sample]]) -> Batch:
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
        )
