"""Many files, part by part: decoded ahead in child processes, handed out in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from adaframe.errors import VideoError
from adaframe.video.clip import ClipRequest, read_clip
from adaframe.video.clip_frames import ClipFrames
from adaframe.video.pool import DecodeFuture, DecodePool

_FILES_AHEAD = 8  # at least; so that few workers too leave several short files at once to the model


@dataclass(frozen=True, eq=False)
class Part:
    """What came of some windows of a file.

    Args:
        number: of the file's request, counted from 0.
        path: of the file.
        frames: of the windows, maybe none; or why the file cannot be used at all.
        last: whether nothing more of this file comes.
    """

    number: int
    path: str
    frames: ClipFrames | VideoError
    last: bool


class Parts:
    """Iterates over the parts of files, in order; a file is an error where its first part is.

    A part that fails later is a warning of its file. What is decoded and waits is bounded, whatever the number and the
    length of the files: the first parts of twice as many files as the pool has workers (8 at least), and as many further
    parts of the file that is being handed out, each of at most `max_windows` windows.

    Args:
        pool: that decodes.
        requests: one a file, for its first windows; taken from as parts are; may be endless.
    """

    def __init__(self, pool: DecodePool, requests: Iterable[ClipRequest]) -> None:
        self._pool, self._requests = pool, iter(requests)
        self._ahead = max(2 * pool.workers, _FILES_AHEAD)
        self._files: deque[tuple[ClipRequest, DecodeFuture[ClipFrames]]] = deque()
        self._number = -1
        # Of the file that is being handed out: its first windows without their pictures, and what is still to come of it.
        self._request: ClipRequest | None = None
        self._first: ClipFrames | None = None
        self._starts: deque[int] = deque()
        self._later: deque[tuple[int, DecodeFuture[ClipFrames]]] = deque()

    def __iter__(self) -> Iterator[Part]:
        return self

    def __next__(self) -> Part:
        self._submit()
        if self._later:
            return self._later_part()
        if not self._files:
            raise StopIteration
        self._request, future = self._files.popleft()
        self._number += 1
        path = self._request.path
        try:
            frames = future.result()
        except VideoError as error:
            self._submit()
            return Part(self._number, path, error, last=True)
        self._first = _without_windows(frames)
        self._starts.extend(range(self._request.max_windows, frames.windows_total, self._request.max_windows))
        self._submit()
        return Part(self._number, path, frames, last=not self._later)

    def begin(self) -> None:
        """Set the pool to work before the first part is asked for."""
        self._submit()

    def ready(self) -> bool:
        """Whether the next part, if there is one, can be had without waiting."""
        self._submit()
        if self._later:
            return self._later[0][1].done()
        return not self._files or self._files[0][1].done()

    def close(self) -> None:
        """Gives up on what is not handed out yet."""
        self._requests = iter(())
        self._starts.clear()
        for _, future in (*self._later, *self._files):
            future.cancel()
        self._later.clear()
        self._files.clear()

    def _later_part(self) -> Part:
        assert self._request is not None
        assert self._first is not None
        start, future = self._later.popleft()
        try:
            frames = future.result()
        except VideoError as error:
            lost = min(self._request.max_windows, self._first.windows_total - start)
            frames = replace(self._first, decode_s=0.0, warnings=(f"{lost} windows are left out: {error.what}",))
        self._submit()
        return Part(self._number, self._request.path, frames, last=not self._later)

    def _submit(self) -> None:
        """Keep the pool busy: with the file at hand first, then with the next ones."""
        while self._starts and len(self._later) < self._ahead:
            assert self._request is not None
            start = self._starts.popleft()
            self._later.append((start, self._pool.submit(read_clip, replace(self._request, first_window=start))))
        while len(self._files) < self._ahead and (request := next(self._requests, None)) is not None:
            self._files.append((request, self._pool.submit(read_clip, request)))


def _without_windows(frames: ClipFrames) -> ClipFrames:
    """No windows at all, in the shapes of a part; copies, as a view of no frames would still hold all of them."""
    arrays = ("images", "times_s", "indices", "valid", "start_s", "end_s")
    return replace(frames, scan=None, **{name: getattr(frames, name)[:0].copy() for name in arrays})
