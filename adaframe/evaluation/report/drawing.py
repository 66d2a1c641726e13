"""A white picture that is drawn in pixels, and the colours and fonts that all figures share."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaframe.files import atomic_path

INK, GREY, FAINT, PAPER = "#1f2933", "#66707c", "#d8dde3", "#f1f3f5"
# Okabe and Ito's colours can be told apart with any common colour vision.
BLUE, SKY, ORANGE, VERMILION, GREEN, PURPLE = "#0072b2", "#56b4e9", "#e69f00", "#d55e00", "#009e73", "#cc79a7"

_DPI = 100


class Canvas:
    """A picture of width × height pixels. Coordinates are pixels from the top left corner."""

    def __init__(self, width: int, height: int) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self._figure: Any = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
        self._renderer: Any = FigureCanvasAgg(self._figure).get_renderer()
        self._axes: Any = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set(xlim=(0, width), ylim=(height, 0), autoscale_on=False)
        self._axes.axis("off")

    def text(
        self,
        x: float,
        y: float,
        string: str,
        size: float,
        *,
        colour: str = INK,
        bold: bool = False,
        align: str = "left",
        most: float | None = None,
    ) -> float:
        """Write a string with its baseline at y; shortened in its middle where it is wider than `most`.

        Returns:
            The width that it took.
        """
        artist = self._write(x, y, string, size, colour, bold, align)
        if most is not None and self._width(artist) > most:
            self._shorten(artist, most)
        return self._width(artist)

    def fitting(self, string: str, sizes: tuple[float, ...], most: float, *, bold: bool = False) -> float:
        """The first of the sizes in which the string is at most so wide; else the last."""
        for size in sizes:
            artist = self._write(0, 0, string, size, INK, bold, "left")
            width = self._width(artist)
            artist.remove()
            if width <= most:
                return size
        return sizes[-1]

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "none",
        edge: str = "none",
        round: float = 0,
    ) -> None:
        """Draw a rectangle from its top left corner, with corners of that radius."""
        from matplotlib.patches import FancyBboxPatch

        style = f"round,pad=0,rounding_size={min(round, width / 2, height / 2)}" if round else "square,pad=0"
        self._axes.add_patch(
            FancyBboxPatch((x, y), width, height, boxstyle=style, facecolor=fill, edgecolor=edge, lw=1.1)
        )

    def line(self, xs: tuple[float, float], ys: tuple[float, float], *, colour: str, width: float = 1.1) -> None:
        self._axes.plot(xs, ys, color=colour, lw=width, solid_capstyle="butt")

    def picture(self, x: float, y: float, pixels: NDArray[np.uint8]) -> None:
        """Show uint8 (h, w, 3) RGB pixel by pixel, from its top left corner (whole pixels)."""
        height, width = pixels.shape[:2]
        left, top = round(x), round(y)
        extent = (left, left + width, top + height, top)
        self._axes.imshow(pixels, extent=extent, interpolation="none", aspect="auto", resample=False)
        self._axes.set(xlim=(0, self.width), ylim=(self.height, 0))

    def save(self, path: Path) -> None:
        """Write a PNG, whole or not at all.

        Raises:
            AdaframeError: the file cannot be written.
        """
        save(self._figure, path, dpi=_DPI)

    def _write(self, x: float, y: float, string: str, size: float, colour: str, bold: bool, align: str) -> Any:
        weight = "bold" if bold else "normal"
        look = {"size": size * 72 / _DPI, "color": colour, "weight": weight, "family": fonts(), "parse_math": False}
        return self._axes.text(x, y, plain(string), ha=align, va="baseline", **look)

    def _shorten(self, artist: Any, most: float) -> None:
        """Leave out the middle, as little of it as must be: halving what is to be tried, as each try draws every sign."""
        full = artist.get_text()

        def fits(kept: int) -> bool:
            artist.set_text(full[: (kept + 1) // 2].rstrip() + "…" + full[len(full) - kept // 2 :].lstrip())
            return self._width(artist) <= most

        low, high = 1, len(full) - 1
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(middle) else (low, middle - 1)
        fits(low)

    def _width(self, artist: Any) -> float:
        return float(artist.get_window_extent(self._renderer).width)


def action_colours(looks: Sequence[str]) -> dict[str, str]:
    """Of each action: looks (given from the largest on) from blue to green, the glance orange, skips grey."""
    ramp = (BLUE, "#2f7fa8", GREEN, "#6a9c4a")
    named = [name for name in looks if name != "glance"]
    colours = {name: ramp[min(rank, len(ramp) - 1)] for rank, name in enumerate(named)}
    return colours | {"glance": "#b87400", "skip": GREY}


def rgb(colour: str) -> tuple[int, int, int]:
    """Of "#rrggbb", 0..255 each."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


@contextmanager
def quietly() -> Iterator[None]:
    """Draw without warnings about characters that no font here has: they come out as boxes, and nobody can mend it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(Glyph .* missing from|Matplotlib currently does not support)")
        yield


def step_back(axes: Any) -> None:
    """Lines and numbers of a matplotlib panel, pale, so that what is drawn in it stands out."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=GREY, labelsize=9, length=0)
    axes.grid(axis="y", color="#eceff2", lw=0.8)
    axes.set_axisbelow(True)


def save(figure: Any, path: Path, *, dpi: int) -> None:
    """Write a matplotlib figure as PNG, whole or not at all."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=dpi, format="png", facecolor="white")


def number(value: float) -> str:
    """Three digits that count, never as a power of ten."""
    if value >= 100 or not value:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def plain(string: str) -> str:
    """On one line, without characters that cannot be drawn."""
    return "".join(c if c.isprintable() else " " for c in string)


@lru_cache(maxsize=1)
def fonts() -> list[str]:
    """matplotlib's own font, then what this machine has for scripts that it lacks."""
    from matplotlib.font_manager import get_font_names

    known = set(get_font_names())
    wide = (
        "Noto Sans CJK SC",
        "Noto Sans CJK JP",
        "Microsoft YaHei",
        "PingFang SC",
        "Hiragino Sans",
        "WenQuanYi Zen Hei",
    )
    return ["DejaVu Sans", *(name for name in (*wide, "Noto Sans", "Arial Unicode MS") if name in known)]
