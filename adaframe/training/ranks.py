"""Training on several devices of one machine: which rank a process is, and what ranks tell each other.

As every rank takes its share of every batch, and what is random is drawn for whole batches, several ranks learn what one would,
but for rounding and two things: dropout has other masks, and norms that learn (from scratch, in the warm-up; in a baseline,
always) learn from each rank's own clips, their running statistics being averaged after every batch. torch's SyncBatchNorm would
wait for ever where a look is chosen on one rank and not on another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from lightning_fabric.plugins import ClusterEnvironment
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn

from adaframe.config import Config
from adaframe.errors import UsageError
from adaframe.inference.recognizer import pick_device
from adaframe.training.parameters import BATCH_NORMS

if TYPE_CHECKING:
    from adaframe.training.feeding.material import Material


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


def average_norms(network: nn.Module, rank: Rank) -> None:
    """Average the statistics of norms that learn, each from its rank's clips, so that ranks stay the same."""
    norms = [m for m in network.modules() if isinstance(m, BATCH_NORMS) and m.training]
    kept = [b for m in norms for b in (m.running_mean, m.running_var) if b is not None]
    if kept:
        averages = total(torch.cat([b.flatten() for b in kept])) / rank.of
        for buffer, average in zip(kept, averages.split([b.numel() for b in kept]), strict=True):
            buffer.copy_(average.view_as(buffer))
