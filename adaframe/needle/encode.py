"""Pictures -> an H.264 file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from adaframe.files import atomic_path

# crf 10 keeps the texture (its contrast after decoding is tested). ultrafast has neither B-frames nor deblocking, which
# would carry traces of one frame into the next, or soften the texture.
_OPTIONS = {"crf": "10", "preset": "ultrafast"}


def encode(path: Path, pictures: NDArray[np.uint8], fps: float) -> None:
    """Writes a video file, whole or not at all.

    Args:
        path: of the file, ending in .mp4.
        pictures: yuv420p planes, uint8, (frames, height * 3 / 2, width).
        fps: frames per second.

    Raises:
        AdaframeError: the file cannot be written.
    """
    with atomic_path(path) as temporary, av.open(str(temporary), mode="w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001), options=_OPTIONS)
        stream.width, stream.height = pictures.shape[2], pictures.shape[1] * 2 // 3
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1  # the same bytes on every machine
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        container.mux(stream.encode())
