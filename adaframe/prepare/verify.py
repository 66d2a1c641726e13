"""Opening every video beforehand, so that training meets no surprises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adaframe.config import Preprocess, Sampling
from adaframe.data.clips import Clip
from adaframe.errors import VideoError
from adaframe.progress import Line
from adaframe.video import ClipRequest, DecodePool, read_clip

# Enough to seek into all parts of a file; every frame of a large data set would take days.
_FRAMES = 8
_PIXELS = 32
_AHEAD = 16  # per worker: a file that hangs must not leave the other workers idle


@dataclass(frozen=True)
class Verified:
    """What opening them came to.

    Args:
        clips: that can be used.
        bad: path and reason for each file of which a clip cannot.
        odd: files that are damaged in part, or odd, and can be used.
    """

    clips: tuple[Clip, ...]
    bad: dict[str, str]
    odd: tuple[str, ...]


@dataclass(frozen=True)
class Parts:
    """The clips of one file, as (start, end) in seconds."""

    path: str
    spans: tuple[tuple[float | None, float | None], ...]


def verify(clips: Sequence[Clip], *, workers: int = 0, timeout_s: float = 60.0) -> Verified:
    """Demux each file and decode frames all over each of its clips, as training does, in child processes.

    What crashes or hangs a decoder costs that file alone.

    Args:
        clips: to look into; each file is opened once.
        workers: processes; 0 for one per core.
        timeout_s: time limit per file.
    """
    parts: dict[str, list[tuple[float | None, float | None]]] = {}
    for clip in clips:
        parts.setdefault(clip.path, []).append((clip.start_s, clip.end_s))
    bad: dict[str, str] = {}
    failed: set[tuple[str, float | None, float | None]] = set()
    odd = []
    line = Line("opening videos")
    with DecodePool(workers=workers, timeout_s=timeout_s) as pool:
        files = [Parts(path, tuple(spans)) for path, spans in parts.items()]
        results = pool.map(look_into, files, ahead=_AHEAD * pool.workers)
        for done, (file, found) in enumerate(zip(files, results, strict=True), 1):
            reasons = [found.what] * len(file.spans) if isinstance(found, VideoError) else found[0]
            for span, reason in zip(file.spans, reasons, strict=True):
                if reason:
                    bad.setdefault(file.path, reason)
                    failed.add((file.path, *span))
            if not isinstance(found, VideoError) and found[1] and not any(reasons):
                odd.append(file.path)
            line.update(done, len(files))
    line.done()
    usable = tuple(clip for clip in clips if (clip.path, clip.start_s, clip.end_s) not in failed)
    return Verified(usable, bad, tuple(odd))


def look_into(file: Parts) -> tuple[list[str], bool]:
    """What a child process does: for each clip the reason why it cannot be read, or nothing; and if it warned."""
    sampling, small = Sampling(frames=_FRAMES, window_s=None), Preprocess(resize=_PIXELS, crop=_PIXELS)
    reasons, warned = [], False
    for start_s, end_s in file.spans:
        try:
            clip = read_clip(ClipRequest(file.path, sampling, small, start_s=start_s, end_s=end_s))
        except VideoError as error:
            reasons.append(error.what)
        else:
            reasons.append("")
            warned = warned or bool(clip.warnings)
    return reasons, warned
