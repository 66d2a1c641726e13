"""Where the names of points go in a picture, so that they cover little and each other least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DISTANCES = (8, 16, 26, 38, 52)
_ANGLES = tuple(np.deg2rad((0, 180, 90, 270, 45, 135, 225, 315, 20, 160, 200, 340)))  # right and left are preferred


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, y upwards, and how bad it is to cover a pixel of it."""

    left: float
    bottom: float
    right: float
    top: float
    weight: float = 1.0

    def covered_by(self, other: Box) -> float:
        """Area shared with another box, times this one's weight."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return self.weight * max(0.0, width) * max(0.0, height)


def along(corners: Floats, width: float, weight: float) -> list[Box]:
    """Square boxes side by side along a line through corners, (N, 2)."""
    boxes = []
    for start, end in pairwise(corners):
        count = max(2, int(np.hypot(*(end - start)) / width))
        for x, y in start + np.linspace(0, 1, count)[:, None] * (end - start):
            boxes.append(Box(x - width / 2, y - width / 2, x + width / 2, y + width / 2, weight))
    return boxes


def place(anchors: Floats, halves: Floats, obstacles: Sequence[Box], frame: Box, unit: float) -> Floats:
    """Choose a place for each label in turn, the least bad of those around its point.

    Args:
        anchors: the points, in pixels, (N, 2).
        halves: half of each label's width and height, (N, 2).
        obstacles: what labels should not cover.
        frame: what labels stay inside of.
        unit: pixels per point of type; distances grow with it.

    Returns:
        Offset of each label's centre from its point, in pixels, (N, 2).
    """
    taken = list(obstacles)
    offsets = np.zeros_like(anchors)
    for index, (anchor, half) in enumerate(zip(anchors, halves, strict=True)):
        best = np.inf
        for distance in _DISTANCES:
            for angle in _ANGLES:
                way = np.array([np.cos(angle), np.sin(angle)])
                offset = distance * unit * way + np.sign(way) * half * (np.abs(way) > 0.3)
                offset += _inwards(_around(anchor + offset, half), frame)
                box = _around(anchor + offset, half)
                badness = sum(other.covered_by(box) for other in taken) + 12 * distance * unit
                if badness < best:
                    best, offsets[index] = badness, offset
        taken.append(_around(anchor + offsets[index], half))
    return offsets


def _around(centre: Floats, half: Floats) -> Box:
    (left, bottom), (right, top) = centre - half, centre + half
    return Box(float(left), float(bottom), float(right), float(top), weight=4.0)


def _inwards(box: Box, frame: Box) -> Floats:
    """The way that brings a box into the frame, in pixels, (2,); of a box that is too large, its left and lower edge."""
    right = max(frame.left - box.left, min(0.0, frame.right - box.right))
    up = max(frame.bottom - box.bottom, min(0.0, frame.top - box.top))
    return np.array([right, up])
