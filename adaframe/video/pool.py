"""Safe decoding: in child processes with a time limit, a memory limit and blame per file.

Decoders are native code that meets untrusted files. What crashes, hangs or swells in a child costs that one file.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures import TimeoutError as TaskTimeout
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from threading import Lock
from typing import Any, Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

from adaframe.errors import AdaframeError, DecoderFailure, VideoError
from adaframe.video.child_process import CONTEXT, prepare

Result = TypeVar("Result")
Request = TypeVar("Request")

_MAX_THREADS = 4  # of one decoder; more bring little
_STARTS = 3  # of a task whose pool broke down around it
_LOOK_S = 1.0  # from one look after a pool that may have broken down to the next


class DecodeFuture(Generic[Result]):
    """A result to come."""

    def __init__(self, start: Callable[[], tuple[Any, Any]], where: str, timeout_s: float, memory_gb: float) -> None:
        self._start, self._where = start, where
        self._future, self._pool = start()
        self._timeout_s, self._memory_gb = timeout_s, memory_gb

    def result(self) -> Result:
        """Waits for the result.

        Raises:
            VideoError: the function's own, or DecoderFailure where the child crashed, hung or used too much memory.
            UsageError, MissingExtra: the function's own.
        """
        where = self._where
        try:
            result: Result = self._finished()
        except AdaframeError:
            raise
        except ProcessExpired as error:
            raise DecoderFailure(where, f"the decoder crashed ({_exit_of(error)})", "re-encode the file") from None
        except TaskTimeout:
            raise DecoderFailure(
                where, f"decoding took longer than {self._timeout_s:g} s", "a shorter or smaller file"
            ) from None
        except MemoryError:
            raise DecoderFailure(
                where, f"decoding needs more than {self._memory_gb:g} GB of memory", "a smaller picture"
            ) from None
        except BrokenProcessPool:
            raise DecoderFailure(
                where, "decoding processes cannot be started", "check free memory and limits"
            ) from None
        except Exception as error:
            raise DecoderFailure(
                where, f"decoding failed ({type(error).__name__}: {error})", f"ffprobe {where}"
            ) from error
        return result

    def _finished(self) -> Result:
        for _ in range(_STARTS - 1):
            with suppress(BrokenProcessPool):  # through no fault of this task, or not proven: again, in new children
                return self._answer()
            self._future, self._pool = self._start()
        return self._answer()

    def _answer(self) -> Result:
        """What the task gave; pebble may forget it where all children die at once, by a signal to the process group."""
        while True:
            try:
                result: Result = self._future.result(_LOOK_S)
                return result
            except TaskTimeout:
                if self._future.done():  # it is the task's own
                    raise
                if not self._pool.active:
                    raise BrokenProcessPool from None

    def done(self) -> bool:
        """Whether there is a result, or an error, so that `result` does not wait (but for a pool that broke down)."""
        return bool(self._future.done() or not self._pool.active)

    def cancel(self) -> None:
        """Gives up on it; a child that works on it is ended."""
        self._future.cancel()


class DecodePool:
    """Runs functions in spawned processes; use it in a `with` statement.

    The children start at once, so that they are ready when the caller is. They import neither torch nor the caller's
    main module: functions must be importable, from adaframe or another module.

    Args:
        workers: child processes; 0 means one per core.
        timeout_s: time limit per task.
        memory_gb: memory limit per child, beside what it needs to start (where the system supports it).
    """

    def __init__(self, workers: int = 0, timeout_s: float = 60.0, memory_gb: float = 4.0) -> None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.workers = workers or cores
        self.timeout_s, self.memory_gb = timeout_s, memory_gb
        self._threads = max(1, min(_MAX_THREADS, cores // self.workers))
        self._lock, self._closed = Lock(), False
        self._pool = self._started()

    def _started(self) -> Any:
        pool = ProcessPool(
            max_workers=self.workers, initializer=prepare, initargs=(self.memory_gb, self._threads), context=CONTEXT
        )
        pool.schedule(os.getpid)  # pebble starts its processes with the first task
        return pool

    def __enter__(self) -> DecodePool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the children, with whatever they are doing."""
        with self._lock:
            self._closed = True
            self._pool.stop()
            self._pool.join()

    def submit(self, function: Callable[..., Result], *args: Any) -> DecodeFuture[Result]:
        """Runs `function(*args)` in a child. Errors name the path of the first argument (itself, or its `path`)."""
        return DecodeFuture(lambda: self._schedule(function, args), _path_of(args), self.timeout_s, self.memory_gb)

    def wait(self, futures: Sequence[DecodeFuture[Any]], within_s: float | None = None) -> None:
        """Waits until one of the futures is done, or so many seconds (None: without end)."""
        until_s = float("inf") if within_s is None else time.monotonic() + within_s
        while not any(future.done() for future in futures) and (left_s := until_s - time.monotonic()) > 0:
            wait([future._future for future in futures], min(left_s, _LOOK_S), FIRST_COMPLETED)

    def _schedule(self, function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, Any]:
        """Pebble's future, and the pool that it belongs to."""
        with self._lock:
            if self._closed:
                raise RuntimeError("this DecodePool is closed")
            if not self._pool.active:
                # A child that dies between two tasks breaks pebble's pool.
                self._pool.stop()
                self._pool.join()
                self._pool = self._started()
            return self._pool.schedule(function, args=args, timeout=self.timeout_s), self._pool

    def map(
        self, function: Callable[[Request], Result], requests: Iterable[Request], *, ahead: int = 0
    ) -> Iterator[Result | VideoError]:
        """Results in the order of the requests, errors of single files as values.

        Args:
            function: of one request.
            requests: taken from as results are; may be endless.
            ahead: how many are worked on, or waiting, beyond the one that is handed out; 0 means twice the workers.
        """
        ahead = ahead or 2 * self.workers
        waiting: deque[DecodeFuture[Result]] = deque()
        try:
            for request in requests:
                waiting.append(self.submit(function, request))
                if len(waiting) > ahead:
                    yield _value(waiting.popleft())
            while waiting:
                yield _value(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()


def _value(future: DecodeFuture[Any]) -> Any:
    try:
        return future.result()
    except VideoError as error:
        return error


def _path_of(args: tuple[Any, ...]) -> str:
    first = args[0] if args else "?"
    return str(getattr(first, "path", first))


def _exit_of(error: Any) -> str:
    code = getattr(error, "exitcode", None)
    if code is not None and code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            pass
    return f"exit code {code}"
