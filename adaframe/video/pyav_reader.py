"""Frames by PyAV: only what is needed is decoded.

That leaves out what lies between a wanted frame and the next key frame before a wanted one (`runs`), and frames that are
neither wanted nor referred to by others. Where that misses a frame, as a file's key frames do not decode alone, or a
seek lands elsewhere, decoding begins some key frames earlier, without seeking; and if that fails too, and the frame is not
too far into the file, at its start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from adaframe.video.decoding_runs import DecodingRun, plan_runs
from adaframe.video.facts import VideoFacts, open_video
from adaframe.video.scaling import full_picture

# Decoder threads of one file. A decoding process among others sets it to its share of the cores.
threads = min(4, os.cpu_count() or 1)

# With an index to seek by; and but for fields a packet holds a whole frame: the decoder needs nothing after a wanted one.
_INDEXED = ("mp4", "matroska")
_SEEKS = 3  # tried for one key frame
_AHEAD = 2  # key frames: where the picture is refreshed by stripes, it is whole a refresh after the one begun with
_FAR = 5000  # frames; to decode more of them for one that was missed takes longer than it is worth
_HVCC_BYTES = 23

Decoded = tuple[int, NDArray[np.uint8], bool]  # index, RGB (H, W, 3), whether the decoder calls it damaged
Picture = Callable[[int, Any], NDArray[np.uint8]]  # index and PyAV's frame -> RGB


class _Missed(Exception):
    """A sound file did not give the frames that it was expected to."""


def decode(
    facts: VideoFacts, wanted: Sequence[int], *, planned: bool = True, picture: Picture | None = None
) -> Iterator[Decoded]:
    """The wanted frames (distinct indices, rising), as shown, without those that cannot be decoded.

    They come in that order, but for those that a plan missed, which come last.

    Args:
        facts: of the file.
        wanted: at least one.
        planned: False decodes everything from the start of the file to the last of them: the same frames, later.
        picture: what becomes of a frame; None: all of it, as shown.
    """
    if picture is None:

        def picture(index: int, frame: Any) -> NDArray[np.uint8]:
            return full_picture(frame, facts.rotation)

    left = dict.fromkeys(wanted)
    for ahead in (0, _AHEAD, None) if planned else (None,):
        if facts.ticks is None:
            break
        final = ahead is None or (ahead > 0 and max(left) >= _FAR)
        try:
            for decoded in _by_stamps(facts, facts.ticks, list(left), ahead, picture, final=final):
                del left[decoded[0]]
                yield decoded
            break
        except _Missed:
            pass
    if len(left) == len(wanted):
        # Stamps are missing, or the decoder hands out others than the container's: count from the start.
        yield from _by_counting(facts, wanted, picture)


def _by_stamps(
    facts: VideoFacts,
    ticks: NDArray[np.int64],
    wanted: Sequence[int],
    ahead: int | None,
    picture: Picture,
    *,
    final: bool,
) -> Iterator[Decoded]:
    """Frames by the stamps of their packets. Decoding begins so many key frames ahead of the nearest one, or (None) at the
    start of the file, and then leaves nothing out.

    Raises:
        _Missed: a sound file did not give a frame, and this is not the final try.
    """
    planned = ahead is not None
    indexed = any(name in facts.container for name in _INDEXED)
    whole = planned and indexed and not facts.interlaced
    sound = not facts.warnings
    runs = [DecodingRun(tuple(wanted))]
    if ahead is not None:
        runs = plan_runs(facts.key_frames, wanted, indexed=indexed and sound and not ahead, ahead=ahead)
    with open_video(facts.path) as (container, stream):
        decoder, packets = _Decoder(stream), _Packets(container, stream)
        skips = planned and not facts.interlaced and _skips_exactly(stream.codec_context)
        while runs:
            run = runs.pop(0)
            if run.key is not None and not _go_to(run.key, run.seek, facts.key_frames, ticks, packets):
                if final:
                    return
                raise _Missed
            decoder.restart()
            index_of = {int(ticks[i]): i for i in run.wanted}
            unread, last = set(index_of), max(index_of)
            for packet in packets:
                if runs and packet.is_keyframe and packet.pts == _key_tick(runs[0], ticks):
                    if not unread:
                        packets.put_back(packet)
                        break
                    # Frames that are shown before this key frame come behind it (an open GOP): both runs are one.
                    more = {int(ticks[i]): i for i in runs.pop(0).wanted}
                    index_of |= more
                    unread |= more.keys()
                    last = max(index_of)
                frames = decoder.decode(packet, keep=not skips or packet.pts in unread)
                unread.discard(packet.pts)
                yield from _wanted(picture, frames, index_of)
                if (whole and not unread) or any(frame.pts is not None and frame.pts >= last for frame in frames):
                    break
            yield from _wanted(picture, decoder.decode(None), index_of)
            if index_of and not final and sound and not decoder.failed:
                raise _Missed


def _key_tick(run: DecodingRun, ticks: NDArray[np.int64]) -> int | None:
    return None if run.key is None else int(ticks[run.key])


def _go_to(key: int, seek: bool, key_frames: NDArray[np.int64], ticks: NDArray[np.int64], packets: _Packets) -> bool:
    """Passes packets by, so that a key frame comes next; False where it does not come."""
    if seek:
        place = int(np.searchsorted(key_frames, key))
        if not packets.seek([int(ticks[k]) for k in key_frames[max(place + 1 - _SEEKS, 0) : place + 1]]):
            return False
    for packet in packets:
        if packet.is_keyframe and packet.pts == ticks[key]:
            packets.put_back(packet)
            return True
    return False


def _by_counting(facts: VideoFacts, wanted: Sequence[int], picture: Picture) -> Iterator[Decoded]:
    left = set(wanted)
    with open_video(facts.path) as (container, stream):
        decoder = _Decoder(stream)
        count = 0
        for packet in chain(_Packets(container, stream), [None]):
            for frame in decoder.decode(packet):
                if count in left:
                    left.remove(count)
                    yield count, picture(count, frame), bool(frame.is_corrupt)
                count += 1
            if not left:
                return


class _Decoder:
    """A stream's decoder; `failed` counts the packets that it refused."""

    def __init__(self, stream: Any) -> None:
        self.context = stream.codec_context
        self.context.thread_count = threads
        self.context.thread_type = "AUTO" if threads > 1 else "SLICE"
        self.failed = 0
        self._fresh = self._keeping = True

    def restart(self) -> None:
        """Forgets what came before."""
        if not self._fresh:
            self.context.flush_buffers()

    def decode(self, packet: Any, *, keep: bool = True) -> list[Any]:
        """Frames that a packet (None: the end) brings out; none where it is damaged.

        Not to keep a packet's frame decodes it all the same where others refer to it.
        """
        self._fresh = False
        if keep != self._keeping:
            self.context.skip_frame = "DEFAULT" if keep else "NONREF"
            self._keeping = keep
        try:
            return list(self.context.decode(packet))
        except MemoryError:
            raise
        except (FFmpegError, OSError, ValueError):
            self.failed += 1
            return []


def _skips_exactly(context: Any) -> bool:
    """Whether the decoder can leave out exactly the frames that no other frame refers to.

    H.264 marks them (nal_ref_idc). HEVC marks those that no frame of the same temporal layer refers to (H.265, 7.4.2.2):
    the same only in a stream of one layer, as `hvcC` tells (ISO/IEC 14496-15, 8.3.3.1).
    """
    if context.name == "hevc":
        extradata = context.extradata or b""
        return len(extradata) >= _HVCC_BYTES and extradata[0] == 1 and extradata[21] >> 3 & 7 == 1
    return bool(context.name == "h264")


class _Packets:
    """The packets of a stream in the order of the file, without those that only mark an end."""

    def __init__(self, container: Any, stream: Any) -> None:
        self.container, self.stream = container, stream
        self._coming = container.demux(stream)
        self._back: Any = None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        packet, self._back = self._back, None
        with suppress(FFmpegError, OSError):  # a damaged end: what came before it counts
            while packet is None or not packet.size:
                packet = next(self._coming)
            return packet
        raise StopIteration

    def put_back(self, packet: Any) -> None:
        """Makes it the next one again."""
        self._back = packet

    def seek(self, keys: Sequence[int]) -> bool:
        """Goes on at the last of these key frames (stamps, rising), or one a little before it; False if that fails.

        Some containers' indices are in the order of decoding: then a stamp of presentation leads too far.
        """
        for key in reversed(keys):
            try:
                self.container.seek(key, stream=self.stream)
            except (FFmpegError, OSError):
                return False
            self._coming, self._back = self.container.demux(self.stream), None
            first = next(self, None)
            if first is not None and first.is_keyframe and first.pts is not None and first.pts <= keys[-1]:
                self.put_back(first)
                return True
        return False


def _wanted(picture: Picture, frames: list[Any], index_of: dict[int, int]) -> Iterator[Decoded]:
    for frame in frames:
        index = index_of.pop(frame.pts, None) if frame.pts is not None else None
        if index is not None:
            yield index, picture(index, frame), bool(frame.is_corrupt)
