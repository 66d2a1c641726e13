"""What the tests let a decoding process do with files of certain names. The children import this file by its name."""

from __future__ import annotations

import os
import time
from pathlib import Path

from adaframe.video import ClipFrames, ClipRequest, read_clip


def read(request: ClipRequest) -> ClipFrames:
    """As read_clip, but some files crash the decoder and some hang it."""
    if "crash" in Path(request.path).name:
        os.abort()
    if "hang" in Path(request.path).name:
        time.sleep(600)
    return read_clip(request)
