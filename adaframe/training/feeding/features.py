"""Features of frozen backbones: computed once for every cached frame, so that an epoch costs milliseconds a clip."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from adaframe.config import Model
from adaframe.errors import VideoError
from adaframe.files import atomic_path
from adaframe.model.network import Clips, Network
from adaframe.model.priority import Rule, from_steps, glance_differences
from adaframe.training.feeding.augment import augment
from adaframe.training.feeding.sources import Sample, candidate_plan, pad, priority_of
from adaframe.video import FrameCache


class FrozenFeatures:
    """A source of samples whose frames are features. Only sound where nothing changes a frame but mirroring.

    Args:
        values: by source and clip, fp16, (mirrored or not, candidates, F).
        sources: names of the looks, and "glance".
        cache: gives the times of the candidates.
        model: gives the sampling.
        path: file of the values. Pickled, they are read from there again.
        rule: whose priority of the frames goes with their features.
        differences: of each two of a clip's candidates, (N, N); kept as they are computed, for the change rule.
    """

    def __init__(
        self,
        values: dict[str, np.ndarray],
        sources: Sequence[str],
        cache: FrameCache,
        model: Model,
        path: Path = Path(),
        rule: Rule | None = None,
        differences: dict[int, torch.Tensor] | None = None,
    ) -> None:
        self.values, self.sources, self.cache, self.model, self.path = values, tuple(sources), cache, model, path
        self.rule = rule
        self.differences = {} if differences is None else differences

    def __reduce__(self) -> tuple[Any, ...]:
        return _read, (self.path, self.sources, self.cache, self.model)

    def samples(
        self, clips: Sequence[int], rngs: Sequence[np.random.Generator | None]
    ) -> Iterator[Sample | VideoError]:
        for clip, rng in zip(clips, rngs, strict=True):
            indices, valid, times_s = candidate_plan(
                self.cache.times_s(clip), self.cache.spans_s(clip), self.model, rng
            )
            mirrored = int(rng.random() < 0.5) if rng is not None else 0
            features = [self.values[f"{source}/{clip}"] for source in self.sources]
            frames = tuple(pad(f[mirrored % len(f)][indices].astype(np.float32), len(valid)) for f in features)
            yield Sample(frames, valid, times_s, self._priority(clip, indices, valid, rng))

    def _priority(
        self, clip: int, indices: np.ndarray, valid: np.ndarray, rng: np.random.Generator | None
    ) -> np.ndarray | None:
        if self.rule is None:
            return None
        if self.rule == "change":
            steps = pad(self._differences(clip)[indices[:-1], indices[1:]].numpy(), len(valid) - 1)
            change: np.ndarray = from_steps(torch.from_numpy(steps)[None], torch.from_numpy(valid)[None])[0].numpy()
            return change
        return priority_of(self.rule, self._crops(clip, indices, len(valid)), valid, self.model, rng)

    def _differences(self, clip: int) -> torch.Tensor:
        if clip not in self.differences:
            model, frames = self.model, len(self.cache.times_s(clip))
            crops = torch.from_numpy(self._crops(clip, np.arange(frames), frames))
            self.differences[clip] = glance_differences(crops, model.glance.pixels, model.preprocess)
        return self.differences[clip]

    def _crops(self, clip: int, indices: np.ndarray, length: int) -> np.ndarray:
        return pad(augment(self.cache.frames(clip, indices), self.model.preprocess, None, None), length)

    def restricted(self, sources: Sequence[str], rule: Rule | None) -> FrozenFeatures:
        """The same with only these sources, in this order (a baseline needs fewer), and by another rule."""
        return FrozenFeatures(self.values, sources, self.cache, self.model, self.path, rule, self.differences)


def frozen_features(
    network: Network,
    cache: FrameCache,
    clips: Sequence[int],
    *,
    mirror: bool,
    progress: Callable[[int, int], None] | None = None,
) -> FrozenFeatures:
    """Features of every candidate frame of the clips, by every look and the glance; kept beside the cached frames.

    Args:
        network: adaptive (with all looks and a glance), whose backbones do not learn.
        cache: of frames at the crop's size.
        clips: numbers of the clips that can be read.
        mirror: also of the mirrored frames.
        progress: called with the number of clips done and of all.
    """
    sources = (*network.actions.looks, "glance")
    path = cache.folder / f"features-{_key(network, mirror)}.safetensors"
    if not path.is_file():
        values = _compute(network, cache, clips, sources, mirror, progress)
        with atomic_path(path) as temporary:
            save_file(values, temporary)
    return _read(path, sources, cache, network.model)


def _read(path: Path, sources: Sequence[str], cache: FrameCache, model: Model) -> FrozenFeatures:
    return FrozenFeatures(load_file(path), sources, cache, model, path)


@torch.inference_mode()
def _compute(
    network: Network,
    cache: FrameCache,
    clips: Sequence[int],
    sources: Sequence[str],
    mirror: bool,
    progress: Callable[[int, int], None] | None,
) -> dict[str, np.ndarray]:
    network.eval()
    device = next(network.parameters()).device
    out: dict[str, np.ndarray] = {}
    for done, clip in enumerate(clips):
        frames = cache.frames(clip, np.arange(len(cache.times_s(clip))))
        crops = torch.from_numpy(np.ascontiguousarray(augment(frames, network.model.preprocess, None, None)))
        both = torch.stack([crops, crops.flip(2)] if mirror else [crops]).to(device)
        valid = torch.ones(both.shape[:2], dtype=torch.bool, device=device)
        features = network.all_features(Clips(both, valid, torch.zeros(both.shape[:2], device=device)))
        assert features.glance is not None
        for source, value in zip(sources, (*features.looks, features.glance), strict=True):
            out[f"{source}/{clip}"] = value.half().cpu().numpy()
        if progress is not None:
            progress(done + 1, len(clips))
    return out


def _key(network: Network, mirror: bool) -> str:
    """Changes with whatever changes a feature."""
    digest = hashlib.sha256(
        repr((mirror, network.model.preprocess, network.model.looks, network.model.glance)).encode()
    )
    for name, tensor in network.state_dict().items():
        if name.startswith(("looks.", "glance.")):
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:24]
