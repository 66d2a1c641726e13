"""Frames by decord, for the files whose facts are the ordinary ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adaframe.errors import MissingExtra
from adaframe.video.facts import VideoFacts
from adaframe.video.pyav_reader import Decoded

_BATCH = 16  # full-size frames held at a time
_NARROW = 24  # up to here, and at the sizes below, decord hands out a wrong number of channels
_BAD_SIZES = {48, 72}


def unsuited(facts: VideoFacts) -> str:
    """Why decord is not to be trusted with a file; empty where it is."""
    sides = {facts.width, facts.height}
    reasons = {
        f"codec {facts.codec}": facts.codec != "h264",
        f"pixel format {facts.pixel_format}": facts.pixel_format != "yuv420p",
        f"container {facts.container}": not {"mp4", "matroska"} & set(facts.container.split(",")),
        f"size {facts.width}x{facts.height}": min(sides) <= _NARROW or bool(sides & _BAD_SIZES),
        "several video streams": facts.video_streams != 1,
        "an edit list": facts.hidden > 0,
        "unusual time stamps": facts.ticks is None,
        "damage": bool(facts.warnings),
    }
    return ", ".join(reason for reason, holds in reasons.items() if holds)


def decode(facts: VideoFacts, wanted: Sequence[int]) -> Iterator[Decoded]:
    """As `pyav_reader.decode`. On the first frame that fails, decord's own error ends it.

    Raises:
        MissingExtra: decord is not installed.
        RuntimeError: decord's (DECORDError is one), or another number of frames than the container holds.
    """
    try:
        import decord
    except ImportError:
        raise MissingExtra("decord is not installed; try: pip install decord, or the exact reader (pyav)") from None
    decord.logging.set_level(decord.logging.QUIET)
    reader = decord.VideoReader(facts.path, num_threads=1)
    if len(reader) != facts.frames:
        raise RuntimeError(f"decord counts {len(reader)} frames, the container holds {facts.frames}")
    for start in range(0, len(wanted), _BATCH):
        batch = list(wanted[start : start + _BATCH])
        for index, image in zip(batch, reader.get_batch(batch).asnumpy(), strict=True):
            yield index, image, False
