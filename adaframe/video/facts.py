"""The facts of a file, from its container and not from what its header promises."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from adaframe.errors import EncryptedVideo, NoVideoStream, UnreadableVideo
from adaframe.video.protection import is_encrypted, lacks_index

_STAMPLESS = {"avi"}  # stores no time stamps; libav's are in the order of decoding
_NOMINAL_FPS = 25.0  # of streams that do not tell, such as raw H.264
_PACKETS_TO_FIRST_FRAME = 64  # tried for the first picture; then the facts do without it
_COVER_ART = ("attached_pic", "timed_thumbnails")
# libav takes text for a terminal recording (tty), and playlists would make it open other files.
_NOT_VIDEO = {"tty", "hls", "concat", "dash", "sdp"}


@dataclass(frozen=True, eq=False)
class VideoFacts:
    """What a video file is.

    Args:
        path: of the file.
        container: libav's name of the format, such as mov,mp4,m4a,3gp,3g2,mj2.
        codec: decoder's name, such as h264.
        pixel_format: such as yuv420p.
        width: as shown (after rotation), in pixels.
        height: as shown.
        rotation: by which stored pictures are turned clockwise to be shown: 0, 90, 180 or 270 degrees.
        times_s: time of each displayable frame in presentation order, float64, (N,), from 0.
        key_frames: their indices in presentation order, int64.
        fps: mean number of frames a second.
        duration_s: to the end of the last frame.
        warnings: what is odd about the file.
        ticks: time stamps of the frames in the stream's own unit, int64, (N,), strictly rising; None where frames can
            only be told apart by counting them.
        hidden: packets whose frames are never shown (edit lists).
        video_streams: moving pictures in the file; the facts are those of the main one.
        interlaced: a frame is two fields, which may come in packets of their own.
    """

    path: str
    container: str
    codec: str
    pixel_format: str
    width: int
    height: int
    rotation: int
    times_s: NDArray[np.float64]
    key_frames: NDArray[np.int64]
    fps: float
    duration_s: float
    warnings: tuple[str, ...]
    ticks: NDArray[np.int64] | None = field(default=None, repr=False)
    hidden: int = 0
    video_streams: int = 1
    interlaced: bool = False

    @property
    def frames(self) -> int:
        """N, the number of displayable frames."""
        return len(self.times_s)


@contextmanager
def open_video(path: str) -> Iterator[tuple[Any, Any]]:
    """PyAV's container and main video stream of a file; all other streams are skipped while demuxing.

    Raises:
        UnreadableVideo, EncryptedVideo, NoVideoStream.
    """
    _check_file(path)
    try:
        # A name is never taken for a URL, and what the file refers to is never fetched.
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    except UnicodeEncodeError:
        container = _open_by_handle(path)
    except (FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    with container:
        streams = moving_pictures(container)
        if container.format.name in _NOT_VIDEO:
            raise UnreadableVideo(path, f"is no video (it looks like {container.format.name})", "another file")
        if not streams:
            kinds = sorted({s.type for s in container.streams})
            has = f"only {' and '.join(kinds)}" if kinds else "no streams at all"
            raise NoVideoStream(path, f"holds no moving picture ({has})", "a file with a video stream")
        best = container.streams.best("video")
        stream = next((s for s in streams if best is not None and s.index == best.index), streams[0])
        if stream.codec_context is None:
            raise UnreadableVideo(path, "no decoder for its codec is installed", "re-encode it as H.264")
        skip_others(container, stream)
        yield container, stream


def moving_pictures(container: Any) -> list[Any]:
    """The video streams that are no cover art."""
    art = [getattr(av.stream.Disposition, name) for name in _COVER_ART]
    return [s for s in container.streams.video if not any(s.disposition & kind for kind in art)]


def skip_others(container: Any, stream: Any) -> None:
    """Lets all streams but this one be passed by while demuxing, where libav's version can."""
    if hasattr(av.stream, "Discard"):
        for other in container.streams:
            if other.index != stream.index:
                other.discard = av.stream.Discard.all


def probe(path: str | Path) -> VideoFacts:
    """The facts of a file, from demuxing all of its packets and decoding one frame.

    Raises:
        UnreadableVideo: missing, empty, no video file, or without any frame.
        NoVideoStream: sound, subtitles or cover art only.
        EncryptedVideo: the picture is protected.
    """
    path = os.fspath(path)
    with open_video(path) as (container, stream):
        context, warnings = stream.codec_context, []
        context.thread_count = 1
        packets = _Packets(context.name, stamped=container.format.name not in _STAMPLESS)
        first, tried = None, 0
        try:
            for packet in container.demux(stream):
                if first is None and tried < _PACKETS_TO_FIRST_FRAME:
                    tried += 1
                    first = _first_frame(packet)
                packets.add(packet)
        except (FFmpegError, OSError):
            warnings.append("the file is damaged or ends early")
        if not packets.stamps:
            raise UnreadableVideo(path, "announces a video stream but holds no frames", f"ffprobe {path}")

        rate = next((float(r) for r in (stream.average_rate, stream.guessed_rate) if r), _NOMINAL_FPS)
        if not 0.01 < rate < 1000:
            rate = _NOMINAL_FPS
        ticks, times_s, key_frames, duration_s = packets.in_presentation_order(float(stream.time_base), rate)
        promised = stream.frames - packets.hidden
        if promised > len(times_s):
            warnings.append(f"the header promises {promised} frames, the file holds {len(times_s)}")
        if "matroska" in container.format.name and (container.duration or 0) / 1e6 > 1.1 * duration_s + 0.5:
            lasts = container.duration / 1e6
            warnings.append(f"the header promises {lasts:.1f} s, the picture ends after {duration_s:.1f} s")
        turn = round(-getattr(first, "rotation", 0) / 90) * 90 % 360
        width, height = (first or context).width, (first or context).height
        pixel_format = first.format.name if first is not None else context.pix_fmt
        return VideoFacts(
            path=path,
            container=container.format.name,
            codec=context.name,
            pixel_format=pixel_format or "unknown",
            width=height if turn in (90, 270) else width,
            height=width if turn in (90, 270) else height,
            rotation=turn,
            times_s=times_s,
            key_frames=key_frames,
            fps=len(times_s) / duration_s,
            duration_s=duration_s,
            warnings=tuple(warnings),
            ticks=ticks,
            hidden=packets.hidden,
            video_streams=len(moving_pictures(container)),
            interlaced=bool(getattr(first, "interlaced_frame", False)),
        )


class _Packets:
    """Collects the packets whose frames will be shown."""

    def __init__(self, codec: str, *, stamped: bool) -> None:
        self.codec, self.stamped, self.hidden = codec, stamped, 0
        self.stamps: list[int | None] = []
        self.keys: list[bool] = []
        self.durations: list[int] = []

    def add(self, packet: Any) -> None:
        if not packet.size:  # marks the end
            return
        if packet.is_discard or (self.codec == "vp8" and not memoryview(packet)[0] & 0x10):
            self.hidden += 1  # cut away by an edit list; a reference frame of VP8 that is never shown
            return
        self.stamps.append(packet.pts if packet.pts is not None else packet.dts)
        self.keys.append(bool(packet.is_keyframe))
        self.durations.append(packet.duration or 0)

    def in_presentation_order(
        self, unit_s: float, rate: float
    ) -> tuple[NDArray[np.int64] | None, NDArray[np.float64], NDArray[np.int64], float]:
        """Ticks, seconds and key frames in presentation order, and the duration."""
        n = len(self.stamps)
        stamped = np.array([s for s in self.stamps if s is not None], dtype=np.int64)
        different = len(np.unique(stamped))
        if len(stamped) < n or 2 * different <= n > 1:
            # Without usable stamps frames come in the order in which the decoder hands them out, at the nominal rate.
            return None, np.arange(n) / rate, np.flatnonzero(self.keys).astype(np.int64), n / rate
        order = np.argsort(stamped, kind="stable")
        ticks = stamped[order]
        times_s = (ticks - ticks[0]) * unit_s
        last_s = self.durations[order[-1]] * unit_s
        if last_s <= 0:
            last_s = float(np.median(np.diff(times_s))) if n > 1 else 1 / rate
        key_frames = np.flatnonzero(np.array(self.keys)[order]).astype(np.int64)
        return (
            (ticks if different == n and self.stamped else None),
            times_s,
            key_frames,
            float(times_s[-1]) + (last_s or 1 / rate),
        )


def _first_frame(packet: Any) -> Any:
    try:
        frames = packet.decode()
    except MemoryError:
        raise
    except (FFmpegError, OSError, ValueError):
        return None
    return frames[0] if frames else None


def _check_file(path: str) -> None:
    if os.path.isdir(path):
        raise UnreadableVideo(path, "is a folder", "a file in it")
    if not os.path.exists(path):
        raise UnreadableVideo(path, "no such file", "check the path")
    try:
        if os.path.getsize(path) == 0:
            raise UnreadableVideo(path, "the file is empty (0 bytes)", "copy or download it again")
        encrypted = is_encrypted(path)
    except (OSError, ValueError) as error:
        raise UnreadableVideo(path, f"cannot be read ({error})", "check its permissions") from None
    if encrypted:
        raise EncryptedVideo(path, "the picture is encrypted", "a copy without protection")


def _open_by_handle(path: str) -> Any:
    """For names that are not valid Unicode, which PyAV cannot pass on."""
    try:
        return av.open(open(path, "rb"))  # the container keeps it
    except (FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: str, error: Exception) -> UnreadableVideo:
    if lacks_index(path):
        return UnreadableVideo(
            path, "its index (moov) is missing: cut off, or still being written", "copy or download it again"
        )
    reason = getattr(error, "strerror", None) or str(error)
    return UnreadableVideo(path, f"is no video that can be opened ({reason})", f"ffprobe {path}")
