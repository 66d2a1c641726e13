"""What runs in the process that has the window: it draws what comes through a pipe, until the user or the pipe's end ends it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from adaframe.video.child import isolate

if TYPE_CHECKING:
    import numpy as np

    from adaframe.live.tile import Tile

WIDTH, HEIGHT = 960, 540
_TITLE = "adaframe"
_EVERY_S = 1 / 30
_KEYS = (ord("q"), ord("Q"), 27)  # 27: Esc


def run_window(pipe: Connection, sides: Mapping[str, float]) -> None:
    """The whole life of the process. Says (open, ""), or (missing | failed, why), and at last (closed, "").

    Args:
        pipe: moments and events come through it.
        sides: see Tile.
    """
    isolate()
    with suppress(EOFError, OSError):  # the stream has ended
        try:
            import cv2
        except ImportError as error:
            pipe.send(("missing", f"OpenCV does not load ({error}); try: pip install opencv-python"))
            return
        try:
            cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(_TITLE, WIDTH, HEIGHT)
        except cv2.error:
            pipe.send(("failed", "this OpenCV was built without windows (opencv-python-headless)"))
            return
        pipe.send(("open", ""))
        _show(pipe, sides)
        pipe.send(("closed", ""))


def _show(pipe: Connection, sides: Mapping[str, float]) -> None:
    """Draw what is new, at most thirty times a second, until the user wants no more."""
    import cv2

    from adaframe.live.tile import Tile

    tiles: dict[str, Tile] = {}
    new = True
    while True:
        began = time.monotonic()
        while pipe.poll(max(began + _EVERY_S - time.monotonic(), 0.0)):
            item = pipe.recv()
            tiles.setdefault(item.source, Tile(sides)).show(item)
            new = True
        if new:
            cv2.imshow(_TITLE, arranged(list(tiles.values()) or [Tile(sides)])[:, :, ::-1])
            new = False
        key = cv2.waitKey(1) & 0xFF
        if key in _KEYS or cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1:
            return


def arranged(tiles: list[Tile]) -> np.ndarray:
    """Tiles in rows and columns, as one picture, uint8, RGB."""
    import numpy as np

    columns = math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    scale = 1 if columns == 1 else 2 / 3
    width, height = round(WIDTH * scale), round(HEIGHT * scale)
    picture = np.zeros((rows * height, columns * width, 3), dtype=np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * height, index % columns * width
        picture[top : top + height, left : left + width] = tile.draw(width, height)
    return picture
