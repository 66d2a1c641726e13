"""How a decoding process is started, and what it does before its first file.

This module stays free of numpy and the decoders: a child imports it before its limits are set.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import connection, parent_process, spawn
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

_GIGABYTE = 1 << 30
_STARTING = threading.Lock()


def prepare(memory_gb: float, threads: int) -> None:
    """Makes a new child ready: quiet, limited, ending with its parent, decoders loaded."""
    isolate()
    from adaframe.video import pyav_reader

    import_module("adaframe.video.clip")
    pyav_reader.threads = threads
    limit_memory(memory_gb)


def isolate() -> None:
    """Makes a child quiet and lets it end with its parent; call it before numpy is imported."""
    threading.Thread(target=end_with_parent, name="end-with-parent", daemon=True).start()
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"  # idle numpy threads would cost start-up time and address space
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)  # decoders chatter, and crash with a last word; the parent reports both


def limit_memory(memory_gb: float) -> None:
    """Limits the address space to what is in use now and `memory_gb` on top; only Linux tells what is in use."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        with open("/proc/self/statm") as statm:
            used = int(statm.read().split()[0]) * resource.getpagesize()
        limit = used + int(memory_gb * _GIGABYTE)
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))


def end_with_parent() -> None:
    """Ends this process as soon as its parent has ended, however that happened; runs in a thread of its own."""
    parent, parent_id = parent_process(), os.getppid()
    while parent is not None and os.getppid() == parent_id:
        if connection.wait([parent.sentinel], timeout=1.0):
            break
    os._exit(1)


class _Process(SpawnProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        with _STARTING, _without_main(), _without_interrupts():
            return SpawnProcess._Popen(process_obj)


class _Context(SpawnContext):
    Process = _Process


CONTEXT = _Context()


@contextmanager
def _without_main() -> Iterator[None]:
    """Children started in here, by this thread, do not import the main module of the caller.

    Else a script without a `__main__` guard would run once more in each child, and a heavy one would be imported there.
    """
    describe, me = spawn.get_preparation_data, threading.get_ident()

    def describe_without_main(name: str) -> dict[str, Any]:
        data: dict[str, Any] = describe(name)
        if threading.get_ident() == me:
            data.pop("init_main_from_name", None)
            data.pop("init_main_from_path", None)
        return data

    spawn.get_preparation_data = describe_without_main
    try:
        yield
    finally:
        spawn.get_preparation_data = describe


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Children started in here never see Ctrl-C, not even while they start: it is the parent's to handle."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
