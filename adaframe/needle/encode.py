"""Pictures -> an H.264 file."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from adaframe.files import atomic_path

# crf 10 keeps the texture (its contrast after decoding is tested). ultrafast has neither B-frames nor deblocking, which
# would carry traces of one frame into the next, or soften the texture. qcomp 1 holds the quality constant: otherwise it
# depends on how hard the frames before were to encode, and so on the class.
_OPTIONS = {"crf": "10", "preset": "ultrafast", "qcomp": "1"}
_BLOCK = 32 * 1024  # bytes


def encode(path: Path, pictures: NDArray[np.uint8], fps: float) -> None:
    """Writes a video file, whole or not at all.

    Args:
        path: of the file, ending in .mp4.
        pictures: yuv420p planes, uint8, (frames, height * 3 / 2, width).
        fps: frames per second.

    Raises:
        AdaframeError: the file cannot be written.
    """
    with atomic_path(path) as temporary:
        with av.open(str(temporary), mode="w") as container:
            stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001), options=_OPTIONS)
            stream.width, stream.height = pictures.shape[2], pictures.shape[1] * 2 // 3
            stream.pix_fmt = "yuv420p"
            stream.thread_count = 1  # the same bytes on every machine
            for picture in pictures:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
            container.mux(stream.encode())
        _pad(temporary)


def _pad(path: Path) -> None:
    """Fills an MP4 file up to whole blocks with a box that readers pass over; some textures need more bytes than others."""
    missing = -path.stat().st_size % _BLOCK
    box = missing if missing >= 8 else missing + _BLOCK  # a box has eight bytes at least
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", box, b"free") + bytes(box - 8))
