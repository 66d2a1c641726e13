"""Videos that the ways to decode are compared on: textures, or the pictures of other videos, with key frames as told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from adaframe.data.clips import Clip
from adaframe.video import probe, read_frames
from adaframe.video.resize import fitted

FPS = 25
_TILE = 4  # pixels of a texture's squares


def render(path: Path, *, gop: int, size: tuple[int, int], seconds: float) -> Path:
    """Writes a video of a drifting texture.

    Args:
        path: of the file.
        gop: frames from a key frame to the next.
        size: height and width.
        seconds: how long it lasts, at 25 frames a second.
    """
    height, width = size
    across = np.random.default_rng(0).integers(64, 192, (height // 2, width // 2, 3)).astype(np.uint8)
    texture = across.repeat(_TILE, 0).repeat(_TILE, 1)
    steps = ((t % height, t // 2 % width) for t in range(round(seconds * FPS)))
    encode(path, (texture[top : top + height, left : left + width] for top, left in steps), fps=FPS, gop=gop)
    return path


def lengthen(path: Path, sources: Sequence[str], *, seconds: float, size: tuple[int, int], gop: int) -> None:
    """Writes a video of that length, size (height, width) and distance of key frames from the pictures of files.

    They are taken in turn and over again, 25 a second of each.
    """
    encode(path, _pictures(sources, round(FPS * seconds), size), fps=FPS, gop=gop)


def _pictures(sources: Sequence[str], count: int, size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    left = count
    while left:
        for source in sources:
            facts = probe(source)
            indices = np.searchsorted(facts.times_s, np.arange(0, facts.duration_s, 1 / FPS) + 1e-6, side="right") - 1
            for image in read_frames(source, np.maximum(indices, 0)[:left], facts=facts).images:
                yield fitted(image, *size)
            left -= min(left, len(indices))
            if not left:
                return


def encode(path: Path, pictures: Iterable[NDArray[np.uint8]], *, fps: float, gop: int) -> None:
    """Writes pictures (RGB, uint8, (H, W, 3), of one size, which is even) as H.264 with a key frame every `gop` frames."""
    rate = Fraction(fps).limit_denominator(1001)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.options = {"preset": "veryfast", "g": str(gop), "sc_threshold": "0"}
        for t, picture in enumerate(pictures):
            if not t:
                stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = t, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def joined(clips: Sequence[Clip], count: int) -> list[list[Clip]]:
    """Clips of the same label and group, up to so many together, in their order."""
    alike: dict[tuple[tuple[str, ...], str], list[Clip]] = {}
    for clip in clips:
        alike.setdefault((clip.labels, clip.group or clip.path), []).append(clip)
    return [members[i : i + count] for members in alike.values() for i in range(0, len(members), count)]


def write_joined(path: Path, clips: Sequence[Clip], gop: int) -> None:
    """One file of several clips, at the size and the frame rate of the first one."""
    first = probe(clips[0].path)
    encode(path, _pictures_of(clips, first.height // 2 * 2, first.width // 2 * 2), fps=first.fps, gop=gop)


def _pictures_of(clips: Sequence[Clip], height: int, width: int) -> Iterator[NDArray[np.uint8]]:
    for clip in clips:
        facts = probe(clip.path)
        start, end = clip.start_s or 0.0, facts.duration_s if clip.end_s is None else clip.end_s
        inside = np.flatnonzero((facts.times_s >= start) & (facts.times_s < end))
        for image in read_frames(clip.path, inside, facts=facts).images:
            yield fitted(image, height, width)
