"""Files that are played."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from av.error import FFmpegError

from adaframe.errors import UnreadableVideo
from adaframe.video.capture_status import CaptureStatus
from adaframe.video.doze_permission import DozePermission
from adaframe.video.dozing_decoder import DozingDecoder
from adaframe.video.facts import open_video
from adaframe.video.frame_slot import ToRgb
from adaframe.video.picture import Converter

_STEP_S = 60.0  # as long as a file's decoding may take elsewhere
_NOMINAL_FPS = 25.0


def file_frames(
    path: str, status: CaptureStatus, permission: DozePermission, *, paced: bool
) -> Iterator[tuple[ToRgb, float]]:
    """All frames with their time stamps, in seconds from the first, rising.

    Args:
        path: of the file.
        status: promises to go on.
        permission: to doze, of what is paced; then only what is needed is decoded.
        paced: give each frame when it is due, the first one at once.

    Raises:
        VideoError: the file cannot be used at all.
    """
    status.promise(_STEP_S)
    with open_video(path) as (container, stream):
        stream.codec_context.thread_count = 1
        converter = Converter()
        rate = next((float(r) for r in (stream.average_rate, stream.guessed_rate) if r), _NOMINAL_FPS)
        first: float | None = None
        last, started = -1 / rate, 0.0

        def wait(stamp: float) -> None:
            wait_s = max(0.0, started + stamp - (first or 0.0) - time.monotonic())
            status.promise(wait_s + _STEP_S)
            time.sleep(wait_s)

        decoder = DozingDecoder(stream.codec_context, permission, status, wait)
        for frame in _frames(container, stream, status, decoder):
            stamp = frame.time if frame.time is not None else (first or 0.0) + last + 1 / rate
            if first is None:
                first, started = stamp, time.monotonic()
            time_s = stamp - first
            if time_s <= last:
                time_s = last + 1 / rate
            last = time_s
            if paced:
                wait(first + time_s)
            yield partial(converter.rgb, frame), time_s
    if first is None:
        raise UnreadableVideo(path, "no frame can be decoded", f"ffprobe {path}")


def _frames(container: Any, stream: Any, status: CaptureStatus, decoder: DozingDecoder) -> Iterator[Any]:
    try:
        for packet in container.demux(stream):
            for frame in decoder.frames(packet):
                yield frame
                status.promise(_STEP_S)
    except (FFmpegError, OSError):  # a damaged end: what came before it counts
        return
