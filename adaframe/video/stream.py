"""Streams on the network, by libav."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import av
from av.error import ExitError, FFmpegError, InvalidDataError

from adaframe.video.facts import moving_pictures
from adaframe.video.picture import Converter, decoded
from adaframe.video.slot import ToRgb
from adaframe.video.status import Status
from adaframe.video.webcam import CameraGone

OPEN_S = 8.0  # to connect and learn what is in the stream
_MARGIN_S = 2.0  # by which libav may be late in giving up; then the process is ended
_FIRST_S = 20.0  # to the first picture of a stream whose packets come: the next key frame may be far
_BEHIND_S = 10.0  # a time stamp further off than this has jumped
_GARBAGE = 5000  # packets in a row that make no sense; a line of text is one to some demuxers
_OPTIONS = {
    "rtsp_flags": "prefer_tcp",
    "fpsprobesize": "0",  # frames; the rate is not needed
    "analyzeduration": "2000000",  # microseconds; the default of 5 s is what a reconnection would take
    # What a stream refers to may be anywhere on the network, but never a file of this machine.
    "protocol_whitelist": "crypto,data,hls,http,httpproxy,https,rtmp,rtmps,rtmpt,rtp,rtsp,sat,srt,srtp,tcp,tls,udp,rist",
}


def stream_frames(url: str, status: Status, stall_s: float) -> Iterator[ToRgb]:
    """Frames as they come, until the stream ends.

    Raises:
        CameraGone: it cannot be opened, ended, or gives nothing for `stall_s`.
    """
    status.promise(OPEN_S + _MARGIN_S)
    try:
        container = av.open(url, options=dict(_OPTIONS), timeout=(OPEN_S, stall_s))
    except ExitError:
        raise CameraGone(f"no answer within {OPEN_S:g} s") from None
    except (FFmpegError, OSError, ValueError) as error:
        raise CameraGone(_reason(error)) from None
    with container:
        streams = moving_pictures(container)
        if not streams or streams[0].codec_context is None:
            raise CameraGone("holds no moving picture that can be decoded")
        stream = streams[0]
        stream.codec_context.thread_count = 1
        for other in container.streams:
            if other.index != stream.index:
                other.discard = av.stream.Discard.all
        converter, pace = Converter(), _Pace() if _bursts(container) else None
        waits_until = time.monotonic() + _FIRST_S
        packets = _packets(container, stream, status, stall_s)
        for packet in packets:
            for frame in decoded(packet):
                waits_until = time.monotonic() + stall_s
                if pace is not None and frame.time is not None:
                    wait_s = pace.wait_s(frame.time)
                    status.promise(wait_s + stall_s + _MARGIN_S)
                    time.sleep(wait_s)
                yield partial(converter.rgb, frame)
            if time.monotonic() > waits_until:
                raise CameraGone("data comes, but no picture can be decoded")
    raise CameraGone("the stream ended")


def _packets(container: Any, stream: Any, status: Status, stall_s: float) -> Iterator[Any]:
    coming, refused = container.demux(stream), 0
    while True:
        status.promise(stall_s + _MARGIN_S)
        started = time.monotonic()
        try:
            packet = next(coming, None)
        except ExitError:
            raise CameraGone(f"no data for {stall_s:g} s") from None
        except (FFmpegError, OSError, ValueError) as error:
            refused += 1
            if not isinstance(error, InvalidDataError) or refused > _GARBAGE:
                raise CameraGone(_reason(error)) from None
            coming = container.demux(stream)  # it may find where the next packet begins
            continue
        if packet is None:
            return
        if (
            time.monotonic() - started >= stall_s
        ):  # its time was up, and a parser let go of what it had left: an old frame
            raise CameraGone(f"no data for {stall_s:g} s")
        refused = 0
        yield packet


def _bursts(container: Any) -> bool:
    """Whether a stream comes in pieces of several seconds, or is a file: then its time stamps say when a frame is due."""
    return any(name in container.format.name.split(",") for name in ("hls", "dash")) or (container.size or 0) > 0


class _Pace:
    """When the frames are due."""

    def __init__(self) -> None:
        self._start: float | None = None

    def wait_s(self, time_s: float) -> float:
        """How long to wait for a frame with this time stamp."""
        now = time.monotonic()
        if self._start is None or abs(self._start + time_s - now) > _BEHIND_S:
            self._start = now - time_s
        return max(0.0, self._start + time_s - now)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
