"""A window on the screen that shows what is watched and what the policy does."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adaframe.errors import AdaframeError, MissingExtra
from adaframe.inference.moment import Event, Moment
from adaframe.live.lines import note
from adaframe.live.window_child import HEIGHT, WIDTH, run_window
from adaframe.video.child_process import CONTEXT

_OPENS_S = 60.0  # on a busy machine
_CLOSES_S = 1.0


class Window:
    """An OpenCV window with a tile per source, in a process of its own.

    In ours it would hang, as PyAV and OpenCV bring different copies of the same libraries for the screen; and where there
    is no display, OpenCV ends the process that asks for a window.

    Args:
        sources: as their moments will name them.
        sides: see Tile.

    Raises:
        MissingExtra: OpenCV is not installed.
        AdaframeError: no window can be opened here; the message names the alternatives.
    """

    def __init__(self, sources: Sequence[str], sides: Mapping[str, float]) -> None:
        self._pipe, theirs = CONTEXT.Pipe()
        arguments = (theirs, list(sources), dict(sides))
        self._process: Any = CONTEXT.Process(target=run_window, args=arguments, name="window", daemon=True)
        self._process.start()
        theirs.close()
        try:
            word, why = self._pipe.recv() if self._pipe.poll(_OPENS_S) else ("failed", "it did not open in a minute")
        except EOFError:
            word, why = "failed", "there is no display" + ("" if os.environ.get("DISPLAY") else " (DISPLAY is not set)")
        if word != "open":
            self.close()
            kind = MissingExtra if word == "missing" else AdaframeError
            raise kind(f"--show: no window can be opened here: {why}; try: --web 8080 (in a browser), or --json")

    def show(self, item: Moment | Event) -> None:
        """Hand over what is new."""
        if item.image is not None:
            item = replace(item, image=_fitting(item.image) if isinstance(item, Moment) else None)
        self._pipe.send(item)

    def refresh(self) -> bool:
        """False once the user has pressed q or Esc, or closed the window."""
        return not self._pipe.poll()  # it says nothing else; its end counts too

    def say(self, text: str) -> None:
        note(text)

    def close(self) -> None:
        self._pipe.close()
        self._process.join(_CLOSES_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _fitting(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Not larger than the window is at first: large frames would take long to hand over."""
    if image.shape[0] <= HEIGHT and image.shape[1] <= WIDTH:
        return image
    small = Image.fromarray(image)
    small.thumbnail((WIDTH, HEIGHT), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(small)
