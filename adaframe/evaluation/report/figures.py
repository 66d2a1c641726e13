"""Accuracy against executed compute of many methods, as a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from adaframe.evaluation.bootstrap import LEVEL, Interval
from adaframe.evaluation.metrics import Results, headline, interval
from adaframe.evaluation.report.drawing import BLUE, GREY, INK, VERMILION, fonts, plain, quietly, save, step_back
from adaframe.evaluation.report.labels import Box, along, place

_DPI = 160
_LINE = "#aab2bb"
_BUDGET = "adaptive at "
_OTHERS = ("#5b4fa8", "#8a5a00", "#0a6f7d", "#8c2d2d")  # adaptive points of the second model, the third, …
_STYLES = {  # what the name starts with -> colour, marker, size
    "adaptive": (BLUE, "o", 8.0),
    "uniform": (INK, "s", 7.0),
    "static": (GREY, "o", 5.5),
    "glance": (VERMILION, "D", 6.0),
    "random": ("#007a59", "v", 7.0),
    "change": ("#a3487b", "^", 7.0),
}


@dataclass(frozen=True)
class _Point:
    """A method: cost in percent of uniform's, accuracy or mAP in percent, and how it is drawn."""

    name: str
    cost: float
    height: Interval
    colour: str
    marker: str
    size: float
    model: str

    @staticmethod
    def of(results: Results, others: Sequence[str] = ()) -> _Point:
        """`others`: the models that the comparison is not about, in their order."""
        share = interval(results, metric=headline(results))
        height = Interval(100 * share.value, 100 * share.low, 100 * share.high)
        style = next((style for start, style in _STYLES.items() if results.name.startswith(start)), (INK, "X", 6.5))
        if results.name.startswith("adaptive") and results.model in others:
            style = (_OTHERS[others.index(results.model) % len(_OTHERS)], "P", 7.5)
        return _Point(results.name, 100 * results.of_uniform, height, *style, results.model)


@quietly()
def accuracy_cost_figure(results: Sequence[Results], path: Path) -> None:
    """Draw each method's accuracy (mAP where videos have several labels) against its executed compute, as PNG.

    Bars are 95 % intervals. Adaptive points of a model are joined; the grey line joins the best static plans (uniform and
    glance are such), and is straight because a mixture of two plans lies between them. 1280 × 800 pixels.

    Args:
        results: of methods on the same videos, at least one.
        path: of the PNG.

    Raises:
        AdaframeError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    by_map = headline(results[0]) == "map"
    shares = 100 * results[0].targets.mean(axis=0)
    chance = float(shares[shares > 0].mean()) if by_map else float(shares.max())
    models = list(dict.fromkeys(r.model for r in results if r.name.startswith("adaptive")))
    points = _together([_Point.of(r, models[1:]) for r in results])
    figure = Figure(figsize=(8, 5), dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _scales(axes, points, chance, "mAP" if by_map else "accuracy")
    _name_chance(axes, chance, "random order" if by_map else "always the commonest class")
    joined = []
    for model in models:
        own = [p for p in points if p.name.startswith("adaptive") and p.model == model]
        joined.append((own[0].colour, sorted((p.cost, p.height.value) for p in own)))
    plans = [(p.cost, p.height.value) for p in points if p.name.startswith(("static", "uniform", "glance"))]
    joined.append((_LINE, _envelope(plans)))
    lines = [line for _, line in joined if len(line) > 1]
    for colour, line in joined:
        if len(line) > 1:
            axes.plot(*zip(*line, strict=True), color=colour, lw=1.4 if colour == _LINE else 2.0, zorder=1)
    for p in points:
        if not math.isnan(p.height.low):
            axes.plot([p.cost, p.cost], [p.height.low, p.height.high], color=p.colour, lw=1.2, alpha=0.4, zorder=2)
        axes.plot(p.cost, p.height.value, p.marker, color=p.colour, ms=p.size, mec="white", mew=0.8, zorder=4)
    videos, groups = len(results[0].scores), len(set(results[0].groups))
    axes.set_title(
        f"{videos} videos in {groups} groups; bars are {100 * LEVEL:g} % intervals; grey line: best static plans",
        loc="left",
        size=8.5,
        color=GREY,
        family=fonts(),
    )
    _name_points(figure, axes, points, lines, chance)
    save(figure, path, dpi=_DPI)


def _together(points: Sequence[_Point]) -> list[_Point]:
    """Budgets at which a model does the same as one point: adaptive at 1, 0.5, 0.25."""
    found: dict[tuple[str, str, float, float], _Point] = {}
    for p in points:
        shared = p.name.startswith(_BUDGET)
        key = (_BUDGET if shared else p.name, p.model, p.cost, p.height.value)
        first, named = found.get(key), p.name
        if shared and first:
            own = f" ({p.model})" if p.model else ""
            named = f"{first.name.removesuffix(own)}, {p.name.removeprefix(_BUDGET)}"
        found[key] = replace(p, name=named)
    return list(found.values())


def _scales(axes: Any, points: Sequence[_Point], chance: float, what: str) -> None:
    from matplotlib.ticker import MaxNLocator

    low = min(np.nanmin([p.height.value, p.height.low]) for p in points)
    high = max(np.nanmax([p.height.value, p.height.high]) for p in points)
    if chance > low - max(high - low, 4.0):  # else it would press the methods together at the top; it is named then
        low = min(low, chance)
    margin = 0.1 * max(high - low, 4.0)
    axes.set_ylim(low - margin, min(high + margin, 103.0))
    axes.set_xlim(0, 1.09 * max(100.0, *(p.cost for p in points)))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10], integer=True))
    axes.set_xlabel("executed compute, % of uniform's GMACs", color=GREY, family=fonts(), size=10)
    axes.set_ylabel(f"{what}, %", color=GREY, family=fonts(), size=10)
    step_back(axes)


def _name_chance(axes: Any, value: float, name: str) -> None:
    """The line of knowing nothing, with its name; the name alone where the line is far below."""
    low, _ = axes.get_ylim()
    inside = value >= low
    if inside:
        axes.axhline(value, color=GREY, lw=1.0, ls=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"{name}: {value:.1f} %" + ("" if inside else " (below this range)"),
        (1.0, value if inside else low),
        xycoords=axes.get_yaxis_transform(),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
        color=GREY,
        size=8.5,
        family=fonts(),
    )


def _envelope(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """From the cheapest plan to the best one, those that no mixture of two others beats."""
    hull: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if hull and y <= hull[-1][1]:
            continue
        while len(hull) > 1:
            (x0, y0), (x1, y1) = hull[-2:]
            if (y1 - y0) * (x - x0) > (y - y0) * (x1 - x0):
                break
            hull.pop()
        hull.append((x, y))
    return hull


def _name_points(
    figure: Any, axes: Any, points: Sequence[_Point], lines: Sequence[list[tuple[float, float]]], chance: float
) -> None:
    """Name each point beside it, clear of everything drawn; a thin line leads to a name further off."""
    from matplotlib.patheffects import withStroke

    figure.draw_without_rendering()  # places the axes, so that pixels are known
    figure.set_layout_engine("none")
    renderer, unit = figure.canvas.get_renderer(), _DPI / 72
    to_pixels = axes.transData.transform
    frame = axes.get_window_extent(renderer)
    obstacles = along(to_pixels([(axes.get_xlim()[0], chance), (axes.get_xlim()[1], chance)]), 3 * unit, 2.0)
    for artist in axes.texts:
        extent = artist.get_window_extent(renderer)
        obstacles.append(Box(extent.x0, extent.y0, extent.x1, extent.y1, 4.0))
    for line in lines:
        obstacles += along(to_pixels(line), 3 * unit, 2.0)
    for p in points:
        x, y = to_pixels((p.cost, p.height.value))
        obstacles.append(Box(x - 5 * unit, y - 5 * unit, x + 5 * unit, y + 5 * unit, 2.0))
        if not math.isnan(p.height.low):
            bottom, top = (to_pixels((p.cost, bound))[1] for bound in (p.height.low, p.height.high))
            obstacles.append(Box(x - 2 * unit, bottom, x + 2 * unit, top, 0.5))
    ranked = sorted(points, key=lambda p: not p.name.startswith("adaptive"))  # the first ones get the best places
    texts = [
        axes.annotate(
            plain(p.name),
            (p.cost, p.height.value),
            xytext=(0, 0),
            textcoords="offset points",
            color=p.colour,
            size=9,
            weight="bold" if p.name.startswith("adaptive") else "normal",
            family=fonts(),
            va="center",
            ha="center",
            zorder=5,
            parse_math=False,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )
        for p in ranked
    ]
    extents = [text.get_window_extent(renderer) for text in texts]
    halves = np.array([(extent.width, extent.height) for extent in extents]) / 2
    anchors = np.array([to_pixels((p.cost, p.height.value)) for p in ranked])
    offsets = place(anchors, halves, obstacles, Box(frame.x0, frame.y0, frame.x1, frame.y1), unit)
    for p, text, anchor, half, offset in zip(ranked, texts, anchors, halves, offsets, strict=True):
        text.set_position(offset / unit)
        if max(np.abs(offset) - half) > 12 * unit:
            end = anchor + offset + np.clip(-offset, -half, half)
            xs, ys = axes.transData.inverted().transform([anchor, end]).T
            axes.plot(xs, ys, color=p.colour, lw=0.7, alpha=0.6, zorder=2)
