"""Streams on the network, by libav."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import av
from av.error import ExitError, FFmpegError, InvalidDataError

from adaframe.video.capture_status import CaptureStatus
from adaframe.video.doze_permission import DozePermission
from adaframe.video.dozing_decoder import DozingDecoder
from adaframe.video.facts import moving_pictures, skip_others
from adaframe.video.frame_slot import ToRgb
from adaframe.video.picture import Converter, decoded
from adaframe.video.source import SourceLost

_OPEN_S = 8.0  # to connect and learn what is in the stream
_MARGIN_S = 2.0  # by which libav may be late in giving up; then the process is ended
_FIRST_S = 20.0  # to the first picture of a stream whose packets come: the next key frame may be far
_JUMP_S = 10.0  # a time stamp further off than this has jumped
_LATE_S = 1.0  # of packets that were all there already: more of them, and the picture is not live
_WAITED_S = 0.01  # a packet that took so long was not there yet
_GARBAGE = 5000  # packets in a row that make no sense; a line of text is one to some demuxers
_REFUSED = 50  # pictures in a row
_STILLS = ("mjpeg",)  # every packet is a picture by itself: only those that are taken need be decoded
_OPTIONS = {
    "rtsp_flags": "prefer_tcp",
    "fpsprobesize": "0",  # frames; the rate is not needed
    "analyzeduration": "2000000",  # microseconds; the default of 5 s is what a reconnection would take
    # What a stream refers to may be anywhere on the network, but never a file of this machine.
    "protocol_whitelist": "crypto,data,hls,http,httpproxy,https,rtmp,rtmps,rtmpt,rtp,rtsp,sat,srt,srtp,tcp,tls,udp,rist",
}


def stream_frames(url: str, status: CaptureStatus, stall_s: float, permission: DozePermission) -> Iterator[ToRgb]:
    """Frames as they come, without an end.

    Where they come faster than they are decoded, those that would be shown late are left out, up to a key frame. With leave to
    doze only what is needed is decoded.

    Raises:
        SourceLost: the stream cannot be opened, ended, or gives nothing for `stall_s`.
    """
    status.promise(_OPEN_S + _MARGIN_S)
    try:
        container = av.open(url, options=dict(_OPTIONS), timeout=(_OPEN_S, stall_s))
    except ExitError:
        raise SourceLost(f"no answer within {_OPEN_S:g} s") from None
    except (FFmpegError, OSError, ValueError) as error:
        raise SourceLost(_reason(error)) from None
    with container:
        streams = moving_pictures(container)
        if not streams or streams[0].codec_context is None:
            raise SourceLost("holds no moving picture that can be decoded")
        stream = streams[0]
        stream.codec_context.thread_count = 1
        skip_others(container, stream)
        pace = _Pace(status, stall_s) if _bursts(container) else None
        packets = _packets(container, stream, status, stall_s)
        decoder = DozingDecoder(stream.codec_context, permission, status, pace.wait if pace else None)
        for time_s, to_rgb in _pictures(packets if pace else _live(packets), stream, stall_s, decoder):
            if pace is not None and time_s is not None:
                pace.wait(time_s)
            yield to_rgb
    raise SourceLost("the stream ended")


def _packets(container: Any, stream: Any, status: CaptureStatus, stall_s: float) -> Iterator[tuple[Any, float]]:
    """Packets, and how long each one was waited for."""
    coming, refused = container.demux(stream), 0
    while True:
        status.promise(stall_s + _MARGIN_S)
        started = time.monotonic()
        try:
            packet = next(coming, None)
        except ExitError:
            raise SourceLost(f"no data for {stall_s:g} s") from None
        except (FFmpegError, OSError, ValueError) as error:
            refused += 1
            if not isinstance(error, InvalidDataError) or refused > _GARBAGE:
                raise SourceLost(_reason(error)) from None
            coming = container.demux(stream)  # it may find where the next packet begins
            continue
        if packet is None:
            return
        waited_s = time.monotonic() - started
        if waited_s >= stall_s:  # its time was up, and a parser let go of what it had left: an old frame
            raise SourceLost(f"no data for {stall_s:g} s")
        refused = 0
        yield packet, waited_s


def _live(packets: Iterator[tuple[Any, float]]) -> Iterator[tuple[Any, float]]:
    """The packets, without those that have waited for us too long; what follows them begins with a key frame."""
    edge, behind, caught_up = time.monotonic(), False, False
    for packet, waited_s in packets:
        now = time.monotonic()
        if waited_s >= _WAITED_S:
            edge, caught_up = now, True
        if not behind and now - edge > _LATE_S:
            behind, caught_up = True, False
        if behind and caught_up and packet.is_keyframe:
            behind, edge = False, now
        if not behind:
            yield packet, waited_s


def _pictures(
    packets: Iterator[tuple[Any, float]], stream: Any, stall_s: float, decoder: DozingDecoder
) -> Iterator[tuple[float | None, ToRgb]]:
    """Time stamp in seconds, and picture."""
    converter, still, first = Converter(), stream.codec_context.name in _STILLS, True
    until = time.monotonic() + _FIRST_S
    for packet, _ in packets:
        if still and not first:
            if converter.refused < _REFUSED:
                until = time.monotonic() + stall_s
                time_s = None if packet.pts is None else float(packet.pts * packet.time_base)
                yield time_s, partial(converter.rgb_of_packet, packet)
        else:
            for frame in decoded(packet) if still else decoder.frames(packet):
                first, until = False, time.monotonic() + stall_s
                yield frame.time, partial(converter.rgb, frame)
            if decoder.holds:
                until = time.monotonic() + stall_s
        if converter.refused >= _REFUSED or time.monotonic() > until:
            raise SourceLost("data comes, but no picture can be decoded")


def _bursts(container: Any) -> bool:
    """Whether a stream comes in pieces of several seconds, or is a file: then its time stamps say when a frame is due."""
    return any(name in container.format.name.split(",") for name in ("hls", "dash")) or (container.size or 0) > 0


class _Pace:
    """When the frames are due."""

    def __init__(self, status: CaptureStatus, stall_s: float) -> None:
        self._status, self._stall_s = status, stall_s
        self._start: float | None = None

    def wait(self, time_s: float) -> None:
        """Waits for the time of a frame with this time stamp."""
        now = time.monotonic()
        if self._start is None or abs(self._start + time_s - now) > _JUMP_S:
            self._start = now - time_s
        wait_s = max(0.0, self._start + time_s - now)
        self._status.promise(wait_s + self._stall_s + _MARGIN_S)
        time.sleep(wait_s)


def _reason(error: Exception) -> str:
    said = str(getattr(error, "strerror", None) or error)
    # libav has no better word for a name that nobody knows.
    return f"{said} (is the host's name right?)" if getattr(error, "errno", None) == errno.EIO else said
