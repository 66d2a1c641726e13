"""A clip's plan -> its pictures, as the planes that H.264 stores (Y, and U and V at half the size)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adaframe.needle.plan import ClipPlan
from adaframe.needle.spec import REACH, TEXTURES, NeedleSpec, Waves

Plane = NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels, from the patch's corner

_GREY = 126.0  # luma of a patch, halfway between H.264's black (16) and white (235)
_CUE_LUMA = 150.0
# Strength of a cue's colour, in U and V levels (the background's varies by about 5). It meets the texture, and must
# leave it room within RGB: clipped, the brightest dots would change their mean.
_CUE_CHROMA = 34.0
_BLOBS = 6  # of the background, along each side
_PICTURE = 4  # the stream of randomness after those of the plan


def paint(spec: NeedleSpec, plan: ClipPlan, seed: int) -> NDArray[np.uint8]:
    """All frames of a clip in yuv420p.

    Returns:
        uint8, (frames, pixels * 3 / 2, pixels): rows of Y, then of U and of V, as PyAV takes them.
    """
    rng = np.random.default_rng([seed, _PICTURE])
    half = spec.pixels // 2
    luma = _drift(rng, spec.frames, spec.pixels, centre=105.0, spread=22.0)
    chroma = [_drift(rng, spec.frames, half, centre=128.0, spread=5.0) for _ in range(2)]  # U, V
    luma += np.repeat(plan.light, spec.per_segment).astype(np.float32)[:, None, None]  # patches are painted over it
    phases = rng.integers(8, size=(spec.segments, 2))
    waves = list(TEXTURES[spec.texture].values())
    strength = spec.contrast * _fade(spec.patch)
    for frame in range(spec.frames):
        segment = frame // spec.per_segment
        texture = int(plan.textures[segment])
        if texture < 0:
            continue
        x, y = (int(v) for v in plan.corners[frame])
        if segment in plan.evidence:
            hue, turn = float(plan.hues[segment]), int(plan.turns[segment])
            _paint_cue(spec, luma[frame], [plane[frame] for plane in chroma], x, y, hue, turn)
        signs = _signs(waves[texture], spec.patch, int(phases[segment, 0]), int(phases[segment, 1]))
        luma[frame, y : y + spec.patch, x : x + spec.patch] = _GREY + strength * signs
    luma += spec.noise * rng.standard_normal(luma.shape, dtype=np.float32)
    planes = [luma, *chroma]
    flat = [np.clip(np.rint(plane), 16, 235).astype(np.uint8).reshape(spec.frames, -1) for plane in planes]
    return np.concatenate(flat, axis=1).reshape(spec.frames, spec.pixels * 3 // 2, spec.pixels)


def _paint_cue(spec: NeedleSpec, luma: Plane, chroma: list[Plane], x: int, y: int, hue: float, turn: int) -> None:
    """Marks the patch whose corner is at (x, y), in the planes of one frame, in place.

    The colour covers a part of the texture too, so that what the cue says of the texture can be seen in one place.
    """
    for left, top, right, bottom in _cue_boxes(spec, turn):
        luma[y + top : y + bottom, x + left : x + right] = _CUE_LUMA  # the patch is painted over it
        halved = np.s_[(y + top) // 2 : (y + bottom) // 2, (x + left) // 2 : (x + right) // 2]
        chroma[0][halved] = 128.0 + _CUE_CHROMA * np.cos(hue)
        chroma[1][halved] = 128.0 + _CUE_CHROMA * np.sin(hue)


def _cue_boxes(spec: NeedleSpec, turn: int) -> list[Box]:
    side, out = spec.patch, spec.patch + REACH
    if spec.cue == "colour":
        return [(0, 0, side, side)]
    if spec.cue == "corner":
        spans = ((-REACH, side // 4 * 2), (side - side // 4 * 2, out))
        (left, right), (top, bottom) = spans[turn % 2], spans[turn // 2]
        return [(left, top, right, bottom)]
    inner = side // 8 * 2
    return [
        (-REACH, -REACH, out, inner),
        (-REACH, side - inner, out, out),
        (-REACH, -REACH, inner, out),
        (side - inner, -REACH, out, out),
    ]


def _signs(waves: Waves, side: int, phase_x: int, phase_y: int) -> Plane:
    """A texture of mean 0 and standard deviation 1, (side, side)."""
    y, x = np.mgrid[phase_y : phase_y + side, phase_x : phase_x + side]
    total = np.zeros((side, side), np.float32)
    for weight, columns, rows in waves:
        steps = (x // columns if columns else 0) + (y // rows if rows else 0)
        total += weight * (1 - 2 * (steps % 2))
    return total


def _fade(side: int) -> Plane:
    """1 inside a patch, falling softly to 0 at its edges, (side, side).

    Halving leaves nothing of an even texture, but traces of a hard edge, where a stripe lacks a neighbour.
    """
    ramp = np.minimum(np.arange(side) + 0.5, side - 0.5 - np.arange(side)) / (side / 3)
    along = np.sin(np.pi / 2 * np.minimum(ramp, 1.0)) ** 2
    return np.asarray(np.outer(along, along), dtype=np.float32)


def _drift(rng: np.random.Generator, frames: int, side: int, *, centre: float, spread: float) -> Plane:
    """A soft picture that turns slowly into another one, (frames, side, side)."""
    first, last = (rng.normal(centre, spread, (_BLOBS, _BLOBS)) for _ in range(2))
    places = np.linspace(0.0, _BLOBS - 1.0, side)
    up = np.stack([np.interp(places, np.arange(_BLOBS), row) for row in np.eye(_BLOBS)], axis=1)  # (side, blobs)
    first, last = up @ first @ up.T, up @ last @ up.T
    share = np.linspace(0.0, 1.0, frames)[:, None, None]
    return np.asarray(first + share * (last - first), dtype=np.float32)
