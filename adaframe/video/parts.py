"""Many files, part by part: decoded ahead in child processes, handed out in order, or those first that are decoded first."""

from __future__ import annotations

import time
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


@dataclass(frozen=True, eq=False)
class _File:
    """A file whose first part is decoded, or will be."""

    number: int
    request: ClipRequest
    future: DecodeFuture[ClipFrames]

    def value(self) -> ClipFrames | VideoError:
        try:
            return self.future.result()
        except VideoError as error:
            return error

    def whole(self) -> Part | None:
        """All of a file that is decoded and has one part; None of a longer one."""
        value = self.value()
        if isinstance(value, ClipFrames) and value.windows_total > self.request.max_windows:
            return None
        return Part(self.number, self.request.path, value, last=True)


class Parts:
    """Iterates over the parts of files; a file is an error where its first part is.

    The parts of a file come in order, and so do files; but with `overtake` a file of one part, or an error, goes before
    others that are still decoded, so that a decoder that hangs holds up nobody. A part that fails later is a warning of
    its file. What is decoded and waits is bounded, whatever the number and the length of the files: the first parts of
    twice as many files as the pool has workers (8 at least), and twice as many further parts of the file that is being
    handed out as there are workers, each of at most `max_windows` windows.

    Args:
        pool: that decodes.
        requests: one a file, for its first windows; taken from as parts are; may be endless.
        overtake: how many files may go before one that was asked for earlier.
    """

    def __init__(self, pool: DecodePool, requests: Iterable[ClipRequest], *, overtake: int = 0) -> None:
        self._pool, self._requests, self._overtake = pool, iter(requests), overtake
        self._ahead = max(2 * pool.workers, _FILES_AHEAD)
        self._files: deque[_File] = deque()
        self._taken = 0
        # Of the file that is being handed out: its first windows without their pictures, and what is still to come of it.
        self._file: _File | None = None
        self._first: ClipFrames | None = None
        self._starts: deque[int] = deque()
        self._later: deque[tuple[int, DecodeFuture[ClipFrames]]] = deque()

    def __iter__(self) -> Iterator[Part]:
        return self

    def __next__(self) -> Part:
        self._submit()
        if not self._later and not self._files:
            raise StopIteration
        while self._overtake and not self._in_turn().done():
            if (early := self._early()) is not None:
                return early
            self._pool.wait(self._waited_for())
        if self._later:
            return self._later_part()
        self._file = self._files.popleft()
        value = self._file.value()
        if isinstance(value, VideoError):
            self._submit()
            return Part(self._file.number, self._file.request.path, value, last=True)
        self._first, most = _without_windows(value), self._file.request.max_windows
        self._starts.extend(range(most, value.windows_total, most))
        self._submit()
        return Part(self._file.number, self._file.request.path, value, last=not self._later)

    def begin(self) -> None:
        """Set the pool to work before the first part is asked for."""
        self._submit()

    def ready(self, within_s: float = 0.0) -> bool:
        """Whether the next part, if there is one, can be had without waiting, now or within so many seconds."""
        self._submit()
        until = time.monotonic() + within_s
        while self._later or self._files:
            if self._in_turn().done() or any(file.whole() is not None for file in self._overtaking()):
                return True
            if (left := until - time.monotonic()) <= 0:
                return False
            self._pool.wait(self._waited_for(), left)
        return True

    def busy(self) -> int:
        """How many of the pool's processes have something to decode."""
        undecoded = sum(not future.done() for future in self._futures())
        return min(undecoded, self._pool.workers)

    def close(self) -> None:
        """Gives up on what is not handed out yet."""
        self._requests = iter(())
        self._starts.clear()
        for future in self._futures():
            future.cancel()
        self._later.clear()
        self._files.clear()

    def _futures(self) -> list[DecodeFuture[ClipFrames]]:
        return [*(future for _, future in self._later), *(file.future for file in self._files)]

    def _in_turn(self) -> DecodeFuture[ClipFrames]:
        return self._futures()[0]

    def _waited_for(self) -> list[DecodeFuture[ClipFrames]]:
        """What may bring the next part: what is in turn, and, not decoded yet, what may go before it."""
        head = self._in_turn()
        futures = [file.future for file in self._files] if self._overtake else []
        return [head, *(future for future in futures if future is not head and not future.done())]

    def _overtaking(self) -> list[_File]:
        """Files that are decoded and may go first; what is in turn is not decoded."""
        return [file for file in self._files if self._overtake and file.future.done()]

    def _early(self) -> Part | None:
        for file in self._overtaking():
            if (part := file.whole()) is not None:
                self._files.remove(file)
                self._submit()
                return part
        return None

    def _later_part(self) -> Part:
        assert self._file is not None
        assert self._first is not None
        request = self._file.request
        start, future = self._later.popleft()
        try:
            frames = future.result()
        except VideoError as error:
            lost = min(request.max_windows, self._first.windows_total - start)
            frames = replace(self._first, decode_s=0.0, warnings=(f"{lost} windows are left out: {error.what}",))
        self._submit()
        return Part(self._file.number, request.path, frames, last=not self._later)

    def _submit(self) -> None:
        """Keep the pool busy: with the file at hand first, then with the next ones."""
        while self._starts and len(self._later) < 2 * self._pool.workers:
            assert self._file is not None
            later = replace(self._file.request, first_window=self._starts.popleft())
            self._later.append((later.first_window, self._pool.submit(read_clip, later)))
        while len(self._files) < self._ahead and not self._far_ahead():
            if (request := next(self._requests, None)) is None:
                break
            self._files.append(_File(self._taken, request, self._pool.submit(read_clip, request)))
            self._taken += 1

    def _far_ahead(self) -> bool:
        """Whether as many files as may have gone before the oldest one that is not handed out yet."""
        oldest = self._file if self._later else next(iter(self._files), None)
        return bool(self._overtake and oldest and self._taken - oldest.number > self._overtake)


def _without_windows(frames: ClipFrames) -> ClipFrames:
    """No windows at all, in the shapes of a part; copies, as a view of no frames would still hold all of them."""
    arrays = ("images", "times_s", "indices", "valid", "start_s", "end_s")
    return replace(frames, scan=None, **{name: getattr(frames, name)[:0].copy() for name in arrays})
