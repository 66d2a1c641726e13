"""Training on several devices of one machine: the processes, how they meet, and what they tell each other.

The caller's process is rank 0, the chief: it alone prints, writes and goes on after the training. The others are spawned
for one training, without the caller's main module, so that a script needs no `__main__` guard, and end with it.

As every rank takes its share of every batch, and what is random is drawn for whole batches, several ranks learn what one would,
but for rounding and two things: dropout has other masks, and norms that learn (from scratch, in the warm-up; in a baseline,
always) learn from each rank's own clips, their running statistics being averaged after every batch. torch's SyncBatchNorm would
wait for ever where a look is chosen on one rank and not on another.
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

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from lightning_fabric.plugins import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import find_free_network_port
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor

from adaframe.config import Config
from adaframe.errors import AdaframeError, UsageError
from adaframe.inference.recognizer import pick_device
from adaframe.video.child import CONTEXT, end_with_parent

if TYPE_CHECKING:
    from adaframe.model.cost import Costs
    from adaframe.training.material import Material

GRACE_S = 30.0  # from the death of a rank to the end of all, if the others do not notice
LEAVE_S = 60.0  # for the others to end after the training


def count_devices(config: Config) -> int:
    """How many processes train.

    Raises:
        UsageError: there are not so many GPUs, or one was chosen by number.
    """
    device = pick_device(config.device)
    there = torch.cuda.device_count() if device.type == "cuda" else 0
    if config.devices == 0:
        if not there:
            raise UsageError(f"devices 0 means all GPUs, and device is {device}; try: --devices 1")
        return there
    if config.devices > 1 and device.index is not None:
        raise UsageError(
            f"device {config.device} is one device; try: --device {device.type} --devices {config.devices}"
        )
    if config.devices > 1 and device.type not in ("cpu", "cuda"):
        raise UsageError(f"devices {config.devices}: device {device} can only be used alone; try: --devices 1")
    if device.type == "cuda" and config.devices > there:
        raise UsageError(f"devices {config.devices}: there are {there} GPUs; try: --devices {there}, or --device cpu")
    return config.devices


@dataclass(frozen=True)
class Rank:
    """One of the processes that train together.

    Args:
        number: 0 is the chief.
        of: how many there are.
        port: where they meet, on this machine.
    """

    number: int = 0
    of: int = 1
    port: int = 0

    @property
    def chief(self) -> bool:
        return self.number == 0

    def trainer_options(self, device: torch.device) -> dict[str, Any]:
        """Arguments of Lightning's Trainer that say where it runs, and with whom."""
        if self.of == 1:
            return {
                "accelerator": device.type,
                "devices": 1 if device.type != "cuda" or device.index is None else [device.index],
            }
        # Which looks a batch chooses differs from rank to rank: parameters may be unused on one and used on another.
        # Buffers are not copied from the chief with every batch: they are the same, or averaged, by our own doing.
        strategy = DDPStrategy(find_unused_parameters=True, broadcast_buffers=False)
        return {
            "accelerator": device.type,
            "devices": self.of,
            "strategy": strategy,
            "plugins": [Meeting(self)],
            "use_distributed_sampler": False,
        }


ALONE = Rank()


class Meeting(ClusterEnvironment):
    """Tells Lightning which rank this process is; processes are started by us, and no environment variable decides."""

    def __init__(self, rank: Rank) -> None:
        super().__init__()
        self.rank = rank

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        return self.rank.port

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return self.rank.of

    def set_world_size(self, size: int) -> None:
        pass

    def global_rank(self) -> int:
        return self.rank.number

    def set_global_rank(self, rank: int) -> None:
        pass

    def local_rank(self) -> int:
        return self.rank.number

    def node_rank(self) -> int:
        return 0


def total(values: Tensor) -> Tensor:
    """The sum over all ranks, without a gradient; every rank must ask for it."""
    values = values.detach().clone()
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(values)
    return values


def with_other_ranks(one_hot: Tensor) -> Tensor:
    """Actions (B, T, A) with what the other ranks chose as one more row, so that sums are over all, and the gradient our own.

    Returns:
        (1, B·T + 1, A), or the same tensor where there are no other ranks.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return one_hot
    own = one_hot.flatten(0, 1)
    others = total(own.sum(dim=0)) - own.detach().sum(dim=0)
    return torch.cat([own, others[None]])[None]


class Together(pl.Callback):
    """Keeps ranks the same where Lightning does not: the weights that they start from, and the clips found to be bad.

    Args:
        material: whose bad clips are told.
    """

    def __init__(self, material: Material) -> None:
        self.material = material
        self.told = set(material.bad)

    def on_fit_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        for tensor in module.state_dict().values():
            dist.broadcast(tensor, src=0)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        found: list[Any] = [None] * trainer.world_size
        dist.all_gather_object(found, {n: e for n, e in self.material.bad.items() if n not in self.told})
        for clip, error in sorted((pair for part in found for pair in part.items()), key=lambda pair: int(pair[0])):
            if clip not in self.material.bad:
                self.material.leave_out(clip, error)
        self.told = set(self.material.bad)


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
                job.config.model, classes=classes, plan=job.config.policy, pretrained=False, costs=job.costs
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
                return AdaframeError(f"rank {number} of {len(self.processes) + 1} failed ({said or _ended(process)})")
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
                print(f"adaframe: error: training ended, as another process did ({cause})", file=sys.stderr, flush=True)
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
