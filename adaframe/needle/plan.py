"""What happens when and where in one clip, before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaframe.needle.spec import REACH, NeedleSpec

# Each kind of choice draws from a stream of its own, so that the class can influence the evidence's textures alone.
_TIMES, _PATHS, _DECOYS, _CUES = range(4)
_LIGHT = 5  # 4 is the painter's

_HUE = 1.8  # angle in the U-V plane: orange red; only a little room either way, or else a cue takes long to learn


@dataclass(frozen=True, eq=False)
class ClipPlan:
    """The story of one clip.

    Args:
        evidence: segments that show the class, ascending.
        textures: index of the texture in each segment, -1 where there is no patch, int, (segments,).
        corners: top left corner (x, y) of the patch in each frame, in pixels, even, (frames, 2).
        hues: of the cue in each segment, in radians, (segments,).
        turns: which corner of the patch a cue at a corner takes in each segment, 0..3, (segments,).
        light: what is added to the background's luma in each segment, (segments,).
    """

    evidence: tuple[int, ...]
    textures: NDArray[np.int64]
    corners: NDArray[np.int64]
    hues: NDArray[np.float64]
    turns: NDArray[np.int64]
    light: NDArray[np.float64]


def clip_seed(spec: NeedleSpec, split: str, number: int) -> int:
    """Seed of clip `number` (counted from 0 over all classes) of a split, "train" or "test"."""
    return int(
        np.random.SeedSequence([spec.seed, ("train", "test").index(split), number]).generate_state(1, np.uint64)[0]
    )


def evidence_segments(spec: NeedleSpec, seed: int) -> tuple[int, ...]:
    """The segments in which the clip of this seed shows its class, ascending."""
    chosen = _stream(seed, _TIMES).choice(spec.segments, spec.evidence_segments, replace=False)
    return tuple(sorted(int(segment) for segment in chosen))


def evidence(spec: NeedleSpec, seed: int) -> tuple[int, ...]:
    """The frames (indices, ascending) in which the clip of this seed shows its class, whichever that is."""
    each = spec.per_segment
    return tuple(s * each + offset for s in evidence_segments(spec, seed) for offset in range(each))


def plan_clip(spec: NeedleSpec, label: int, seed: int) -> ClipPlan:
    """The story of the clip of class `label` (0..K-1) and this seed."""
    chosen = evidence_segments(spec, seed)
    decoys = _stream(seed, _DECOYS)
    textures = decoys.integers(spec.classes, size=spec.segments)
    textures[decoys.random(spec.segments) >= spec.decoys] = -1
    textures[list(chosen)] = label
    cues = _stream(seed, _CUES)
    return ClipPlan(
        evidence=chosen,
        textures=textures,
        corners=_path(spec, _stream(seed, _PATHS)),
        hues=_HUE + cues.uniform(-0.3, 0.3, spec.segments),
        turns=cues.integers(4, size=spec.segments),
        light=_stream(seed, _LIGHT).uniform(-spec.light, spec.light, spec.segments),
    )


def _path(spec: NeedleSpec, rng: np.random.Generator) -> NDArray[np.int64]:
    """A smooth walk of the patch's corner over the whole room that it has, (frames, 2)."""
    low, high = REACH, spec.pixels - spec.patch - REACH
    stops = rng.uniform(low, high, (5, 2))
    times = np.linspace(0.0, len(stops) - 1.0, spec.frames)
    walk = np.stack([np.interp(times, np.arange(len(stops)), stops[:, axis]) for axis in (0, 1)], axis=1)
    # Even: colour planes have half the pixels, and a cue half a colour pixel off would look different.
    return np.asarray(walk // 2 * 2, dtype=np.int64)


def _stream(seed: int, kind: int) -> np.random.Generator:
    return np.random.default_rng([seed, kind])
