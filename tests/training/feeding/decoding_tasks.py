"""What the tests let a decoding process do. The children import this file by its name."""

from __future__ import annotations

import os
import time

from adaframe.video.clip import ClipFrames, ClipRequest, read_clip


def read_unless_told(request: ClipRequest) -> ClipFrames:
    """As `read_clip`, but files named so crash the decoder or hang it."""
    name = os.path.basename(request.path)
    if name == "crash.mp4":
        os.abort()
    if name == "hang.mp4":
        time.sleep(60)
    return read_clip(request)
