"""libav's frames -> RGB pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray


class Converter:
    """Converts frames of any size and format; keeps what libav prepares for one size."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def rgb(self, frame: Any) -> NDArray[np.uint8]:
        """As shown, RGB, uint8, (H, W, 3); a view of memory that the result keeps alive."""
        plane = self._reformatter.reformat(frame, format="rgb24").planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
            : frame.height, : 3 * frame.width
        ]
        turn = round(-frame.rotation / 90) % 4
        return np.rot90(rows.reshape(frame.height, frame.width, 3), -turn)


def decoded(packet: Any) -> Iterator[Any]:
    """Frames that a packet brings out; none where it is damaged."""
    try:
        yield from packet.decode()
    except MemoryError:
        raise
    except (FFmpegError, OSError, ValueError):
        return
