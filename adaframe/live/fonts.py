"""Fonts for pictures that are drawn while they are watched."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

# The first of these names that a font's name begins with, and that has all characters, is taken.
_LIKED = ("DejaVu Sans", "Noto Sans", "Microsoft YaHei", "PingFang", "Hiragino Sans", "WenQuanYi", "Arial Unicode", "")


def font(text: str, pixels: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """A font of that size that has all characters of the text, if this machine has one; matplotlib's own comes first."""
    own = _own(bold)
    return _face(own if text.isascii() else _path(text, own), pixels)


@lru_cache(maxsize=64)
def _face(path: str, pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, pixels)


@lru_cache(maxsize=2)
def _own(bold: bool) -> str:
    import matplotlib

    return str(Path(matplotlib.get_data_path(), "fonts", "ttf", f"DejaVuSans{'-Bold' if bold else ''}.ttf"))


@lru_cache(maxsize=256)
def _path(text: str, own: str) -> str:
    return own if _has(own, text) else _elsewhere(text) or own


def _elsewhere(text: str) -> str | None:
    from matplotlib.font_manager import fontManager

    def liking(name: str) -> int:
        return next(rank for rank, liked in enumerate(_LIKED) if name.startswith(liked))

    fonts = sorted(fontManager.ttflist, key=lambda entry: (liking(entry.name), entry.style != "normal", entry.name))
    return next((str(entry.fname) for entry in fonts if _has(entry.fname, text)), None)


def _has(path: str, text: str) -> bool:
    from matplotlib.ft2font import FT2Font

    try:
        known = FT2Font(path).get_charmap()
    except (OSError, RuntimeError):
        return False
    return all(ord(character) in known for character in text if not character.isspace())
