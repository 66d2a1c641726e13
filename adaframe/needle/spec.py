"""What a needle data set looks like: its size, its textures (the classes) and its cues (where to look)."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from adaframe.errors import UsageError

# How far a cue may reach beyond the patch, in pixels; even, so that cues keep to the grid of the halved colour planes.
REACH = 6

# A texture as a sum of waves: (weight, columns in a half-wave, rows in a half-wave); 0 where it does not change that
# way. Each wave alternates from pixel to pixel in x or in y, so that antialiased halving leaves nothing of it, and all
# textures have one mean and one strength.
Waves = tuple[tuple[float, int, int], ...]

_HALF = math.sqrt(0.5)
TEXTURES: Mapping[str, Mapping[str, Waves]] = {
    "stripes": {
        "vertical": ((1.0, 1, 0),),
        "horizontal": ((1.0, 0, 1),),
        "checker": ((1.0, 1, 1),),
        "dots": ((_HALF, 1, 0), (_HALF, 0, 1)),
        "dashes": ((_HALF, 1, 0), (_HALF, 1, 1)),
        "rungs": ((_HALF, 0, 1), (_HALF, 1, 1)),
    },
    "bricks": {
        "columns": ((1.0, 1, 0),),
        "checker": ((1.0, 1, 1),),
        "bricks": ((1.0, 1, 2),),
        "bands": ((1.0, 1, 4),),
    },
}

CUES = {
    "ring": "a coloured frame on the edges of the patch",
    "corner": "a coloured square over one corner of the patch",
    "colour": "the patch itself is tinted (its brightness stays)",
}


@dataclass(frozen=True)
class NeedleSpec:
    """A data set in which two moments of each clip tell its class, in full resolution alone.

    A textured patch wanders over a noisy background. Its texture, finer than a picture of half the size can hold,
    changes at random. Only while the patch carries the cue (in `evidence_segments` of `segments` equal parts of the
    clip) is the texture the clip's class. The cue is big and coloured, so that a glance at a thumbnail finds it, and
    the same for all classes.

    Args:
        classes: K, how many of the family's textures are classes; clips have equal shares.
        pixels: side of the square picture, even.
        frames: in a clip, a multiple of `segments`.
        fps: frames per second.
        evidence_segments: parts of a clip that show the class; 1 up to `segments`.
        segments: equal parts of a clip; sampling one frame of each gives `evidence_segments` frames of evidence.
        texture: family of textures, a key of `TEXTURES`.
        cue: what marks the evidence, a key of `CUES`.
        patch: side of the patch in pixels, even.
        contrast: standard deviation of the texture's brightness, in luma levels.
        decoys: share of the other segments that show the patch, without cue and in the texture of a random class.
        noise: standard deviation of the noise in each pixel's brightness, in luma levels.
        light: how far the background's brightness may be off in each segment, in luma levels; it changes at random, so that
            what changes most is not what matters.
        seed: of everything random.

    Raises:
        UsageError: a value makes no such data set.
    """

    classes: int = 4
    pixels: int = 112
    frames: int = 32
    fps: float = 16.0
    evidence_segments: int = 2
    segments: int = 16
    texture: str = "stripes"
    cue: str = "colour"
    patch: int = 40
    contrast: float = 36.0
    decoys: float = 0.95
    noise: float = 4.0
    light: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.texture not in TEXTURES:
            raise UsageError(_unknown("texture", self.texture, list(TEXTURES)))
        if self.cue not in CUES:
            raise UsageError(_unknown("cue", self.cue, list(CUES)))
        known, room = len(TEXTURES[self.texture]), self.pixels - 2 * REACH
        for good, problem in (
            (2 <= self.classes <= known, f"classes: {self.classes}; texture {self.texture} has 2 to {known}"),
            (self.segments >= 1, f"segments: {self.segments}; try: 16"),
            (
                self.frames >= 1 and self.frames % max(self.segments, 1) == 0,
                f"frames: {self.frames} is not a multiple of segments ({self.segments})",
            ),
            (
                1 <= self.evidence_segments <= self.segments,
                f"evidence_segments: {self.evidence_segments}; try: 1 to segments ({self.segments})",
            ),
            (self.pixels % 2 == 0, f"pixels: {self.pixels} is odd; H.264 with halved colour planes needs even sizes"),
            (
                self.patch % 2 == 0 and 8 <= self.patch <= room,
                f"patch: {self.patch}; try: an even number, 8 to {room} in pictures of {self.pixels} pixels",
            ),
            (0 < self.fps <= 240, f"fps: {self.fps:g}; try: 16"),
            # Beyond this, the brightest dots of a tinted patch would be clipped, and their mean give the class away.
            (0 < self.contrast <= 40, f"contrast: {self.contrast:g}; try: 36 (more than 0, 40 at most)"),
            (0 <= self.decoys <= 1, f"decoys: {self.decoys:g}; try: a share, 0 to 1"),
            (0 <= self.noise <= 10, f"noise: {self.noise:g}; try: 0 to 10"),
            (0 <= self.light <= 40, f"light: {self.light:g}; try: 0 to 40"),
            (self.seed >= 0, f"seed: {self.seed}; try: 0 or more"),
        ):
            if not good:
                raise UsageError(f"needle data set: {problem}")

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the K classes."""
        return tuple(TEXTURES[self.texture])[: self.classes]

    @property
    def per_segment(self) -> int:
        """Frames in a segment."""
        return self.frames // self.segments


def _unknown(what: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"needle data set: unknown {what} {name!r}; try: {' or '.join(close or known)} (known: {', '.join(known)})"
