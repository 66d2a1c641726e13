"""Decoded frames of a data set on disk, so that training decodes once and not every epoch.

A cache is a folder: `frames.u8` (all pixels, clip after clip) and `index.npz` (where each clip lies, its times, the
clips that failed). It is written under another name and renamed when complete.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import adaframe.errors
from adaframe.errors import VideoError
from adaframe.video.clip import ClipRequest, clip_bounds, known_facts
from adaframe.video.facts import VideoFacts
from adaframe.video.pool import DecodePool
from adaframe.video.reader import read_frames
from adaframe.video.resize import resized_size
from adaframe.video.sampling import plan_windows

# Of the files and of what is put in them: caches of 1 lack frames before the key frames of open GOPs, of 2 have values that
# are one level off.
_VERSION = 3
_PER_FRAME = 2  # candidates per sampled frame, so that training can vary what it samples
_WINDOWS = 4  # at most so many windows' worth of a long clip
_SAMPLED_CLIPS = 64  # looked at to estimate the size
_BUILDING = "building"


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Of one clip: resized frames, uint8, (N, H, W, 3), times, float64, (N,), and the stretches they cover, (S, 2)."""

    images: NDArray[np.uint8]
    times_s: NDArray[np.float64]
    spans_s: NDArray[np.float64]


class FrameCache:
    """Frames of clips, memory-mapped, at `preprocess.resize` and not cropped.

    Each clip has candidates: 2T per window of the sampling, equally spaced in time over the clip; of a clip longer than
    four windows, those of four windows that are spread evenly over it (`spans_s`). Pickled, it opens anew elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with np.load(folder / "index.npz") as index:
            self._offsets, self._shapes = index["offsets"], index["shapes"]
            self._times, self._starts, self._spans = index["times_s"], index["starts"], index["spans_s"]
            failures = json.loads(str(index["failures"]))
        self.errors: dict[int, VideoError] = {
            int(clip): getattr(adaframe.errors, kind)(*parts) for clip, (kind, parts) in failures.items()
        }
        path = folder / "frames.u8"
        self._pixels: NDArray[np.uint8] = (
            np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
        )

    def __reduce__(self) -> tuple[type, tuple[Path]]:
        return type(self), (self.folder,)

    def __len__(self) -> int:
        return len(self._shapes)

    @classmethod
    def build_or_open(
        cls,
        folder: Path,
        requests: Sequence[ClipRequest],
        *,
        pool_workers: int = 0,
        limit_gb: float = 8.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[FrameCache | None, dict[int, VideoError]]:
        """The cache of these clips in `folder`, built where it is missing or a file or setting has changed.

        Args:
            folder: holds caches, one folder each.
            requests: one per clip; their windows, seed and crop do not matter.
            pool_workers: decoding processes; 0 means one per core.
            limit_gb: of what is worth building.
            progress: called with the number of clips done and of all.

        Returns:
            The cache, or None where it would be larger than the limit or the free space; and the clips that cannot be
            used, by number (with None: those met so far).
        """
        target = folder / _key(requests)
        if not target.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(folder)
            with DecodePool(pool_workers) as pool:
                estimate, errors = _estimate(pool, requests)
                if estimate > min(limit_gb * 1e9, shutil.disk_usage(folder).free * 0.9):
                    return None, errors
                prefix = f"{_BUILDING}-{socket.gethostname()}-{os.getpid()}-"
                building = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
                try:
                    _build(building, pool, requests, progress)
                    _publish(building, target)
                finally:
                    shutil.rmtree(building, ignore_errors=True)
        cache = cls(target)
        return cache, dict(cache.errors)

    def times_s(self, clip: int) -> NDArray[np.float64]:
        """Times of the clip's candidates within its file, float64, (N,); none for a clip that failed."""
        times: NDArray[np.float64] = self._times[self._starts[clip] : self._starts[clip + 1]]
        return times

    def spans_s(self, clip: int) -> NDArray[np.float64]:
        """Start and end of the stretches that the candidates cover without a gap, (S, 2)."""
        spans: NDArray[np.float64] = self._spans[clip]
        return spans[~np.isnan(spans[:, 0])]

    def frames(self, clip: int, candidates: ArrayLike) -> NDArray[np.uint8]:
        """Candidates of a clip by number (repeats allowed), RGB, uint8, (T, H, W, 3).

        Raises:
            VideoError: the clip has none.
        """
        if clip in self.errors:
            raise self.errors[clip]
        count, height, width = (int(n) for n in self._shapes[clip])
        start = int(self._offsets[clip])
        pixels = self._pixels[start : start + count * height * width * 3].reshape(count, height, width, 3)
        return np.asarray(pixels[np.asarray(candidates, dtype=np.int64)])


def read_candidates(request: ClipRequest) -> _Candidates:
    """What the cache holds of one clip. Runs in a decoding process."""
    facts = known_facts(request.path)
    indices, spans_s = _candidates(request, facts)
    frames = read_frames(
        request.path, indices, preprocess=request.preprocess, crop=False, reader=request.reader, facts=facts
    )
    return _Candidates(frames.images, frames.times_s, spans_s)


def measure(request: ClipRequest) -> int:
    """Bytes that a clip will need, without decoding it. Runs in a decoding process."""
    facts = known_facts(request.path)
    height, width = resized_size(facts.height, facts.width, request.preprocess)
    return len(_candidates(request, facts)[0]) * height * width * 3


def _candidates(request: ClipRequest, facts: VideoFacts) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Which frames, rising, (N,), and the stretches that they cover, (S, 2)."""
    begin, stop = clip_bounds(request, facts)
    span = request.window_s if request.window_s is not None else request.sampling.window_s
    count, stride = _PER_FRAME * request.sampling.frames, None
    length = stop - begin
    if span is not None and length > _WINDOWS * span:
        stride = (length - span) / (_WINDOWS - 1)
    elif span is not None:
        count = math.ceil(count * max(length / span, 1.0))
        span = max(length, span)
    plan = plan_windows(
        facts.times_s,
        replace(request.sampling, frames=count, window_s=span),
        duration_s=facts.duration_s,
        start_s=begin,
        end_s=stop,
        stride_s=stride,
    )
    return np.unique(plan.indices), np.stack([plan.start_s, plan.end_s], axis=1)


def _estimate(pool: DecodePool, requests: Sequence[ClipRequest]) -> tuple[float, dict[int, VideoError]]:
    """Bytes of the whole cache, from some of the clips, and the errors met."""
    step = max(1, len(requests) // _SAMPLED_CLIPS)
    sizes, errors = [], {}
    for clip, size in zip(range(0, len(requests), step), pool.map(measure, requests[::step]), strict=True):
        if isinstance(size, VideoError):
            errors[clip] = size
        else:
            sizes.append(size)
    return (len(requests) * sum(sizes) / len(sizes) if sizes else 0.0), errors


def _build(
    building: Path, pool: DecodePool, requests: Sequence[ClipRequest], progress: Callable[[int, int], None] | None
) -> None:
    offsets, shapes = np.zeros(len(requests), np.int64), np.zeros((len(requests), 3), np.int64)
    spans = np.full((len(requests), _WINDOWS, 2), np.nan)
    times: list[NDArray[np.float64]] = []
    failures: dict[int, tuple[str, tuple[str, str, str]]] = {}
    offset = 0
    with (building / "frames.u8").open("wb") as file:
        for clip, got in enumerate(pool.map(read_candidates, requests)):
            if isinstance(got, VideoError):
                failures[clip] = (type(got).__name__, (got.where, got.what, got.hint))
                times.append(np.zeros(0))
            else:
                offsets[clip], shapes[clip] = offset, got.images.shape[:3]
                spans[clip, : len(got.spans_s)] = got.spans_s
                times.append(got.times_s)
                file.write(np.ascontiguousarray(got.images).data)
                offset += got.images.nbytes
            if progress is not None:
                progress(clip + 1, len(requests))
        file.flush()
        os.fsync(file.fileno())
    np.savez(
        building / "index.npz",
        offsets=offsets,
        shapes=shapes,
        spans_s=spans,
        starts=np.cumsum([0, *(len(t) for t in times)]),
        times_s=np.concatenate([np.zeros(0), *times]),
        failures=np.array(json.dumps(failures)),
    )


def _publish(building: Path, target: Path) -> None:
    """Gives a complete cache its name. Where another process was faster, its cache, which is the same, stays."""
    try:
        os.replace(building, target)
    except OSError:
        if not target.is_dir():
            raise


def _remove_abandoned(folder: Path) -> None:
    """Removes what builds that were killed on this machine left behind."""
    for path in folder.glob(f"{_BUILDING}-{socket.gethostname()}-*"):
        pid = path.name.removeprefix(f"{_BUILDING}-{socket.gethostname()}-").split("-")[0]
        if not (pid.isdigit() and _is_running(int(pid))):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _key(requests: Sequence[ClipRequest]) -> str:
    """Changes with the clips, their files, and every setting that changes a cached pixel."""
    digest = hashlib.sha256()
    for request in requests:
        try:
            stat = os.stat(request.path)
            file: tuple[Any, ...] = (os.path.abspath(request.path), stat.st_size, stat.st_mtime_ns)
        except OSError:
            file = (os.path.abspath(request.path), None)
        preprocess, sampling = request.preprocess, request.sampling
        settings = (
            preprocess.resize,
            preprocess.fit,
            preprocess.filter,
            request.reader,
            sampling.frames,
            sampling.window_s,
        )
        clip = (request.start_s, request.end_s, request.window_s)
        digest.update(repr((_VERSION, file, settings, clip)).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:24]
