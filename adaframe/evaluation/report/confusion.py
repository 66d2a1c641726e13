"""Which class was taken for which: counts, a figure where there are few classes, a table of pairs where there are many."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report.drawing import BLUE, FAINT, GREY, INK, fonts, plain, quietly, save

FIGURE_LIMIT = 25  # classes that can be told apart in a matrix
PAIRS = 20
_SHARES_LIMIT = 12  # classes up to which a cell has room for its share, too
_DPI = 130


def confusion(results: Results) -> NDArray[np.int64]:
    """Counts of videos, (K, K): a row per true class, a column per class answered."""
    classes = results.scores.shape[1]
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (results.targets.argmax(axis=1), results.scores.argmax(axis=1)), 1)
    return counts


def confused_pairs(counts: NDArray[np.int64], classes: Sequence[str]) -> str:
    """A Markdown table of what was most often taken for something else; a sentence where nothing was.

    Args:
        counts: as from `confusion`, (K, K).
        classes: their names, K.
    """
    wrong = counts - np.diag(np.diag(counts))
    # The most videos first; of equally many, those that are the larger share of their class.
    share = wrong / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    order = np.lexsort((-share.ravel(), -wrong.ravel()))[:PAIRS]
    pairs = [divmod(int(place), len(classes)) for place in order if wrong.flat[place]]
    if not pairs:
        return "No class was taken for another.\n"
    lines = ["| is | was taken for | videos | of its class |", "| --- | --- | ---: | ---: |"]
    for true, said in pairs:
        names = [classes[k].replace("|", "\\|") for k in (true, said)]
        lines.append(f"| {names[0]} | {names[1]} | {wrong[true, said]} | {100 * share[true, said]:.0f} % |")
    apart = int((wrong > 0).sum())
    more = f"\n\nThe {len(pairs)} most frequent of {apart} pairs." if apart > len(pairs) else ""
    return "\n".join(lines) + more + "\n"


@quietly()
def confusion_figure(counts: NDArray[np.int64], classes: Sequence[str], path: Path) -> None:
    """Draw the matrix as PNG: counts, shares of each row as colour (and in words where there is room).

    Args:
        counts: as from `confusion`, (K, K), up to 25 classes.
        classes: their names, K; long ones are shortened in their middle.
        path: of the PNG.

    Raises:
        ValueError: more classes than can be drawn.
        AdaframeError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    k = len(classes)
    if k > FIGURE_LIMIT:
        raise ValueError(f"{k} classes cannot be drawn legibly; at most {FIGURE_LIMIT} can")
    names = [_short(" ".join(plain(name).split()), 28 if k <= _SHARES_LIMIT else 22) for name in classes]
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cell = 1.0 if k <= 4 else 0.72 if k <= _SHARES_LIMIT else 0.42  # inches
    longest = max(map(len, names))
    room = 0.085 * (longest + 8)  # of a name in a row, with its count
    above = [textwrap.fill(name, int(11 * cell), break_long_words=False) for name in names]
    flat = k <= 6 and max(map(len, " ".join(names).split())) <= 11 * cell  # names above the columns can lie
    height = 0.2 + 0.2 * max(name.count("\n") + 1 for name in above) if flat else 0.07 * longest
    size = (k * cell + room + 0.7, k * cell * (0.8 if k <= 4 else 1.0) + height + 0.7)
    figure = Figure(figsize=size, dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shades = LinearSegmentedColormap.from_list("shares", ["#ffffff", "#cfe3f2", BLUE])
    axes.imshow(share, cmap=shades, vmin=0, vmax=1, aspect="auto")
    for true in range(k):
        for said in range(k):
            if counts[true, said] or k <= 4:
                _cell(
                    axes, true, said, int(counts[true, said]), float(share[true, said]), with_share=k <= _SHARES_LIMIT
                )
    style: dict[str, Any] = {
        "family": fonts(),
        "size": 10 if k <= _SHARES_LIMIT else 9,
        "color": INK,
        "parse_math": False,
    }
    axes.set_xticks(
        range(k), above if flat else names, rotation=0 if flat else 45, ha="center" if flat else "left", **style
    )
    axes.set_yticks(range(k), [f"{n}  ({c})" for n, c in zip(names, counts.sum(axis=1), strict=True)], **style)
    axes.tick_params(length=0, labeltop=True, labelbottom=False, top=False, bottom=False)
    axes.set_xlabel("answered", family=fonts(), size=10, color=GREY)
    axes.xaxis.set_label_position("top")
    axes.set_ylabel("is (clips)", family=fonts(), size=10, color=GREY)
    axes.set_xticks(np.arange(k + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(k + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=FAINT, lw=0.8)
    axes.tick_params(which="minor", length=0, top=False)
    axes.spines[:].set_color(FAINT)
    save(figure, path, dpi=_DPI)


def _cell(axes: Any, true: int, said: int, count: int, share: float, *, with_share: bool) -> None:
    style = {"ha": "center", "va": "center", "family": fonts(), "color": "white" if share > 0.78 else INK}
    weight = "bold" if true == said else "normal"
    if not with_share:
        axes.text(said, true, str(count), size=9, weight=weight, **style)
        return
    axes.text(said, true - 0.13, str(count), size=12, weight=weight, **style)
    axes.text(said, true + 0.2, f"{100 * share:.0f} %", size=8.5, **style)


def _short(name: str, most: int) -> str:
    """Shortened in its middle to at most so many characters."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[len(name) - (most - 1) // 2 :]}"
