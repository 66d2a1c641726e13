"""One long video as a timeline: what happens when, how sure that is, and what was spent on it.

Letters: W windows, X columns of pixels, R rows (one a label).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adaframe.evaluation.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    VERMILION,
    Canvas,
    quietly,
    rgb,
)
from adaframe.evaluation.report.time_axis import LEFT, RIGHT, TimeColumns, time_axis
from adaframe.evaluation.report.video_header import HEADER, MARGIN, WIDTH, answer_and_cost

_STILL, _ROW, _GAP, _CURVE, _AXIS = 132, 34, 10, 120, 74
_ROWS = 8
_COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, "#8a6d00", "#3d4fa1")
_LEAST = 0.55  # of a colour: a window thinner than a pixel can be seen


@dataclass(frozen=True, eq=False)
class Spans:
    """The windows of a video.

    Args:
        start_s: within the file, rising, (W,).
        end_s: (W,).
        labels: those that each window names, W times any number.
        confidence: of each window's answer, 0..1, (W,).
        unsure: whether it is below the model's threshold, (W,).
        share: of uniform's MACs that were executed, (W,).

    Raises:
        ValueError: there is no window, or what is said of them does not fit each other.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    labels: Sequence[Sequence[str]]
    confidence: NDArray[np.float64]
    unsure: NDArray[np.bool_]
    share: NDArray[np.float64]

    def __post_init__(self) -> None:
        sizes = {name: len(value) for name, value in vars(self).items()}
        if len(set(sizes.values())) > 1 or not len(self.start_s):
            raise ValueError(f"a timeline needs the same of each of its windows, got {sizes}")

    @property
    def lengths_s(self) -> NDArray[np.float64]:
        return self.end_s - self.start_s


@quietly()
def timeline_figure(
    path: Path,
    spans: Spans,
    *,
    stills: Sequence[tuple[float, NDArray[np.uint8]]],
    title_label: str,
    confidence: float,
    unsure: bool,
    gmacs: float,
    gmacs_uniform: float,
    source: str,
    top: Sequence[tuple[str, float]] = (),
) -> None:
    """Write the timeline of one video as PNG, 1600 pixels wide, whole or not at all.

    From above: pictures; a row for each of the eight labels that hold longest (the others share one), pale and hatched where
    the model is unsure; the confidence; what was executed. Where windows overlap, or are thinner than a pixel, means are drawn.

    Args:
        spans: the windows.
        stills: times and pictures, uint8, (h, w, 3), RGB.
        title_label: the answer for the whole file.
        confidence: of that, 0..1.
        unsure: whether that is below the model's threshold.
        gmacs: executed, in 1e9 multiply-adds.
        gmacs_uniform: what uniform would have executed.
        source: where the video came from.
        top: best classes with their confidences; the first four are drawn.

    Raises:
        AdaframeError: the file cannot be written.
    """
    rows = _rows(spans)
    columns = TimeColumns(spans.start_s, spans.end_s)
    holds = np.array([[row.holds(named) for row in rows] for named in spans.labels], dtype=np.float64)
    doubts = spans.unsure[:, None]
    each = [np.ones_like(holds[:, :1]), doubts, spans.confidence[:, None], spans.share[:, None], holds, holds * doubts]
    spread = columns.spread(np.concatenate(each, axis=1))
    covered, doubtful, sure, spent = spread[:4]
    held, doubted = spread[4 : 4 + len(rows)], spread[4 + len(rows) :]

    side = int(min(_STILL, (RIGHT - LEFT + 8) / max(len(stills), 1) - 8))
    band = HEADER + (side + 4 * _GAP if stills else 0)
    below = band + len(rows) * (_ROW + _GAP)
    canvas = Canvas(WIDTH, below + 2 * (_CURVE + 3 * _GAP) + _AXIS)
    answer_and_cost(canvas, title_label, confidence, unsure, source, top, gmacs, gmacs_uniform)
    _pictures(canvas, stills, side, columns)
    for n, row in enumerate(rows):
        y = band + n * (_ROW + _GAP)
        canvas.box(MARGIN, y + 9, 15, 15, fill=row.colour)
        room = LEFT - MARGIN - 24 - 66
        canvas.text(MARGIN + 24, y + 23, row.name, canvas.fitting(row.name, (16, 14, 12), room), most=room)
        share = row.seconds / float(spans.lengths_s.sum())
        canvas.text(LEFT - 14, y + 23, _percent(share), 15, colour=GREY, align="right")
        canvas.picture(LEFT, y, _band(held[n], doubted[n], row.colour))
    sure_y, spent_y = below + 2 * _GAP, below + _CURVE + 5 * _GAP
    mean = float(np.average(spans.confidence, weights=spans.lengths_s))
    words = ("confidence", f"mean {_percent(mean)}", "pale, hatched: unsure" if spans.unsure.any() else "")
    _curve(canvas, sure_y, words, INK, sure, covered, doubtful)
    mean, most = gmacs / gmacs_uniform, float(spans.share.max())
    words = ("compute, of uniform's", f"mean {_percent(mean)}", f"most in a window: {_percent(most)}")
    _curve(canvas, spent_y, words, BLUE, spent, covered, np.zeros_like(spent), most=max(1.0, most))
    time_axis(canvas, spent_y + _CURVE, columns)
    canvas.save(path)


@dataclass(frozen=True)
class _Row:
    """A label, or all that have no row of their own; those that hold nowhere have none."""

    name: str
    labels: frozenset[str]
    colour: str
    seconds: float

    def holds(self, named: Sequence[str]) -> bool:
        return bool(self.labels.intersection(named or ("",)))


def _rows(spans: Spans) -> list[_Row]:
    """The labels that hold longest, longest first."""
    held: dict[str, float] = {}
    timed = list(zip(spans.labels, spans.lengths_s.tolist(), strict=True))
    for named, length in timed:
        for label in named or ("",):
            held[label] = held.get(label, 0.0) + length
    ranked = sorted(held, key=lambda label: -held[label])
    own = ranked if len(ranked) <= _ROWS else ranked[: _ROWS - 1]
    colours = iter(_COLOURS)
    rows = [
        _Row(label or "none of the classes", frozenset([label]), next(colours) if label else GREY, held[label])
        for label in own
    ]
    if others := ranked[len(own) :]:
        several = frozenset(others)
        seconds = sum(length for named, length in timed if several.intersection(named or ("",)))
        rows.append(_Row(f"{len(others)} others", several, GREY, seconds))
    return rows


def _pictures(
    canvas: Canvas, stills: Sequence[tuple[float, NDArray[np.uint8]]], side: int, columns: TimeColumns
) -> None:
    """Pictures in a row, and lines to where they belong."""
    for n, (time_s, picture) in enumerate(stills):
        image = Image.fromarray(picture)
        scale = side / max(image.size)
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
        middle = LEFT + (RIGHT - LEFT + 8) / len(stills) * (n + 0.5) - 4
        canvas.picture(middle - image.width / 2, HEADER + side - image.height, np.asarray(image))
        canvas.line((middle, columns.x(time_s)), (HEADER + side + 5, HEADER + side + 4 * _GAP - 6), colour="#9aa3ad")


def _band(held: NDArray[np.float64], doubted: NDArray[np.float64], colour: str) -> NDArray[np.uint8]:
    """A row's stretches, uint8, (h, X, 3): as strong as they cover a column; where most is unsure, pale and hatched."""
    strength = np.where(held > 0.01, np.clip(held, _LEAST, 1.0), 0.0)
    y, x = np.mgrid[:_ROW, : len(held)]
    pale = (doubted > held / 2) & ((x + y) % 8 >= 3)
    strength = np.where(pale, 0.3, 1.0) * strength
    return _mixed(strength, colour)


def _mixed(strength: NDArray[np.float64], colour: str) -> NDArray[np.uint8]:
    """A colour on paper, by its strength 0..1 at each pixel (h, X)."""
    paper, ink = np.array(rgb(PAPER)), np.array(rgb(colour))
    pixels: NDArray[np.uint8] = np.round(paper + strength[..., None] * (ink - paper)).astype(np.uint8)
    return pixels


def _curve(
    canvas: Canvas,
    y: int,
    words: tuple[str, str, str],
    colour: str,
    value: NDArray[np.float64],
    covered: NDArray[np.float64],
    doubtful: NDArray[np.float64],
    *,
    most: float = 1.0,
) -> None:
    """A mean over time as an area, from 0 to `most`; nothing where no window is. Sums over windows, (X,)."""
    there = covered > 0.01
    height = np.where(there, value / np.maximum(covered, 1e-9), 0.0) / most
    rows, x = np.mgrid[:_CURVE, : len(height)]
    level = np.round(_CURVE * (1 - np.clip(height, 0.0, 1.0)))
    filled = (rows >= level[None]) & there
    strength = np.where(filled, 0.28, 0.0)
    strength = np.where(filled & (doubtful > covered / 2) & ((x + rows) % 8 >= 3), 0.08, strength)
    # The line goes from each column's level to that of the one before, so that steps are closed.
    before = np.where(np.roll(there, 1), np.roll(level, 1), level)
    before[0] = level[0]
    upper, lower = np.minimum(level, before), np.maximum(level, before)
    strength = np.where((rows >= upper - 1) & (rows <= lower) & there, 1.0, strength)
    canvas.picture(LEFT, y, _mixed(strength, colour))
    for line, (text, size, ink) in enumerate(zip(words, (16, 15, 13), (INK, GREY, GREY), strict=True)):
        canvas.text(MARGIN, y + 20 + 22 * line, text, size, colour=ink, most=190)
    for part in (0.0, 0.5, 1.0):
        at = y + _CURVE * (1 - part)
        canvas.line((LEFT - 5, LEFT), (at, at), colour=GREY)
        canvas.text(LEFT - 9, at + 5, _percent(part * most), 13, colour=GREY, align="right")


def _percent(share: float) -> str:
    return "under 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"
