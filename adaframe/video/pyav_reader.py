"""Frames by PyAV: one pass over the packets, in which only what is needed is decoded.

That leaves out what lies between a wanted frame and the next key frame before a wanted one, and frames that are neither
wanted nor referred to by others. Passing packets by is cheap (5 minutes of 720p: 0.05 s), and safer than seeking, which
is done only to the first of them, where it is far into a file with an index.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from adaframe.video.facts import VideoFacts, open_video

# Decoder threads of one file. A decoding process among others sets it to its share of the cores.
threads = min(4, os.cpu_count() or 1)

_SKIPS_EXACTLY = {"h264", "hevc"}  # the decoders that can leave out frames that no other frame refers to

_INDEXED = ("mp4", "matroska")
_SEEK_FROM = 1000  # frames

Decoded = tuple[int, NDArray[np.uint8], bool]  # index, RGB (H, W, 3), whether the decoder calls it damaged


def decode(facts: VideoFacts, wanted: Sequence[int]) -> Iterator[Decoded]:
    """The wanted frames (distinct indices, rising), as shown, in that order, without those that cannot be decoded."""
    found = 0
    if facts.ticks is not None:
        for decoded in _by_stamps(facts, facts.ticks, wanted):
            found += 1
            yield decoded
    if not found:
        # Stamps are missing, or the decoder hands out others than the container's: count from the start.
        yield from _by_counting(facts, wanted)


def _runs(key_frames: NDArray[np.int64], wanted: Sequence[int]) -> list[tuple[int | None, list[int]]]:
    """Wanted frames by the key frame from which decoding starts (None: the start of the file)."""
    runs: list[tuple[int | None, list[int]]] = []
    for index in wanted:
        place = int(np.searchsorted(key_frames, index, side="right")) - 1
        key = int(key_frames[place]) if place > 0 else None
        if not runs or (key is not None and key > runs[-1][1][-1]):
            runs.append((key, []))
        runs[-1][1].append(index)
    return runs


def _by_stamps(facts: VideoFacts, ticks: NDArray[np.int64], wanted: Sequence[int]) -> Iterator[Decoded]:
    index_of = {int(ticks[i]): i for i in wanted}
    runs = [(None if key is None else int(ticks[key]), frames) for key, frames in _runs(facts.key_frames, wanted)]
    with open_video(facts.path) as (container, stream):
        context = _prepared(stream)
        skips = context.name in _SKIPS_EXACTLY
        skipping = False
        at = -1 if runs[0][0] is not None else 0  # the run being decoded
        last = -1 if at < 0 else int(ticks[runs[0][1][-1]])
        if at < 0:
            _approach(facts, ticks, wanted[0], container, stream)
        idle = at < 0  # nothing wanted until the key frame of the next run
        for packet in _packets(container, stream):
            begins = at + 1 < len(runs) and packet.pts == runs[at + 1][0] and packet.is_keyframe
            if begins:
                if not idle:
                    yield from _wanted(facts, _decoded(context, None), index_of)
                context.flush_buffers()
                at, idle = at + 1, False
                last = int(ticks[runs[at][1][-1]])
            elif idle:
                continue
            if skips and skipping != (packet.pts not in index_of):
                skipping = not skipping
                context.skip_frame = "NONREF" if skipping else "DEFAULT"
            frames = _decoded(context, packet)
            yield from _wanted(facts, frames, index_of)
            if any(frame.pts is not None and frame.pts >= last for frame in frames):
                if at + 1 == len(runs):
                    return
                idle = True
        if not idle:
            yield from _wanted(facts, _decoded(context, None), index_of)


def _approach(facts: VideoFacts, ticks: NDArray[np.int64], index: int, container: Any, stream: Any) -> None:
    """Moves on to one key frame before the one that is needed: the index is in the order of decoding."""
    keys = facts.key_frames
    place = int(np.searchsorted(keys, index, side="right")) - 2
    if place > 0 and keys[place] >= _SEEK_FROM and any(name in facts.container for name in _INDEXED):
        with suppress(FFmpegError, OSError):
            container.seek(int(ticks[keys[place]]), stream=stream)


def _by_counting(facts: VideoFacts, wanted: Sequence[int]) -> Iterator[Decoded]:
    left = set(wanted)
    with open_video(facts.path) as (container, stream):
        context = _prepared(stream)
        count = 0
        for packet in chain(_packets(container, stream), [None]):
            for frame in _decoded(context, packet):
                if count in left:
                    left.remove(count)
                    yield count, _picture(facts, frame), bool(frame.is_corrupt)
                count += 1
            if not left:
                return


def _prepared(stream: Any) -> Any:
    context = stream.codec_context
    context.thread_count = threads
    context.thread_type = "AUTO" if threads > 1 else "SLICE"
    return context


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    with suppress(FFmpegError, OSError):  # a damaged end: what came before it counts
        for packet in container.demux(stream):
            if packet.size:
                yield packet


def _decoded(context: Any, packet: Any) -> list[Any]:
    """Frames that a packet (None: the end) brings out; none where it is damaged."""
    try:
        return list(context.decode(packet))
    except MemoryError:
        raise
    except (FFmpegError, OSError, ValueError):
        return []


def _wanted(facts: VideoFacts, frames: list[Any], index_of: dict[int, int]) -> Iterator[Decoded]:
    for frame in frames:
        index = index_of.pop(frame.pts, None) if frame.pts is not None else None
        if index is not None:
            yield index, _picture(facts, frame), bool(frame.is_corrupt)


def _picture(facts: VideoFacts, frame: Any) -> NDArray[np.uint8]:
    """As shown, RGB. libswscale's default conversion is the one that decord uses: they agree to the last bit."""
    image: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(image, -facts.rotation // 90)) if facts.rotation else image
