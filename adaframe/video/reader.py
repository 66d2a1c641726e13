"""Open a file, its facts, frames at indices.

`auto` is PyAV; decord gets only what PyAV finds nothing in. For 16 frames (one thread, CPU time, PyAV against decord,
the same pixels): a 2 s clip of 256 px 24 against 28 ms, of 720p 0.13 against 0.19 s; 10 s of 720p with key frames every
12, 50 and 250 frames 0.42 against 0.70, 0.53 against 0.99 and 0.51 against 0.88 s; 5 minutes 2.2 against 4.8 s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaframe.config import Preprocess
from adaframe.errors import MissingExtra, UnreadableVideo, UsageError
from adaframe.video import decord_reader, pyav_reader
from adaframe.video.facts import VideoFacts, probe
from adaframe.video.resize import fitted, resize_frame, resized_size
from adaframe.video.scaling import full_picture, scaled_picture

__all__ = ["Frames", "VideoFacts", "probe", "read_frames"]

READERS = ("auto", "decord", "pyav")


@dataclass(frozen=True, eq=False)
class Frames:
    """Decoded frames.

    Args:
        images: RGB, as shown, uint8, (T, H, W, 3).
        indices: of the frames in presentation order, int64, (T,).
        times_s: float64, (T,).
        warnings: what went wrong on the way, and what is odd about the file.
        reader: pyav or decord, the one that read them.
    """

    images: NDArray[np.uint8]
    indices: NDArray[np.int64]
    times_s: NDArray[np.float64]
    warnings: tuple[str, ...]
    reader: str


def read_frames(
    path: str | Path,
    indices: ArrayLike,
    *,
    preprocess: Preprocess | None = None,
    crop: bool = True,
    reader: str = "auto",
    facts: VideoFacts | None = None,
    scaled: Collection[int] = (),
) -> Frames:
    """Frames of a file at indices (presentation order; any order, repeats allowed).

    Args:
        path: of the file.
        indices: ints, (T,).
        preprocess: how to resize; None gives full-size frames.
        crop: with preprocess: cut the central square out (False: only resize).
        reader: auto; pyav; or decord, where the file suits it.
        facts: of `probe`, where they are known already.
        scaled: indices of frames that are resized while they are decoded, with crop: sooner, and other pixels by a little
            (`scaled_picture`).

    Returns:
        The frames in the order of the indices. Those that could not be decoded are left out, with a warning.

    Raises:
        VideoError: nothing could be decoded, or the file cannot be used at all.
        IndexError: an index beyond the file.
        UsageError: an unknown reader, or a crop larger than the resize.
        MissingExtra: decord was asked for and is not installed.
    """
    if reader not in READERS:
        raise UsageError(f"unknown reader {reader!r}; known: {', '.join(READERS)}")
    facts = facts or probe(path)
    asked = np.asarray(indices, dtype=np.int64).reshape(-1)
    wanted = [int(i) for i in np.unique(asked)]
    if not wanted:
        raise ValueError("no frames asked for")
    if wanted[0] < 0 or wanted[-1] >= facts.frames:
        raise IndexError(f"{facts.path}: frames 0 to {facts.frames - 1}, asked for {wanted[0]} to {wanted[-1]}")

    warnings = list(facts.warnings)
    images: dict[int, NDArray[np.uint8]] = {}
    damaged: set[int] = set()
    used = ""
    for used in _order(reader, facts, warnings):
        try:
            for index, image, broken in _decode(used, facts, wanted, preprocess, crop, scaled):
                images[index] = image
                if broken:
                    damaged.add(index)
        except RuntimeError as error:  # decord's
            warnings.append(f"decord failed ({str(error).splitlines()[0][:120]}), so PyAV read the file")
            images, damaged = {}, set()
        except MissingExtra:
            if reader == "decord":
                raise
        if images:
            break
    if not images:
        raise UnreadableVideo(facts.path, f"none of {len(wanted)} frames could be decoded", f"ffprobe {facts.path}")

    if lost := len(wanted) - len(images):
        warnings.append(f"{lost} of {len(wanted)} frames could not be decoded: the file is damaged")
    if damaged:
        warnings.append(f"{len(damaged)} of {len(wanted)} frames are damaged")
    got = np.array([i for i in asked.tolist() if i in images], dtype=np.int64)
    return Frames(
        images=np.stack([images[i] for i in got.tolist()]),
        indices=got,
        times_s=facts.times_s[got],
        warnings=tuple(warnings),
        reader=used,
    )


def _order(reader: str, facts: VideoFacts, warnings: list[str]) -> Sequence[str]:
    why = decord_reader.unsuited(facts)
    if reader == "pyav":
        return ["pyav"]
    if reader == "auto":
        return ["pyav"] if why else ["pyav", "decord"]
    if why:
        warnings.append(f"decord does not suit this file ({why}), so PyAV read it")
        return ["pyav"]
    return ["decord", "pyav"]


def _decode(
    reader: str,
    facts: VideoFacts,
    wanted: Sequence[int],
    preprocess: Preprocess | None,
    crop: bool,
    scaled: Collection[int],
) -> Iterator[pyav_reader.Decoded]:
    """Frames of the size asked for."""
    if reader == "decord":
        for index, image, broken in decord_reader.decode(facts, wanted):
            yield index, _sized(image, facts, preprocess, crop), broken
        return

    def picture(index: int, frame: Any) -> NDArray[np.uint8]:
        small = None
        if preprocess is not None and crop and index in scaled:
            small = scaled_picture(frame, facts.rotation, preprocess)
        return _sized(full_picture(frame, facts.rotation), facts, preprocess, crop) if small is None else small

    yield from pyav_reader.decode(facts, wanted, picture=picture)


def _sized(image: NDArray[np.uint8], facts: VideoFacts, preprocess: Preprocess | None, crop: bool) -> NDArray[np.uint8]:
    """One frame at the size that all frames of the file get, also where its resolution changes on the way."""
    if preprocess is None:
        return fitted(image, facts.height, facts.width)
    small = resize_frame(image, preprocess, crop=crop)
    return small if crop else fitted(small, *resized_size(facts.height, facts.width, preprocess))
