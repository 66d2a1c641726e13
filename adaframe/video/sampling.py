"""Which frames of a video the model gets: T of N, over the whole file or per window of some seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaframe.config import Sampling

_EPS_S = 1e-6


@dataclass(frozen=True, eq=False)
class Plan:
    """Frames of W windows of T frames.

    Args:
        indices: presentation order, int64, (W, T); where not valid, the last valid one again.
        valid: bool, (W, T); valid frames come first, at least one per window; each once, unless `sampling.short` repeats.
        start_s: of the windows, float64, (W,).
        end_s: float64, (W,); not beyond the clip.
    """

    indices: NDArray[np.int64]
    valid: NDArray[np.bool_]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.indices.shape != self.valid.shape or len(self.start_s) != len(self.indices):
            raise ValueError(
                f"plan: indices {self.indices.shape}, valid {self.valid.shape}, start {self.start_s.shape}"
            )

    def of(self, windows: NDArray[np.int64]) -> Plan:
        """The plan of some of the windows."""
        return Plan(self.indices[windows], self.valid[windows], self.start_s[windows], self.end_s[windows])


def plan_windows(
    times_s: ArrayLike,
    sampling: Sampling,
    *,
    duration_s: float | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    window_s: float | None = None,
    stride_s: float | None = None,
    rng: np.random.Generator | None = None,
    one_window: bool = False,
    clips: int | None = None,
) -> Plan:
    """The frames to sample.

    Without a window length the clip is one window of T segments of equally many frames, and the middle frame of each
    is taken (TSN, arXiv:1608.00859; with rng: any). With a window of s seconds, frame k is the one nearest to
    start + (k + 0.5) s / T (with rng: anywhere in its slot); round(duration / s) windows, at least one, are spread
    evenly over the clip, so that they neither leave out its end nor go beyond it. A single window lies in the middle
    of the clip. In a clip shorter than the window, which starts with it, frames beyond the end are not valid; where
    there are fewer than T frames, none is valid twice. With `sampling.short: repeat` the last one is, for all that lack.

    Args:
        times_s: of the frames, rising, float, (N,).
        sampling: T and the window's length.
        duration_s: of the video; default: the last frame lasts as long as the median frame.
        start_s, end_s: the clip within the video; default: all of it.
        window_s: overrides the sampling's.
        stride_s: from window to window, about (they are spread evenly); default: the window's length.
        rng: makes the choice random, for training.
        one_window: a single window, at a random place with rng, otherwise in the middle.
        clips: for testing: as many windows, whatever the length of the clip, at the middles of as many equal parts of the
            room that there is; or, without a window length, as many choices of frames, each as far into their segments.
            Those that would repeat the one before are left out. Without rng.

    Raises:
        ValueError: no frames, or a clip that is empty or lies outside of the video.
    """
    times = np.asarray(times_s, dtype=np.float64)
    frames = sampling.frames
    if times.ndim != 1 or not len(times):
        raise ValueError(f"times_s must be (N,) with N >= 1, got {times.shape}")
    if duration_s is None:
        duration_s = float(times[-1] + (np.median(np.diff(times)) if len(times) > 1 else 0.04))
    begin = max(0.0, start_s or 0.0)
    stop = duration_s if end_s is None else min(end_s, duration_s)
    if not begin < stop:
        raise ValueError(f"the clip from {begin:g} s to {stop:g} s is empty (the video lasts {duration_s:g} s)")
    first = int(np.searchsorted(times, begin - _EPS_S))
    after = int(np.searchsorted(times, stop - _EPS_S))
    if after <= first:  # between two frames
        first = min(max(first - 1, 0), len(times) - 1)
        after = first + 1

    span = window_s if window_s is not None else sampling.window_s
    if span is None:
        shifts = [None] if clips is None else _middles(clips)
        indices = first + np.stack([_segments(after - first, sampling, rng, shift) for shift in shifts])
        starts, ends = np.full(len(shifts), begin), np.full(len(shifts), stop)
        inside = np.ones_like(indices, dtype=np.bool_)
    else:
        if clips is None:
            starts = _starts(begin, stop, span, stride_s or span, after - first, rng, one_window)
        else:
            starts = begin + max(0.0, stop - begin - span) * np.array(_middles(clips))
        ends = np.minimum(starts + span, stop)
        shift = 0.5 if rng is None else rng.random((len(starts), frames))
        targets = starts[:, None] + (np.arange(frames) + shift) * (span / frames)
        middles = (times[first + 1 : after] + times[first : after - 1]) / 2
        indices = first + np.searchsorted(middles, targets)
        inside = targets < stop + _EPS_S
    plan = _distinct(indices.astype(np.int64), inside, starts, ends)
    if sampling.short == "repeat":
        plan = replace(plan, valid=np.ones_like(plan.valid))
    if clips is None:
        return plan
    new = np.append(True, (plan.indices[1:] != plan.indices[:-1]).any(axis=1))
    return plan.of(np.flatnonzero(new))


def to_key_frames(plan: Plan, times_s: NDArray[np.float64], key_frames: NDArray[np.int64]) -> Plan:
    """Moves the frames of windows that have enough key frames to those, which are decoded alone.

    Each valid frame becomes the key frame of its window that is nearest in time (of two, the earlier one). Where several
    become the same, it is valid once: repeated, it would look like a picture that stands still. A window keeps its
    frames where that leaves less than half of them.

    Args:
        plan: of frames anywhere.
        times_s: of all frames of the video, rising, float64, (N,).
        key_frames: their indices, rising, int64, (K,).
    """
    moved, enough = scan_key_frames(plan, times_s, key_frames)
    indices = np.where(enough[:, None], moved.indices, plan.indices)
    return Plan(indices, np.where(enough[:, None], moved.valid, plan.valid), plan.start_s, plan.end_s)


def scan_key_frames(
    plan: Plan, times_s: NDArray[np.float64], key_frames: NDArray[np.int64]
) -> tuple[Plan, NDArray[np.bool_]]:
    """As `to_key_frames`, in every window that holds a key frame, and which windows have enough of them, bool, (W,).

    A window without key frames has no valid frame then.
    """
    indices, valid = plan.indices.copy(), np.zeros_like(plan.valid)
    stamps = times_s[key_frames]
    for w, (start, end) in enumerate(zip(plan.start_s, plan.end_s, strict=True)):
        within = slice(*np.searchsorted(stamps, (start - _EPS_S, end - _EPS_S)))
        keys, key_times = key_frames[within], stamps[within]
        if not len(keys):
            continue
        middles = (key_times[1:] + key_times[:-1]) / 2
        chosen = np.unique(keys[np.searchsorted(middles, times_s[plan.indices[w, plan.valid[w]]])])
        indices[w] = chosen[np.minimum(np.arange(indices.shape[1]), len(chosen) - 1)]
        valid[w] = np.arange(indices.shape[1]) < len(chosen)
    return Plan(indices, valid, plan.start_s, plan.end_s), 2 * valid.sum(axis=1) >= plan.valid.sum(axis=1)


def _middles(parts: int) -> list[float]:
    """The middles of so many equal parts of 0..1."""
    return [(part + 0.5) / parts for part in range(parts)]


def _segments(
    count: int, sampling: Sampling, rng: np.random.Generator | None, into: float | None = None
) -> NDArray[np.int64]:
    """T of `count` frames, one of each of T equal segments, (T,): at random, or so far into each (None: its middle)."""
    frames = sampling.frames
    if rng is not None and sampling.draw == "steps" and count >= frames:
        return np.arange(frames) * (count // frames) + rng.integers(count // frames, size=frames)
    shift = rng.random(frames) if rng is not None and count > frames else 0.5 if into is None else into
    places = np.floor((np.arange(frames) + shift) * count / frames)
    return np.minimum(places, count - 1).astype(np.int64)


def _starts(
    begin: float, stop: float, span: float, stride: float, count: int, rng: np.random.Generator | None, one_window: bool
) -> NDArray[np.float64]:
    """Where the windows start, (W,)."""
    if span <= 0 or stride <= 0:
        raise ValueError(f"windows need a positive length and stride, got {span:g} s and {stride:g} s")
    room = max(0.0, stop - begin - span)
    if one_window:
        return np.array([begin + room * (0.5 if rng is None else rng.random())])
    # More windows than frames would only repeat them (time stamps may jump).
    windows = min(max(1, 1 + int((stop - begin - span) / stride + 0.5 + _EPS_S)), count)
    if windows == 1:
        return np.array([begin + room / 2])
    return begin + np.linspace(0.0, room, windows)


def _distinct(
    indices: NDArray[np.int64], inside: NDArray[np.bool_], starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> Plan:
    """Moves the first occurrence of each frame inside the clip to the front of its window."""
    keep = inside.copy()
    keep[:, 1:] &= indices[:, 1:] > indices[:, :-1]
    keep[:, 0] = True
    order = np.argsort(~keep, axis=1, kind="stable")
    counts = keep.sum(axis=1, keepdims=True)
    indices = np.take_along_axis(indices, order, axis=1)
    places = np.minimum(np.arange(indices.shape[1])[None, :], counts - 1)
    valid = np.arange(indices.shape[1])[None, :] < counts
    return Plan(np.take_along_axis(indices, places, axis=1), valid, starts, ends)
