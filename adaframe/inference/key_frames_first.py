"""Decoding fast, in two steps: every window is seen by its key frames first, and read exactly where they do not settle it.

A file is decoded again by another request, in any process; until that is done, what came of the first step is held back, so
that files and their windows stay in order. Both steps' executed MACs count. It imports no torch before the model is there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adaframe.errors import VideoError
from adaframe.video import ClipFrames, ClipRequest, DecodeFuture, DecodePool, Part, read_clip

if TYPE_CHECKING:
    from adaframe.inference.total import Recognised
    from adaframe.model.metadata import Metadata

_HELD_BACK = 8  # parts of files, at least


def first_step(request: ClipRequest, metadata: Metadata) -> ClipRequest:
    """The request to begin with: of key frames alone, where that is wanted and the model knows when it is unsure."""
    return replace(request, scan=request.decode == "fast" and metadata.unsure_below > 0)


def second_step(request: ClipRequest, windows: Sequence[int]) -> ClipRequest:
    """The request for windows that are left, by number."""
    return replace(request, decode="exact", scan=False, windows=tuple(windows))


@dataclass
class _Held:
    """A part that is held back; `frames`: of its windows that are read exactly."""

    part: Part
    recognised: Recognised | None
    frames: DecodeFuture[ClipFrames] | None = None


class KeyFramesFirst:
    """Takes parts of files in their order, and hands them out in that order when all of their windows are answered.

    What waits is bounded: so many parts are held back, without their pictures, and as many second steps are under way.

    Args:
        pool: that decodes second steps.
        metadata: of the model.
        request: of a file's first windows, by its path.
        recognise: windows of several parts -> what came of each.
        batch_pixels: a batch of second steps ends with the part that reaches this.
    """

    def __init__(
        self,
        pool: DecodePool,
        metadata: Metadata,
        request: Callable[[str], ClipRequest],
        recognise: Callable[[Sequence[ClipFrames]], list[Recognised]],
        batch_pixels: int,
    ) -> None:
        self._pool, self._metadata, self._request = pool, metadata, request
        self._recognise, self._batch_pixels = recognise, batch_pixels
        self._most = max(2 * pool.workers, _HELD_BACK)
        self._held: deque[_Held] = deque()
        self._drawn = -1  # the last file whose first pictures were handed on

    def through(self, batches: Iterable[Sequence[Part]]) -> Iterator[tuple[Part, Recognised | None]]:
        """All parts of these batches, in order, and what came of each (None: it is its file's error)."""
        for batch in batches:
            self._begin(batch)
            yield from self._answered(self._most)
        yield from self._answered(0)

    def close(self) -> None:
        """Gives up on what is not handed out yet."""
        for held in self._held:
            if held.frames is not None:
                held.frames.cancel()
        self._held.clear()

    def _begin(self, parts: Sequence[Part]) -> None:
        """Recognise parts, as one batch, and have decoded what that leaves to do."""
        frames = [part.frames for part in parts if not isinstance(part.frames, VideoError)]
        recognised = iter(self._recognise(frames) if frames else ())
        for part in parts:
            held = _Held(part, None if isinstance(part.frames, VideoError) else next(recognised))
            self._held.append(held)
            if held.recognised is not None:
                self._go_on(held, held.recognised)
            self._drawn = part.number

    def _go_on(self, held: _Held, recognised: Recognised) -> None:
        from adaframe.inference.scan import unsettled

        windows = unsettled(recognised, self._metadata)
        if windows:
            held.frames = self._pool.submit(read_clip, second_step(self._request(held.part.path), windows))
        if windows and held.part.number == self._drawn:  # While others wait, only a file's first pictures are kept.
            bare = replace(recognised.frames, images=recognised.frames.images[:0].copy())
            held.recognised = replace(recognised, frames=bare)

    def _answered(self, most: int) -> Iterator[tuple[Part, Recognised | None]]:
        """Parts that are done, in order, as far as this needs no waiting; and with waiting, until so many are held back."""
        while self._held:
            while self._held and self._held[0].frames is None:
                done = self._held.popleft()
                yield done.part, done.recognised
            second = [held for held in self._held if held.frames is not None and held.frames.done()]
            if not second and len(self._held) > most:
                second = [self._held[0]]
            if not second:
                return
            self._finish(second)

    def _finish(self, second: Sequence[_Held]) -> None:
        """Recognise windows that were read exactly, as many as make a batch."""
        from adaframe.inference.scan import merged, without_second

        batch: list[tuple[_Held, ClipFrames]] = []
        for held in second:
            assert held.frames is not None
            assert held.recognised is not None
            future, held.frames = held.frames, None
            try:
                batch.append((held, future.result()))
            except VideoError as error:
                held.recognised = without_second(held.recognised, error)
            if sum(frames.images.size // 3 for _, frames in batch) >= self._batch_pixels:
                break
        if not batch:
            return
        for (held, _), again in zip(batch, self._recognise([frames for _, frames in batch]), strict=True):
            assert held.recognised is not None
            held.recognised = merged(held.recognised, again, self._metadata)
