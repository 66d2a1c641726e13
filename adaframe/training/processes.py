"""The processes of a training on several devices: how they start, and how they end together.

The caller's process is rank 0, the chief: it alone prints, writes and goes on after the training. The others are spawned
for one training, without the caller's main module, so that a script needs no `__main__` guard, and end with it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from lightning_fabric.plugins.environments.lightning import find_free_network_port

from adaframe.config import Config
from adaframe.errors import AdaframeError
from adaframe.training.ranks import ALONE, Rank
from adaframe.video.child_process import CONTEXT, end_with_parent

if TYPE_CHECKING:
    from adaframe.model.cost import Costs
    from adaframe.training.feeding.material import Material

GRACE_S = 30.0  # from the death of a rank to the end of all, if the others do not notice
LEAVE_S = 60.0  # for the others to end after the training


@dataclass(frozen=True, eq=False)
class Job:
    """All that another rank needs for one training."""

    config: Config
    material: Material
    out: Path
    train: Sequence[int]
    held_out: Sequence[int]
    resume: bool
    costs: Costs
    prices: Costs
    ranks: int
    port: int


def _run(job: Job, number: int, report: connection.Connection) -> None:
    """What another rank does: the same training, silently."""
    threading.Thread(target=end_with_parent, name="end-with-parent", daemon=True).start()
    _quiet_output()
    from adaframe.model.network import Network
    from adaframe.training.parameters import freeze
    from adaframe.training.run import Run

    try:
        with job.material.with_pool() as material:
            classes = len(material.data_set.classes)
            network = Network(
                job.config.model,
                classes=classes,
                plan=job.config.policy,
                pretrained=False,
                costs=job.costs,
                prices=job.prices,
            )
            freeze(network, job.config.train)
            rank = Rank(number, job.ranks, job.port)
            run = Run(job.config, material, job.out)
            run.fit(network, list(job.train), list(job.held_out), resume=job.resume, rank=rank)
        with suppress(Exception):  # the chief may have left before
            _leave()
    except BaseException as error:
        with suppress(OSError):
            report.send(error if isinstance(error, AdaframeError) else f"{type(error).__name__}: {error}"[:500])
        os._exit(1)  # Not through the library's own end, which may wait for the other ranks.
    os._exit(0)


def _quiet_output() -> None:
    if os.environ.get("ADAFRAME_DEBUG") != "1":
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)


def _leave() -> None:
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


@contextmanager
def together(config: Config, count: int, job: dict[str, Any]) -> Iterator[Rank]:
    """Run the block as rank 0, with the other ranks beside it.

    Args:
        config: of the run.
        count: of ranks, this one included.
        job: the other fields of `Job`.

    Raises:
        AdaframeError: another rank failed.
    """
    if count == 1:
        yield ALONE
        return
    port, cores, threads = find_free_network_port(), _cores(), torch.get_num_threads()
    workers = config.data.workers or max(1, cores // count)
    job["material"] = job["material"].for_rank(workers)
    others = _Others(Job(config=config, ranks=count, port=port, **job), count)
    before = os.environ.get("OMP_NUM_THREADS")
    try:
        try:
            yield Rank(0, count, port)
        except AdaframeError:
            raise
        except Exception as error:
            others.explain(error)
            raise
        _leave()
        others.leave()
    finally:
        others.kill()
        with suppress(Exception):
            _leave()
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        torch.set_num_threads(threads)


class _Others:
    """The ranks beside the chief, watched."""

    def __init__(self, job: Job, count: int) -> None:
        self.reports: dict[int, connection.Connection] = {}
        self.processes: dict[int, Any] = {}
        self.done = threading.Event()
        threads = os.environ.get("OMP_NUM_THREADS")
        os.environ["OMP_NUM_THREADS"] = threads or str(max(1, _cores() // count))
        try:
            for number in range(1, count):
                receive, send = CONTEXT.Pipe(duplex=False)
                process = CONTEXT.Process(target=_run, args=(job, number, send), name=f"rank-{number}")
                process.start()
                send.close()
                self.reports[number], self.processes[number] = receive, process
        except BaseException:
            self.kill()
            raise
        finally:
            if threads is None:
                del os.environ["OMP_NUM_THREADS"]
        threading.Thread(target=self._watch, name="ranks", daemon=True).start()

    def failure(self) -> AdaframeError | None:
        """Of the first rank that failed, what it reported or how it ended."""
        for number, process in self.processes.items():
            said = None
            with suppress(EOFError, OSError):
                said = self.reports[number].recv() if self.reports[number].poll() else None
            if isinstance(said, AdaframeError):
                return said
            if said is not None or process.exitcode not in (None, 0):
                return AdaframeError(
                    f"rank {number} of {len(self.processes) + 1} failed ({said or _ended(process)}); try: --resume"
                )
        return None

    def explain(self, error: Exception) -> None:
        """Raise another rank's error in place of ours, if ours may only be that the other one is gone."""
        deadline = time.monotonic() + 2.0
        while time.monotonic() < deadline:
            cause = self.failure()
            if cause is not None:
                raise cause from error
            time.sleep(0.05)

    def leave(self) -> None:
        """Wait for all to end well; raises AdaframeError where one does not."""
        self.done.set()
        deadline = time.monotonic() + LEAVE_S
        for process in self.processes.values():
            process.join(max(deadline - time.monotonic(), 0.0))
        cause = self.failure()
        if cause is not None:
            raise cause

    def kill(self) -> None:
        """End those that are left: they write nothing, so there is nothing to lose."""
        self.done.set()
        for process in self.processes.values():
            if process.is_alive():
                process.kill()
            process.join()
        for report in self.reports.values():
            report.close()

    def _watch(self) -> None:
        """Ends the program where a rank has died and the chief, which waits for it in native code, does not notice."""
        while not self.done.wait(1.0):
            dead = {n: p for n, p in self.processes.items() if p.exitcode not in (None, 0)}
            if dead and not self.done.wait(GRACE_S):
                cause = "; ".join(f"rank {n}: {_ended(p)}" for n, p in dead.items())
                print(
                    f"adaframe: error: training ended, as another process did ({cause}); try: --resume",
                    file=sys.stderr,
                    flush=True,
                )
                for process in self.processes.values():
                    process.kill()
                os._exit(1)


def _ended(process: Any) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        with suppress(ValueError):
            return str(signal.Signals(-code).name)
    return f"exit code {code}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
