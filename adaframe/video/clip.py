"""One request, one answer: the frames of a clip, ready for the model. What decoding processes run."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from adaframe.config import Preprocess, Sampling
from adaframe.errors import UnreadableVideo, UsageError
from adaframe.video.clip_frames import ClipFrames, Scan
from adaframe.video.facts import VideoFacts, probe
from adaframe.video.reader import Frames, read_frames
from adaframe.video.resize import resized_size
from adaframe.video.sampling import Plan, plan_windows, scan_key_frames, to_key_frames

DECODES = ("auto", "exact", "fast")

# Of fewer key frames than this part of the sampled ones, answers were others than exact ones also where the model was sure.
_FEWEST = 4
_NEAR = 256  # frames tried where none of the chosen ones decodes


@dataclass(frozen=True)
class ClipRequest:
    """What to read of a file.

    Args:
        path: of the file.
        sampling: T, and how long a window is.
        preprocess: the sizes.
        start_s: of the clip within the file; null: its start.
        end_s: null: the file's end.
        window_s: overrides the sampling's.
        stride_s: from window to window; null: the window's length.
        reader: auto, pyav or decord.
        first_window: the first one wanted.
        max_windows: how many of them, at most; so a long file comes in parts.
        seed: for training: one window at a random place, frames anywhere in their slots; null: the fixed choice.
        crop: cut the central square out; False: only resize.
        decode: exact: the frames that the sampling names; fast: key frames near them, where a window has enough of
            them (`to_key_frames`), the file has time stamps, and the reader is not decord; auto: exact so far.
        scan: with fast: read nothing but key frames, of windows that have a quarter of T (or enough); what that
            leaves to do is said (`ClipFrames.scan`); where no window has, all are read exactly.
        windows: numbers of those wanted, rising, instead of first_window and max_windows; null: as these say.
        clips: so many windows, spread over the clip, whatever its length (see `plan_windows`); null: as many as it holds.

    Raises:
        UsageError: an unknown way to decode.
    """

    path: str
    sampling: Sampling
    preprocess: Preprocess
    start_s: float | None = None
    end_s: float | None = None
    window_s: float | None = None
    stride_s: float | None = None
    reader: str = "auto"
    first_window: int = 0
    max_windows: int = 32
    seed: int | None = None
    crop: bool = True
    decode: str = "auto"
    scan: bool = False
    windows: tuple[int, ...] | None = None
    clips: int | None = None

    def __post_init__(self) -> None:
        if self.decode not in DECODES:
            raise UsageError(f"unknown way to decode {self.decode!r}; known: {', '.join(DECODES)}")


def read_clip(request: ClipRequest) -> ClipFrames:
    """The frames of a clip.

    Frames that cannot be decoded are left out of their windows, and windows of only such frames altogether, with a
    warning; unless these are the clip's first windows, that may leave no window.

    Raises:
        VideoError: the file cannot be used, nothing of the first windows decodes, or the clip lies beyond its end.
    """
    started = time.perf_counter()
    facts = known_facts(request.path)
    plan = _plan(request, facts)
    total = len(plan.indices)
    numbers = np.arange(request.first_window, min(request.first_window + request.max_windows, total))
    if request.windows is not None:
        numbers = np.array([w for w in request.windows if w < total], dtype=np.int64)
    plan = plan.of(numbers)
    by_key_frames = request.decode == "fast" and request.reader != "decord" and facts.ticks is not None
    if by_key_frames and request.scan and (found := _scanned(request, facts, plan, numbers, total, started)):
        return found
    key_frames: NDArray[np.int64] = np.zeros(0, np.int64)
    if by_key_frames:
        exact, plan = plan, to_key_frames(plan, facts.times_s, facts.key_frames)
        key_frames = np.setdiff1d(plan.indices, exact.indices)
    try:
        if not len(numbers):
            raise UnreadableVideo(request.path, f"has {total} windows, none from {request.first_window} on")
        frames = _read(request, facts, plan.indices, key_frames)
    except UnreadableVideo as error:
        if request.first_window or request.windows is not None:
            return _empty(request, facts, plan, total, error.what, time.perf_counter() - started)
        frames = _whatever_decodes(request, facts)
        plan = _plan(request, facts, frames.indices)
        total = len(plan.indices)
    clip, whole = _windows(request, facts, plan, frames, total, started)
    if whole.all():
        return clip
    lost = f"{int((~whole).sum())} windows are left out: nothing of them could be decoded"
    return replace(clip, warnings=(*clip.warnings, lost))


def _scanned(
    request: ClipRequest, facts: VideoFacts, plan: Plan, numbers: NDArray[np.int64], total: int, started: float
) -> ClipFrames | None:
    """Key frames of the windows that hold a few; None where none does, or none of them decodes."""
    moved, enough = scan_key_frames(plan, facts.times_s, facts.key_frames)
    held = np.flatnonzero(enough | (_FEWEST * moved.valid.sum(axis=1) >= request.sampling.frames))
    if not len(held):
        return None
    moved = moved.of(held)
    try:
        frames = _read(request, facts, moved.indices, moved.indices)
    except UnreadableVideo:
        return None
    clip, whole = _windows(request, facts, moved, frames, total, started)
    read = held[whole]
    unread = np.setdiff1d(np.arange(len(numbers)), read)
    return replace(clip, scan=Scan(numbers[read], ~enough[read], tuple(numbers[unread].tolist())))


def _read(request: ClipRequest, facts: VideoFacts, indices: NDArray[np.int64], key_frames: NDArray[np.int64]) -> Frames:
    """Frames at these indices; those that stand for others need not be the same to the last bit, and come sooner."""
    return read_frames(
        request.path,
        np.unique(indices),
        preprocess=request.preprocess,
        crop=request.crop,
        reader=request.reader,
        facts=facts,
        scaled=frozenset(key_frames.ravel().tolist()),
    )


def _windows(
    request: ClipRequest, facts: VideoFacts, plan: Plan, frames: Frames, total: int, started: float
) -> tuple[ClipFrames, NDArray[np.bool_]]:
    """The windows of which anything was decoded, and which these are of the plan's."""
    got = np.isin(plan.indices, frames.indices) & plan.valid
    whole: NDArray[np.bool_] = np.any(got, axis=1)
    got, counts = got[whole], got[whole].sum(axis=1, keepdims=True)
    steps = np.arange(plan.indices.shape[1])[None, :]
    order = np.argsort(~got, axis=1, kind="stable")
    order = np.take_along_axis(order, np.minimum(steps, counts - 1), axis=1)
    indices = np.take_along_axis(plan.indices[whole], order, axis=1)
    clip = ClipFrames(
        path=request.path,
        images=frames.images[np.searchsorted(frames.indices, indices)],
        times_s=facts.times_s[indices],
        indices=indices,
        valid=steps < counts,
        start_s=plan.start_s[whole],
        end_s=plan.end_s[whole],
        windows_total=total,
        decode_s=time.perf_counter() - started,
        warnings=frames.warnings,
        reader=frames.reader,
    )
    return clip, whole


def clip_bounds(request: ClipRequest, facts: VideoFacts) -> tuple[float, float]:
    """Start and end of the clip within its file, in seconds.

    Raises:
        UnreadableVideo: nothing of the file lies between them.
    """
    begin = max(0.0, request.start_s or 0.0)
    stop = facts.duration_s if request.end_s is None else request.end_s
    if not begin < min(stop, facts.duration_s):
        raise UnreadableVideo(
            request.path,
            f"the clip from {begin:g} s to {stop:g} s is empty (the video lasts {facts.duration_s:.2f} s)",
            "check start_s and end_s",
        )
    return begin, min(stop, facts.duration_s)


def _whatever_decodes(request: ClipRequest, facts: VideoFacts) -> Frames:
    """Where none of the chosen frames decodes, those near the start of the clip that do."""
    first = min(int(np.searchsorted(facts.times_s, request.start_s or 0.0)), facts.frames - 1)
    near = np.arange(first, min(first + _NEAR, facts.frames))
    return read_frames(
        request.path, near, preprocess=request.preprocess, crop=request.crop, reader=request.reader, facts=facts
    )


def _plan(request: ClipRequest, facts: VideoFacts, among: NDArray[np.int64] | None = None) -> Plan:
    """The windows of the clip, of all of the frames or among some."""
    start_s, end_s = clip_bounds(request, facts)
    plan = plan_windows(
        facts.times_s if among is None else facts.times_s[among],
        request.sampling,
        duration_s=facts.duration_s,
        start_s=start_s,
        end_s=end_s,
        window_s=request.window_s,
        stride_s=request.stride_s,
        rng=None if request.seed is None else np.random.default_rng(request.seed),
        one_window=request.seed is not None,
        clips=request.clips,
    )
    return plan if among is None else replace(plan, indices=among[plan.indices])


def _empty(request: ClipRequest, facts: VideoFacts, plan: Plan, total: int, why: str, seconds: float) -> ClipFrames:
    side = request.preprocess.crop
    size = (side, side) if request.crop else resized_size(facts.height, facts.width, request.preprocess)
    frames = request.sampling.frames
    return ClipFrames(
        path=request.path,
        images=np.zeros((0, frames, *size, 3), np.uint8),
        times_s=np.zeros((0, frames)),
        indices=np.zeros((0, frames), np.int64),
        valid=np.zeros((0, frames), np.bool_),
        start_s=np.zeros(0),
        end_s=np.zeros(0),
        windows_total=total,
        decode_s=seconds,
        warnings=(*facts.warnings, f"{len(plan.indices)} windows are left out: {why}"),
        reader=request.reader,
    )


def known_facts(path: str) -> VideoFacts:
    """As `probe`, but those of a file that comes in parts are found out once."""
    try:
        stat = os.stat(path)
    except OSError:
        return probe(path)  # which says what is wrong
    return _probed(path, stat.st_size, stat.st_mtime_ns)


def forget_facts() -> None:
    """From now on every file is as one that was never seen before: to time what that takes."""
    _probed.cache_clear()


@lru_cache(maxsize=8)
def _probed(path: str, size: int, changed_ns: int) -> VideoFacts:
    return probe(path)
