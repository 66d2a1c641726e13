"""One video as a film strip: what the policy chose for each frame, as large as the model saw it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adaframe.evaluation.report.drawing import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    VERMILION,
    Canvas,
    action_colours,
    quietly,
)
from adaframe.evaluation.report.video_header import HEADER, MARGIN, WIDTH, answer_and_cost
from adaframe.progress import clock

_GAP, _UNDER, _ROW_GAP, _FOOTER, _TIMELINE = 16, 62, 26, 46, 108
_ROWS = 4
_LARGEST = 264  # pixels of a cell, so that few frames do not fill a page


@quietly()
def film_strip(
    path: Path,
    *,
    thumbnails: NDArray[np.uint8],
    times_s: NDArray[np.float64],
    actions: Sequence[str],
    look_pixels: Mapping[str, int],
    crop: int,
    title_label: str,
    confidence: float,
    unsure: bool,
    gmacs: float,
    gmacs_uniform: float,
    source: str,
    top: Sequence[tuple[str, float]] = (),
    timeline: Sequence[tuple[float, float, str, float]] = (),
) -> None:
    """Write the film strip of one video as PNG, 1600 pixels wide, whole or not at all.

    Each frame is reduced to the pixels of its look and drawn at a size in proportion to them; a skipped one is pale
    and crossed out. At most four rows of frames are drawn (what is left out is said), then the timeline.

    Args:
        thumbnails: the sampled frames as cropped for the model, uint8, (T, h, w, 3), RGB.
        times_s: of each frame in seconds, (T,).
        actions: of each frame, T names: skip, or a key of look_pixels.
        look_pixels: side in pixels of each look, and of the glance.
        crop: side in pixels of what the looks are resized from.
        title_label: the answer.
        confidence: of the answer, 0..1.
        unsure: whether the answer is below the model's threshold.
        gmacs: executed, in 1e9 multiply-adds.
        gmacs_uniform: what uniform would have executed.
        source: where the video came from.
        top: best classes with their confidences; the first four are drawn.
        timeline: per window: start and end in seconds, label, confidence.

    Raises:
        ValueError: thumbnails, times and actions do not fit each other, or an action is unknown.
        AdaframeError: the file cannot be written.
    """
    if thumbnails.ndim != 4 or thumbnails.shape[-1] != 3 or thumbnails.dtype != np.uint8 or not len(thumbnails):
        raise ValueError(f"thumbnails must be uint8 (T, h, w, 3), got {thumbnails.dtype} {thumbnails.shape}")
    if not len(thumbnails) == len(times_s) == len(actions):
        raise ValueError(f"{len(thumbnails)} thumbnails, {len(times_s)} times and {len(actions)} actions do not fit")
    if unknown := set(actions) - set(look_pixels) - {"skip"}:
        raise ValueError(f"unknown actions {sorted(unknown)}; known are skip, {', '.join(look_pixels)}")
    glance = look_pixels.get("glance", crop // 3)  # what is skipped is drawn as large as it was seen
    shares = [min(look_pixels.get(action, glance) / crop, 1.0) for action in actions]
    grid = _Grid.of(shares, thumbnails.shape[1] / thumbnails.shape[2])
    below = _FOOTER + (_TIMELINE if timeline else 0)
    canvas = Canvas(WIDTH, grid.bottom + below)
    answer_and_cost(canvas, title_label, confidence, unsure, source, top, gmacs, gmacs_uniform)
    colours = action_colours(sorted(look_pixels, key=lambda name: -look_pixels[name]))
    long = max(float(times_s[-1]), max((end for _, end, _, _ in timeline), default=0.0)) >= 60
    for index in range(grid.shown):
        x, base = grid.place(index)
        _frame(canvas, thumbnails[index], x, base, grid, shares[index], actions[index], colours[actions[index]])
        canvas.text(x + grid.width / 2, base + 54, _clock(times_s[index], long), 15, colour=GREY, align="center")
    said = "Each frame at the resolution that the model saw; bars: pixels looked at, of the full frame's."
    if grid.shown < len(actions):
        said = f"The first {grid.shown} of {len(actions)} sampled frames. {said}"
    canvas.text(MARGIN, canvas.height - below + _FOOTER - 8, said, 15, colour=GREY)
    if timeline:
        _timeline(canvas, timeline, canvas.height - _TIMELINE + 32, long)
    canvas.save(path)


@dataclass(frozen=True)
class _Grid:
    """Cells by rows; a frame looked at in full takes width × height pixels, and a row is as high as its largest frame."""

    columns: int
    shown: int
    width: int
    height: int
    rows: tuple[int, ...]

    @staticmethod
    def of(shares: Sequence[float], aspect: float) -> _Grid:
        """Rows of about eight; of up to twelve where that shows more of a long video. `shares`: side of each of a full one."""
        frames = len(shares)
        columns = 8 if frames <= 8 * _ROWS else 12
        rows = min(_ROWS, math.ceil(frames / columns))
        shown = min(frames, rows * columns)
        columns = math.ceil(shown / rows)
        width = min(_LARGEST, (WIDTH - 2 * MARGIN + _GAP) // columns - _GAP)
        height = min(round(width * aspect), 2 * width)
        largest = [max(shares[at : min(at + columns, shown)]) for at in range(0, shown, columns)]
        return _Grid(columns, shown, width, height, tuple(max(8, round(height * share)) for share in largest))

    @property
    def bottom(self) -> int:
        """Below the words of the last row."""
        return HEADER + sum(self.rows) + len(self.rows) * _UNDER + (len(self.rows) - 1) * _ROW_GAP

    def place(self, index: int) -> tuple[int, int]:
        """Left edge of a cell, and the line that its frame stands on."""
        row, column = divmod(index, self.columns)
        base = HEADER + sum(self.rows[: row + 1]) + row * (_UNDER + _ROW_GAP)
        return MARGIN + column * (self.width + _GAP), base


def _frame(
    canvas: Canvas, pixels: NDArray[np.uint8], x: int, base: int, grid: _Grid, share: float, action: str, colour: str
) -> None:
    """One frame, standing on its row's line, with its bar and its action."""
    skipped = action == "skip"
    image = Image.fromarray(pixels)
    seen = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    size = (max(8, round(grid.width * share)), max(8, round(grid.height * share)))
    image = image.resize(seen, Image.Resampling.BOX).resize(size, Image.Resampling.BICUBIC)
    left, upper = x + (grid.width - size[0]) // 2, base - size[1]
    canvas.box(x, base + 8, grid.width, 6, fill=PAPER)
    if skipped:
        pale = np.asarray(image.convert("L").convert("RGB"), dtype=np.float64) * 0.25 + 255 * 0.75
        canvas.picture(left, upper, pale.astype(np.uint8))
        canvas.box(left, upper, *size, edge=FAINT)
        canvas.line((left, left + size[0]), (base, upper), colour="#9aa3ad", width=1.6)
    else:
        canvas.picture(left, upper, np.asarray(image))
        canvas.box(x, base + 8, grid.width * share**2, 6, fill=colour)
    middle = x + grid.width / 2
    canvas.text(middle, base + 35, action, 17, colour=colour, bold=not skipped, align="center", most=grid.width + 10)


def _timeline(canvas: Canvas, timeline: Sequence[tuple[float, float, str, float]], y: int, long: bool) -> None:
    """A bar per window, as high as its confidence, in the colour of its label; the labels' names above."""
    seconds: dict[str, float] = {}
    for start, end, label, _ in timeline:
        seconds[label] = seconds.get(label, 0.0) + end - start
    ranked = sorted(seconds, key=lambda label: -seconds[label])
    colours = dict(zip(ranked, (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION), strict=False))
    first, last = timeline[0][0], max(end for _, end, _, _ in timeline)
    scale = (WIDTH - 2 * MARGIN) / max(last - first, 1e-9)
    x = float(MARGIN)
    for label in [*list(colours), *(["other"] if len(ranked) > len(colours) else [])]:
        canvas.box(x, y - 12, 13, 13, fill=colours.get(label, GREY))
        x += 20 + canvas.text(x + 20, y, label, 15, most=200) + 26
    canvas.box(MARGIN, y + 10, WIDTH - 2 * MARGIN, 30, fill=PAPER)
    for index, (start, end, label, confidence) in enumerate(timeline):
        if index + 1 < len(timeline):
            end = min(end, timeline[index + 1][0])  # where windows overlap, up to the next one
        height = 30 * min(max(confidence, 0.0), 1.0)
        left = MARGIN + (start - first) * scale
        canvas.box(left, y + 40 - height, max((end - start) * scale - 1, 1), height, fill=colours.get(label, GREY))
    canvas.text(MARGIN, y + 58, _clock(first, long), 15, colour=GREY)
    canvas.text(WIDTH - MARGIN, y + 58, _clock(last, long), 15, colour=GREY, align="right")


def _clock(seconds: float, long: bool) -> str:
    return clock(seconds) if long else f"{seconds:.2f} s"
