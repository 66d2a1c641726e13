"""The figure of `adaframe bench`."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

from adaframe.evaluation.report.drawing import (
    BLUE,
    FAINT,
    GREY,
    INK,
    ORANGE,
    SKY,
    VERMILION,
    fonts,
    plain,
    quietly,
    save,
)

_DPI = 160
_STYLES = (("o", BLUE), ("s", VERMILION), ("D", ORANGE), ("^", SKY), ("v", INK))  # of batch sizes


@quietly()
def speed_figure(numbers: dict[str, Any], path: Path) -> None:
    """Draw what `bench` measured, as PNG: seconds against arithmetic, and files to labels part by part.

    Args:
        numbers: as `bench` writes them as JSON.
        path: of the PNG.

    Raises:
        AdaframeError: the file cannot be written.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    files = numbers["files"]
    rows = sum(2 + len(file["adaptive"]) for file in files)
    with matplotlib.rc_context({"font.family": fonts(), "text.parse_math": False}):
        figure = Figure(figsize=(11 if files else 6, max(5, 1.2 + 0.24 * rows)), dpi=_DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, 2 if files else 1, squeeze=False)[0]
        _model(axes[0], numbers)
        if files:
            _files(axes[1], files)
        figure.suptitle(numbers["machine"], color=GREY, size=8)
        save(figure, path, dpi=_DPI)


def _model(axes: Any, numbers: dict[str, Any]) -> None:
    """Seconds of uniform's against GMACs of uniform's; on the diagonal all of a saving arrives."""
    axes.plot([0, 1], [0, 1], color=FAINT, lw=1.5, zorder=1)
    for some, (marker, colour) in zip(numbers["batches"], cycle(_STYLES), strict=False):
        points = [m for m in some["methods"] if m["name"].startswith(("glance", "adaptive", "uniform"))]
        points.sort(key=lambda m: float(m["gmacs_of_uniform"]))
        x = [m["gmacs_of_uniform"] for m in points]
        y = [m["seconds_of_uniform"]["median"] for m in points]
        off = [
            [abs(m["seconds_of_uniform"]["median"] - m["seconds_of_uniform"][k]) for m in points]
            for k in ("low", "high")
        ]
        ms = next(m for m in points if m["name"] == "uniform")["ms"]["median"]
        label = f"{some['batch']} at once (uniform {ms:.3g} ms a video)"
        axes.errorbar(x, y, yerr=off, color=colour, marker=marker, ms=5, lw=1.5, capsize=2, label=label, zorder=2)
    names = [f"{m['name'].replace('adaptive at ', 'at ')}\n{m['gmacs_of_uniform']:.2f}" for m in points]
    axes.set_xticks([m["gmacs_of_uniform"] for m in points], names, size=8)
    axes.set(xlim=(0, 1.06), ylim=(0, None), xlabel="GMACs of uniform's", ylabel="seconds of uniform's")
    axes.set_title("Model alone: on the line, all of a saving arrives", size=10, loc="left")
    axes.legend(frameon=False, loc="upper left", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _files(axes: Any, files: list[dict[str, Any]]) -> None:
    """A bar per file, way to decode and method: decoding, resizing and the model one after the other."""
    height, labels, places = 0.0, [], []
    for file in files:
        decode, resize = file["decode_ms"]["median"], file["resize_ms"]["median"]
        title = f"{file['video']}, {file['decode']}, {file['windows']} window{'s' if file['windows'] > 1 else ''}"
        axes.text(0, height, " " + plain(title), size=8, va="center", color=INK)
        for name, one in [("uniform", file["uniform"])] + [(f"at {a['budget']:g}", a) for a in file["adaptive"]]:
            height += 1
            left = 0.0
            for part, colour in ((decode, GREY), (resize, SKY), (one["model_ms"]["median"], BLUE)):
                axes.barh(height, part, left=left, color=colour, height=0.75)
                left += part
            if "speed_up" in one:
                words = f" {one['speed_up']['median']:.2f}× (allowed {one['allowed']['median']:.2f}×)"
                axes.text(left, height, words, size=7, va="center", color=GREY)
            labels.append(name)
            places.append(height)
        height += 1.5
    for name, colour in (("decode", GREY), ("resize", SKY), ("model", BLUE)):
        axes.barh(0, 0, color=colour, label=name)
    longest = max(file["uniform"]["whole_ms"]["median"] for file in files)
    axes.set(xlabel="milliseconds of a file", xlim=(0, 1.25 * longest), ylim=(height - 0.5, -0.7))
    axes.set_yticks(places, labels, size=8)
    axes.set_title("From file to label (times as fast)", size=10, loc="left")
    axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
