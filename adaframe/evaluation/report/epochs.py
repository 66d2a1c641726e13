"""A training over its epochs, as a figure: how right, which loss, what it cost, which actions it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaframe.evaluation.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    SKY,
    VERMILION,
    action_colours,
    fonts,
    plain,
    quietly,
    save,
    step_back,
)

_DPI = 130
_TRAIN = "#8a94a0"  # paler than the held-out clips, which are what counts
_LOOKS = (BLUE, SKY, GREEN, "#a3c96b")  # areas beside each other need more contrast than words
_SKIPS = ("#e9ecef", "#d6dbe1", "#c3cad2", "#b0b9c3")
_STAGES = {"warmup": "warm-up", "joint": "joint", "finetune": "fine-tuning"}

Row = Mapping[str, str]


@quietly()
def epochs_figure(
    rows: Sequence[Row], path: Path, *, budget: float | None, looks: Sequence[str], counted: str = "GMACs"
) -> None:
    """Draw the rows of a metrics.csv as PNG. 1430 pixels wide; a plan that is fixed has no cost and no actions to show.

    Args:
        rows: one per epoch, at least one: epoch, stage, train/loss, val/accuracy or val/map, val/cost, val/share/ACTION, …
        path: of the PNG.
        budget: as a fraction of uniform's cost; None for a fixed plan.
        counted: what the budget counts, in words.
        looks: names of the looks, from the largest on.

    Raises:
        AdaframeError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    epochs = _column(rows, "epoch") + 1
    shares = _shares(rows, looks)
    moving = budget is not None and bool(shares)
    figure: Any = Figure(figsize=(11, 6.6 if moving else 3.6), dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
    panels = figure.subplots(2 if moving else 1, 2, squeeze=False).ravel()
    judged_by = "map" if any(row.get("train/map") or row.get("val/map") for row in rows) else "accuracy"
    _lines(panels[0], rows, epochs, judged_by, "mAP, %" if judged_by == "map" else "accuracy, %", factor=100)
    panels[0].set_ylim(max(0.0, 10 * np.floor((panels[0].dataLim.y0 - 5) / 10)), 103)
    panels[0].legend(
        loc="best",
        prop={"family": fonts(), "size": 9},
        labelcolor=GREY,
        facecolor="white",
        edgecolor="white",
        framealpha=0.85,
    )
    _lines(panels[1], rows, epochs, "loss", "loss", factor=1)
    panels[1].set_ylim(bottom=0)
    if moving:
        assert budget is not None
        _lines(panels[2], rows, epochs, "cost", f"executed cost, % of uniform's {counted}", factor=100)
        panels[2].axhline(100 * budget, color=VERMILION, lw=1.2, ls=(0, (5, 3)), zorder=1)
        panels[2].set_ylim(0, max(105.0, panels[2].get_ylim()[1]))
        _beside(panels[2], f"budget\n{100 * budget:g} %", 100 * budget, VERMILION)
        _mix(panels[3], epochs, shares, looks)
    for place, panel in enumerate(panels):
        # Stages differ in how decisions are made, so a fixed plan has none.
        _finish(panel, epochs, _stages(rows, epochs) if moving else [], named=place < 2)
    save(figure, path, dpi=_DPI)


def _column(rows: Sequence[Row], name: str) -> NDArray[np.float64]:
    """Values by epoch, NaN where there is none."""
    return np.array([float(row.get(name) or "nan") for row in rows])


def _lines(
    axes: Any, rows: Sequence[Row], epochs: NDArray[np.float64], name: str, title: str, *, factor: float
) -> None:
    dots = "o" if len(rows) <= 30 else ""
    for split, words, colour, width in (("train", "training clips", _TRAIN, 1.4), ("val", "held-out clips", BLUE, 2.0)):
        values = factor * _column(rows, f"{split}/{name}")
        if not np.isnan(values).all():
            axes.plot(epochs, values, dots + "-", color=colour, lw=width, ms=3.5, label=words, clip_on=False, zorder=3)
    _title(axes, title)


def _shares(rows: Sequence[Row], looks: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Share of each action by epoch: of the held-out clips where there are any."""
    split = "val" if any(row.get("val/cost") for row in rows) else "train"
    lead = f"{split}/share/"
    found = {key.removeprefix(lead): np.nan_to_num(_column(rows, key)) for key in rows[-1] if key.startswith(lead)}
    order = [*looks, "glance"]
    rank = {name: order.index(name) if name in order else len(order) for name in found}
    return {name: found[name] for name in sorted(found, key=lambda name: (rank[name], _skipped(name), name))}


def _skipped(action: str) -> int:
    _, _, count = action.rpartition("-")
    return int(count) if action.startswith("skip") and count.isdecimal() else 0


def _mix(
    axes: Any, epochs: NDArray[np.float64], shares: Mapping[str, NDArray[np.float64]], looks: Sequence[str]
) -> None:
    known = action_colours(()) | {name: _LOOKS[min(rank, 3)] for rank, name in enumerate(looks)}
    skips = [name for name in shares if name.startswith("skip")]
    colours = [_SKIPS[min(skips.index(name), 3)] if name in skips else known.get(name, INK) for name in shares]
    # An area needs two epochs to have a width.
    xs = epochs if len(epochs) > 1 else np.array([epochs[0] - 0.5, epochs[0] + 0.5])
    stack = [100 * (values if len(epochs) > 1 else np.repeat(values, 2)) for values in shares.values()]
    axes.stackplot(xs, stack, colors=colours, labels=[plain(n) for n in shares], edgecolor="white", lw=0.4)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1],  # in the order of the stack
        labels[::-1],
        frameon=False,
        prop={"family": fonts(), "size": 9},
        labelcolor=GREY,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.02),
        borderaxespad=0.3,
        handlelength=1.2,
    )
    axes.set_ylim(0, 100)
    _title(axes, "actions, % of frames")


def _finish(axes: Any, epochs: NDArray[np.float64], stages: Sequence[tuple[str, float, float]], *, named: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    first, last = float(epochs[0]), float(epochs[-1])
    axes.set_xlim(first - 0.5 if len(epochs) == 1 else first, last + 0.5 if len(epochs) == 1 else last)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    step_back(axes)
    axes.set_xlabel("epoch", color=GREY, family=fonts(), size=9)
    low, high = axes.get_xlim()
    for stage, start, end in stages:
        left, right = max(start - 0.5, low), min(end + 0.5, high)
        if left > low:
            axes.axvline(left, color="#b8c0c8", lw=1.0, ls=(0, (2, 2)), zorder=1.5)
        # About 1.4 % of a panel's width per character: a name that does not fit would cover the next one.
        words = _STAGES.get(stage, stage)
        if named and (right - left) / (high - low) > 0.014 * len(words):
            axes.annotate(
                words,
                ((left + right) / 2, 1.0),
                xycoords=axes.get_xaxis_transform(),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                size=8.5,
                color=GREY,
                family=fonts(),
            )


def _stages(rows: Sequence[Row], epochs: NDArray[np.float64]) -> list[tuple[str, float, float]]:
    """Each stage with its first and last epoch; nothing where there is one stage alone."""
    found: list[tuple[str, float, float]] = []
    for row, epoch in zip(rows, epochs, strict=True):
        stage = row.get("stage", "")
        if found and found[-1][0] == stage:
            found[-1] = (stage, found[-1][1], float(epoch))
        else:
            found.append((stage, float(epoch), float(epoch)))
    return found if len(found) > 1 else []


def _title(axes: Any, text: str) -> None:
    axes.set_ylabel(text, color=GREY, family=fonts(), size=9.5)


def _beside(axes: Any, text: str, y: float, colour: str) -> None:
    """Words right of a panel, at a height: inside they would lie on the curves, which come to run there."""
    axes.annotate(
        text,
        (1.0, y),
        xycoords=axes.get_yaxis_transform(),
        xytext=(4, 0),
        textcoords="offset points",
        ha="left",
        va="center",
        size=8.5,
        color=colour,
        family=fonts(),
    )
