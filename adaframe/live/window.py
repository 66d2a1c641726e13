"""A window on the screen that shows what is watched and what the policy does."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from adaframe.errors import AdaframeError, MissingExtra
from adaframe.inference.moment import Event, Moment
from adaframe.live.lines import note
from adaframe.live.tile import Tile

_TITLE = "adaframe"
_WIDTH, _HEIGHT = 960, 540
_EVERY_S = 1 / 30
_ESCAPE = 27


class Window:
    """An OpenCV window with a tile per source. To be used by the main thread alone.

    Args:
        sides: see Tile.

    Raises:
        AdaframeError: no window can be opened here; the message names the alternatives.
    """

    def __init__(self, sides: Mapping[str, float]) -> None:
        _check()
        import cv2

        self._cv2: Any = cv2
        self._sides = sides
        self._tiles: dict[str, Tile] = {}
        self._drawn = 0.0
        self._new = True
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | getattr(cv2, "WINDOW_GUI_NORMAL", 0))
        cv2.resizeWindow(_TITLE, _WIDTH, _HEIGHT)

    def show(self, item: Moment | Event) -> None:
        """Take in what is new; it is drawn by `refresh`."""
        self._tiles.setdefault(item.source, Tile(self._sides)).show(item)
        self._new = True

    def refresh(self) -> bool:
        """Draw what is new, at most thirty times a second, and hear the keys: False once the user wants no more. Call often."""
        now = time.monotonic()
        if now - self._drawn < _EVERY_S:
            return True
        self._drawn = now
        if self._new:
            self._cv2.imshow(_TITLE, self._picture()[:, :, ::-1])
            self._new = False
        key = self._cv2.waitKey(1) & 0xFF
        visible = self._cv2.getWindowProperty(_TITLE, self._cv2.WND_PROP_VISIBLE) >= 1
        return visible and key not in (ord("q"), ord("Q"), _ESCAPE)

    def say(self, text: str) -> None:
        note(text)

    def close(self) -> None:
        self._cv2.destroyAllWindows()

    def _picture(self) -> np.ndarray:
        tiles = list(self._tiles.values()) or [Tile(self._sides)]
        columns = math.ceil(math.sqrt(len(tiles)))
        rows = math.ceil(len(tiles) / columns)
        scale = 1 if columns == 1 else 2 / 3
        width, height = round(_WIDTH * scale), round(_HEIGHT * scale)
        picture = np.zeros((rows * height, columns * width, 3), dtype=np.uint8)
        for index, tile in enumerate(tiles):
            top, left = index // columns * height, index % columns * width
            picture[top : top + height, left : left + width] = tile.draw(width, height)
        return picture


def _check() -> None:
    """Try in another process: where there is no display, OpenCV's windows end the process that asks for one."""
    program = f"import cv2; cv2.namedWindow({_TITLE!r}, cv2.WINDOW_NORMAL)"
    tried = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, errors="replace", timeout=60
    )
    if tried.returncode == 0:
        return
    instead = "try: --web 8080 (in a browser), --json, or neither (lines)"
    if "No module named" in tried.stderr:
        raise MissingExtra("--show: OpenCV is not installed; try: pip install opencv-python, or --web 8080, or --json")
    if "not implemented" in tried.stderr:
        raise AdaframeError(f"--show: this OpenCV was built without windows (opencv-python-headless); {instead}")
    if "ImportError" in tried.stderr:
        last = tried.stderr.strip().splitlines()[-1]
        raise AdaframeError(f"--show: OpenCV does not load ({last}); {instead}")
    where = "" if os.environ.get("DISPLAY") else " (DISPLAY is not set)"
    raise AdaframeError(f"--show: no window can be opened here: there is no display{where}; {instead}")
