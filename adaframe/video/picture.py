"""libav's packets and frames -> RGB pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray


class Converter:
    """Converts frames of any size and format; keeps what libav prepares for one size.

    `refused` counts the packets in a row that held no picture.
    """

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self.refused = 0

    def rgb(self, frame: Any) -> NDArray[np.uint8]:
        """As shown, RGB, uint8, (H, W, 3); a view of memory that the result keeps alive."""
        plane = self._reformatter.reformat(frame, format="rgb24").planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        image = rows[: frame.height, : 3 * frame.width].reshape(frame.height, frame.width, 3)
        return np.rot90(image, round(frame.rotation / 90) % 4)

    def rgb_of_packet(self, packet: Any) -> NDArray[np.uint8] | None:
        """The same of a packet that is a picture by itself; None where it is damaged."""
        frames = list(decoded(packet))
        self.refused = 0 if frames else self.refused + 1
        return self.rgb(frames[-1]) if frames else None


def decoded(packet: Any) -> Iterator[Any]:
    """Frames that a packet brings out; none where it is damaged."""
    return _undamaged(packet.decode)


def drained(codec: Any) -> Iterator[Any]:
    """Frames that a decoder kept in order to sort them; it forgets what was before, and goes on with a key frame."""
    yield from _undamaged(partial(codec.decode, None))
    codec.flush_buffers()


def _undamaged(decode: Callable[[], Iterable[Any]]) -> Iterator[Any]:
    try:
        yield from decode()
    except MemoryError:
        raise
    except (FFmpegError, OSError, ValueError):
        return
