"""Seconds of a file as columns of pixels, and the axis below them. W windows, X columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adaframe.evaluation.report.drawing import GREY, Canvas
from adaframe.evaluation.report.video_header import MARGIN, WIDTH

LEFT, RIGHT = 330, WIDTH - MARGIN - 8  # of what is drawn over time
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200)
_TICKS = 11


class TimeColumns:
    """The columns of pixels that show a file from its first window to its last.

    Args:
        start_s: of each window within the file, rising, (W,).
        end_s: (W,).
    """

    def __init__(self, start_s: NDArray[np.float64], end_s: NDArray[np.float64]) -> None:
        self.start_s, self.end_s = start_s, end_s
        self.first_s = float(self.start_s[0])
        self.last_s = max(float(self.end_s.max()), self.first_s + 1e-3)
        self.edges_s = np.linspace(self.first_s, self.last_s, RIGHT - LEFT + 1)

    def x(self, time_s: float) -> float:
        """Where a time is."""
        return LEFT + (RIGHT - LEFT) * (time_s - self.first_s) / (self.last_s - self.first_s)

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of windows (W, V) over the columns, by how much of them each window covers (in windows), (V, X)."""
        total = np.zeros((values.shape[1], len(self.edges_s) - 1))
        width = self.edges_s[1] - self.edges_s[0]
        for at in range(0, len(values), 1024):  # a matrix of all windows and columns would be large
            some = slice(at, at + 1024)
            end = np.minimum(self.end_s[some, None], self.edges_s[None, 1:])
            start = np.maximum(self.start_s[some, None], self.edges_s[None, :-1])
            total += values[some].T @ (np.maximum(end - start, 0.0) / width)
        return total


def time_axis(canvas: Canvas, y: int, columns: TimeColumns) -> None:
    """Times below, lines through all above."""
    length = columns.last_s - columns.first_s
    step = next((step for step in _STEPS if length / step <= _TICKS), 86400)
    canvas.line((LEFT, RIGHT), (y + 6, y + 6), colour=GREY)
    tick = np.ceil(columns.first_s / step - 1e-6) * step
    while tick <= columns.last_s + 1e-6:
        x = columns.x(tick)
        canvas.line((x, x), (y + 6, y + 13), colour=GREY)
        told = clock(tick, hours=columns.last_s >= 3600, fine=step < 1)
        canvas.text(x, y + 32, told, 15, colour=GREY, align="center")
        tick += step
    unit = "hours:minutes" if columns.last_s >= 3600 else "minutes:seconds"
    canvas.text(RIGHT, y + 56, unit, 13, colour=GREY, align="right")


def clock(seconds: float, *, hours: bool = False, fine: bool = False) -> str:
    """A time as minutes and seconds (1:05; 0:00.5 if fine), or as hours and minutes (1:05)."""
    if hours:
        minutes = round(seconds / 60)
        return f"{minutes // 60}:{minutes % 60:02d}"
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    return f"{minutes}:{rest / 10:04.1f}" if fine else f"{minutes}:{rest // 10:02d}"
