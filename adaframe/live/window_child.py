"""What runs in the process that has the window: it draws what comes through a pipe."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from adaframe.video.child_process import isolate

if TYPE_CHECKING:
    import numpy as np

    from adaframe.live.tile import Tile

WIDTH, HEIGHT = 960, 540
_WIDE, _HIGH = 1280, 720  # of several tiles
_LARGEST = 3840
_TITLE = "adaframe"
_EVERY_S = 1 / 30
_KEYS = (ord("q"), ord("Q"), 27)  # 27: Esc


def run_window(pipe: Connection, sources: Sequence[str], sides: Mapping[str, float]) -> None:
    """The whole life of the process. Says (open, ""), or (missing | failed, why), and at last (closed, "").

    Args:
        pipe: moments and events come through it.
        sources: a tile for each.
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
            cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(_TITLE, *((WIDTH, HEIGHT) if len(sources) == 1 else (_WIDE, _HIGH)))
        except cv2.error:
            pipe.send(("failed", "this OpenCV was built without windows (opencv-python-headless)"))
            return
        pipe.send(("open", ""))
        _show(pipe, sources, sides)
        pipe.send(("closed", ""))


def _show(pipe: Connection, sources: Sequence[str], sides: Mapping[str, float]) -> None:
    """Draw what is new, at most thirty times a second, until the user wants no more."""
    import cv2

    from adaframe.live.tile import Tile

    tiles = {source: Tile(source, sides) for source in sources}
    new, size = True, (0, 0)
    while True:
        began = time.monotonic()
        while pipe.poll(max(began + _EVERY_S - time.monotonic(), 0.0)):
            item = pipe.recv()
            tiles[item.source].show(item)
            new = True
        _, _, *now = cv2.getWindowImageRect(_TITLE)
        if new or tuple(now) != size:
            size, new = (now[0], now[1]), False
            cv2.imshow(_TITLE, arranged(list(tiles.values()), *_bounded(*size))[:, :, ::-1])
        key = cv2.waitKey(1) & 0xFF
        if key in _KEYS or cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1:
            return


def _bounded(width: int, height: int) -> tuple[int, int]:
    """The size of the window, so that words in it are sharp; of an odd one what it is at first."""
    return (width, height) if 64 <= width <= _LARGEST and 64 <= height <= _LARGEST else (WIDTH, HEIGHT)


def arranged(tiles: Sequence[Tile], width: int, height: int) -> np.ndarray:
    """Tiles in rows and columns, as one picture, uint8, RGB, (height, width, 3)."""
    import numpy as np

    columns = math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    for index, tile in enumerate(tiles):
        top, bottom = (height * (index // columns + step) // rows for step in (0, 1))
        left, right = (width * (index % columns + step) // columns for step in (0, 1))
        picture[top:bottom, left:right] = tile.draw(right - left, bottom - top)
    return picture
