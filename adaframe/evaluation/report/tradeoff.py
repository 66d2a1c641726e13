"""The curve along which one model can move: accuracy against what its budget counts, point by point of its calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from adaframe.evaluation.bootstrap import DRAWS, LEVEL
from adaframe.evaluation.metrics import Results, headline, interval
from adaframe.evaluation.report.drawing import BLUE, GREY, VERMILION, fonts, quietly, save, step_back
from adaframe.evaluation.report.labels import Box, Floats, along, place

_DPI = 130


@quietly()
def tradeoff_figure(
    points: Sequence[Results], path: Path, *, budget: float, chosen: Results, counted: str = "GMACs"
) -> None:
    """Draw accuracy (mAP where videos may have several labels) of one model under rising biases, as PNG of 1040 × 624 pixels.

    Args:
        points: of one model on the same videos, one per bias, at least one.
        path: of the PNG.
        budget: as a fraction of uniform's cost.
        chosen: the point that the model runs at unless told otherwise.
        counted: what the budget counts, in words; the results have it in the place of GMACs.

    Raises:
        AdaframeError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    by_map = headline(chosen) == "map"
    metric = headline(chosen)
    ranked = sorted(points, key=lambda p: p.of_uniform)
    distinct = [p for i, p in enumerate(ranked) if not i or p.of_uniform > ranked[i - 1].of_uniform + 1e-4]
    costs = np.array([100 * p.of_uniform for p in distinct])
    draws = 400 if by_map else DRAWS  # mAP of large data takes long, and here it is but a pale band
    spans = [interval(p, metric=metric, draws=draws) for p in distinct]
    heights, lows, highs = (100 * np.array([getattr(s, name) for s in spans]) for name in ("value", "low", "high"))
    figure: Any = Figure(figsize=(8, 4.8), dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    axes = figure.add_subplot()
    if len(distinct) > 1:
        axes.fill_between(costs, lows, highs, color=BLUE, alpha=0.10, lw=0)
        axes.plot(costs, heights, "-o", color=BLUE, lw=1.8, ms=4.5, mec="white", mew=0.7)
    at = interval(chosen, metric=metric)
    x, y = 100 * chosen.of_uniform, 100 * at.value
    if not math.isnan(at.low):
        axes.plot([x, x], [100 * at.low, 100 * at.high], color=BLUE, lw=1.4, alpha=0.6)
    axes.plot(x, y, "o", color=BLUE, ms=10, mec="white", mew=1.2, zorder=4)
    right = 1.06 * max(100 * budget, float(costs.max()), 100.0 if costs.max() > 55 else 0.0)
    axes.set_xlabel(f"executed cost, % of uniform's {counted}", color=GREY, family=fonts(), size=10)
    _scale(axes, (0, right), [*lows, *highs, *heights, y], "mAP, %" if by_map else "accuracy, %")
    axes.axvline(100 * budget, color=VERMILION, lw=1.2, ls=(0, (5, 3)), zorder=1)
    left_side = 100 * budget > 0.75 * right
    low = axes.get_ylim()[0]
    _note(axes, f"budget {100 * budget:g} %", (100 * budget, low), (-5 if left_side else 5, 5), left_side)
    videos, groups = len(chosen.scores), len(set(chosen.groups))
    axes.set_title(
        f"{videos} clips in {groups} groups; a point per bias against cost; pale: {100 * LEVEL:g} % intervals",
        loc="left",
        size=8.5,
        color=GREY,
        family=fonts(),
    )
    _name(
        figure,
        axes,
        f"{y:.1f} % at {x:.1f} %\nof uniform's {counted}",
        (x, y),
        np.stack([costs, heights], axis=1),
        budget,
    )
    save(figure, path, dpi=_DPI)


def _scale(axes: Any, across: tuple[float, float], values: Sequence[float], title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    known = [v for v in values if not math.isnan(v)] or [0.0, 100.0]
    low, high = min(known), max(known)
    margin = 0.12 * max(high - low, 5.0)
    axes.set_xlim(*across)
    axes.set_ylim(max(low - margin, 0.0), min(high + margin, 103.0))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10], integer=True))
    axes.set_ylabel(title, color=GREY, family=fonts(), size=10)
    step_back(axes)


def _note(axes: Any, text: str, point: tuple[float, float], offset: tuple[float, float], to_the_left: bool) -> None:
    axes.annotate(
        text,
        point,
        xytext=offset,
        textcoords="offset points",
        ha="right" if to_the_left else "left",
        color=VERMILION,
        size=9,
        family=fonts(),
    )


def _name(figure: Any, axes: Any, text: str, point: tuple[float, float], line: Floats, budget: float) -> None:
    """Words beside a point, clear of the curve (N, 2) and of the budget's line."""
    figure.draw_without_rendering()  # places the axes, so that pixels are known
    figure.set_layout_engine("none")
    renderer, unit = figure.canvas.get_renderer(), _DPI / 72
    artist = axes.annotate(
        text,
        point,
        xytext=(0, 0),
        textcoords="offset points",
        ha="center",
        va="center",
        color=BLUE,
        size=9,
        weight="bold",
        family=fonts(),
        zorder=5,
    )
    to_pixels, frame = axes.transData.transform, axes.get_window_extent(renderer)
    ends = to_pixels([(100 * budget, low) for low in axes.get_ylim()])
    obstacles = along(ends, 3 * unit, 4.0) + (along(to_pixels(line), 5 * unit, 4.0) if len(line) > 1 else [])
    obstacles += [_box(text.get_window_extent(renderer)) for text in axes.texts if text is not artist]
    extent = artist.get_window_extent(renderer)
    half = np.array([[extent.width, extent.height]]) / 2
    (offset,) = place(np.array([to_pixels(point)]), half, obstacles, _box(frame), unit)
    artist.set_position(offset / unit)


def _box(extent: Any) -> Box:
    return Box(extent.x0, extent.y0, extent.x1, extent.y1, 4.0)
