"""Batches made in the background, so that the model need not wait for them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol

from adaframe.training.feeding.batch import Batch

AHEAD = 4  # batches
AHEAD_BYTES = 1 << 30
PATIENCE_S = 2.0  # with a thread that is to end


class Sized(Iterable[Batch], Protocol):
    def __len__(self) -> int: ...


class Prefetched:
    """The same batches in the same order, made by one thread while the model works on those before.

    At most `ahead` batches wait, and less than `most_bytes` before one more is made. What the making raises is raised where
    that batch would have come. `close` ends the thread, wherever it is; a second pass starts anew.

    Args:
        batches: made by iterating, in the thread; nothing else may iterate them meanwhile.
        ahead: batches that may wait.
        most_bytes: of the batches that wait.
    """

    def __init__(self, batches: Sized, *, ahead: int = AHEAD, most_bytes: int = AHEAD_BYTES) -> None:
        self.batches, self.ahead, self.most_bytes = batches, ahead, most_bytes
        self.waited_s = self.lasted_s = self.began_s = 0.0
        self._maker: _Maker | None = None
        self._given = 0

    def __len__(self) -> int:
        return len(self.batches)

    @property
    def waiting(self) -> float:
        """Share of the last pass that was spent waiting for batches, 0..1."""
        return min(self.waited_s / self.lasted_s, 1.0) if self.lasted_s else 0.0

    def start(self) -> None:
        """Begin in advance, before the first batch is asked for."""
        if self._maker is None:
            self._maker, self._given = _Maker(self.batches, self.ahead, self.most_bytes), 0

    def __iter__(self) -> Iterator[Batch]:
        if self._given:
            self.close()
        self.start()
        return self._pass()

    def _pass(self) -> Iterator[Batch]:
        assert self._maker is not None
        maker = self._maker
        self.began_s, self.waited_s = time.perf_counter(), 0.0
        while True:
            asked = time.perf_counter()
            batch = maker.take()
            self.waited_s += time.perf_counter() - asked
            self.worked()
            if batch is None:
                break
            self._given += 1
            yield batch
        self.close()

    def worked(self) -> None:
        """A batch has been worked on; to be told, as whoever knows the length never asks for more than the last batch."""
        self.lasted_s = time.perf_counter() - self.began_s

    def close(self) -> None:
        """End the thread and forget what it has made."""
        if self._maker is not None:
            self._maker.close()
            self._maker = None


class _Maker:
    """A thread that iterates, and what it has made so far."""

    def __init__(self, batches: Sized, ahead: int, most_bytes: int) -> None:
        self.ahead, self.most_bytes = ahead, most_bytes
        self.made: deque[Batch] = deque()
        self.changed = threading.Condition()
        self.ended, self.closed = False, False
        self.error: BaseException | None = None
        # A daemon: where nobody closes it, it must not keep the program from ending.
        self.thread = threading.Thread(target=self._run, args=(batches,), name="batches", daemon=True)
        self.thread.start()

    def take(self) -> Batch | None:
        """The next batch, or None after the last; raises what its making raised."""
        with self.changed:
            self.changed.wait_for(lambda: self.made or self.ended or self.closed)
            if self.made:
                batch = self.made.popleft()
                self.changed.notify_all()
                return batch
        if self.error is not None:
            raise self.error
        return None

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.made.clear()
            self.changed.notify_all()
        # A decoder that hangs is waited for until its time is up, or its pool is closed, but not here.
        self.thread.join(timeout=PATIENCE_S)

    def _run(self, batches: Sized) -> None:
        iterator = iter(batches)
        try:
            while self._room():
                try:
                    batch = next(iterator)
                except StopIteration:
                    break
                with self.changed:
                    self.made.append(batch)
                    self.changed.notify_all()
        except BaseException as error:  # whatever it is, it is raised where the batch is asked for
            self.error = error
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()  # A generator's own way to give up what it has begun, such as decoding.
            with self.changed:
                self.ended = True
                self.changed.notify_all()

    def _room(self) -> bool:
        """Waits until one more batch may be made; False when there shall be none."""
        with self.changed:
            self.changed.wait_for(lambda: self.closed or not self.made or self._has_room())
            return not self.closed

    def _has_room(self) -> bool:
        return len(self.made) < self.ahead and sum(batch.nbytes for batch in self.made) < self.most_bytes
