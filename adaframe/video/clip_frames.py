"""What comes of a request: frames, window by window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Scan:
    """What a first step over a file, on key frames alone, left to do. Windows are counted from the clip's start.

    Args:
        windows: of the frames that came of it, int64, (W,).
        few: bool, (W,): where there are fewer key frames than half of the frames that the sampling names.
        unread: windows with still fewer key frames, or none that could be decoded; nothing came of them yet.
    """

    windows: NDArray[np.int64]
    few: NDArray[np.bool_]
    unread: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ClipFrames:
    """Frames of W windows of a clip.

    Args:
        path: of the file.
        images: RGB, uint8, (W, T, H, W', 3); where not valid, the last valid frame again.
        times_s: within the file, float64, (W, T).
        indices: presentation order, int64, (W, T).
        valid: bool, (W, T); valid frames come first.
        start_s: of the windows, float64, (W,).
        end_s: float64, (W,).
        windows_total: of the whole clip, those left out or not asked for included.
        decode_s: wall time of reading and resizing.
        warnings: what a user should know.
        reader: pyav or decord.
        scan: what is left to do, where only key frames were read.
    """

    path: str
    images: NDArray[np.uint8]
    times_s: NDArray[np.float64]
    indices: NDArray[np.int64]
    valid: NDArray[np.bool_]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    windows_total: int
    decode_s: float
    warnings: tuple[str, ...]
    reader: str
    scan: Scan | None = None


def merged_frames(first: ClipFrames, second: ClipFrames) -> tuple[ClipFrames, NDArray[np.int64]]:
    """Both steps over a clip as one: windows of the second in the place of the first one's.

    Args:
        first: on key frames; where it has no images any more, the outcome has none.
        second: of some of its windows, and others.

    Returns:
        Their windows by time, W' of them, and which these are of the first one's followed by the second one's, (W',).
    """
    kept = np.flatnonzero(~np.isin(first.start_s, second.start_s))
    both = np.concatenate([kept, len(first.start_s) + np.arange(len(second.start_s))])
    order = both[np.argsort(np.concatenate([first.start_s, second.start_s])[both], kind="stable")]
    names = [
        "times_s",
        "indices",
        "valid",
        "start_s",
        "end_s",
        *(["images"] if len(first.images) == len(first.start_s) else []),
    ]
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])[order] for name in names
    }
    frames = replace(
        first,
        **joined,
        decode_s=first.decode_s + second.decode_s,
        warnings=tuple(dict.fromkeys((*first.warnings, *second.warnings))),
        scan=None,
    )
    return frames, order
