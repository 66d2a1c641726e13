"""What Lightning trains and validates on: batches of each epoch, made in the background, and what waiting for them costs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch

from adaframe.model.network import Network
from adaframe.training.feeding.batch import Batch
from adaframe.training.feeding.material import Material
from adaframe.training.feeding.prefetch import Prefetched

MUCH = 0.3  # of an epoch's time: so much waiting is worth a hint


class Feeding(pl.LightningDataModule):
    """Batches of each epoch; made anew each time, as their order and augmentation come from (seed, epoch, clip).

    The next epoch's first batches are begun while this one is validated. Use it in a `with` statement: whatever ends the
    training, nothing goes on in the background.

    Args:
        material: what there is.
        network: whose samples are wanted.
        train: numbers of the clips to learn from.
        held_out: of those that are only watched.
        seed: of the run.
        frozen: whether features of frozen backbones are used, where there are any.
        share: rank and number of ranks.
    """

    def __init__(
        self,
        material: Material,
        network: Network,
        train: Sequence[int],
        held_out: Sequence[int],
        *,
        seed: int,
        frozen: bool,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        super().__init__()
        self.material, self.network, self.train, self.held_out = material, network, train, held_out
        self.seed, self.frozen, self.share = seed, frozen, share
        self.epochs: dict[int, Prefetched] = {}
        self.watched: Prefetched | None = None

    def __enter__(self) -> Feeding:
        return self

    def __exit__(self, *_: object) -> None:
        for prefetched in [*self.epochs.values(), *([self.watched] if self.watched else [])]:
            prefetched.close()
        self.epochs.clear()

    def epoch(self, number: int) -> Prefetched:
        """The batches of an epoch; those of earlier ones are forgotten."""
        for earlier in [n for n in self.epochs if n < number - 1]:
            self.epochs.pop(earlier).close()
        if number not in self.epochs:
            batches = self.material.batches(
                self.network, self.train, seed=(self.seed, number), frozen=self.frozen, share=self.share
            )
            self.epochs[number] = Prefetched(batches)
        return self.epochs[number]

    def train_dataloader(self) -> Prefetched:
        assert self.trainer is not None
        return self.epoch(self.trainer.current_epoch)

    def val_dataloader(self) -> Any:
        if not self.held_out:
            return []
        if self.watched is not None:
            self.watched.close()
        self.watched = Prefetched(
            self.material.batches(self.network, self.held_out, frozen=self.frozen, share=self.share)
        )
        return self.watched

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        return batch.to(device)


class Waiting(pl.Callback):
    """Logs the share of an epoch's time in which the model waited for batches, and says what to do if it is large.

    Args:
        feeding: what is waited for.
    """

    def __init__(self, feeding: Feeding) -> None:
        self.feeding = feeding
        self.said = False

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        epoch = trainer.current_epoch
        batches = self.feeding.epoch(epoch)
        batches.worked()
        if batch_idx + 1 == len(batches):
            # Of several ranks, the one that waited longest: the others waited for it.
            module.log("train/waiting", batches.waiting, on_step=False, on_epoch=True, reduce_fx="max", sync_dist=True)
            if epoch + 1 < (trainer.max_epochs or 0):
                self.feeding.epoch(epoch + 1).start()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        share = float(trainer.callback_metrics.get("train/waiting", 0.0))
        if share > MUCH and not self.said and self.feeding.material.chief:
            self.said = True
            print(f"the model waited for its clips {share:.0%} of the time; try: {self._hint()}", file=sys.stderr)

    def _hint(self) -> str:
        data, material = self.feeding.material.config.data, self.feeding.material
        if material.cache is not None:
            return "a faster disk for data.cache, or data.jitter 0 and data.scale 1, which leave the frames as they are"
        if not data.cache:
            return "data.cache auto, which decodes once"
        return (
            f"a data.cache_gb above {data.cache_gb:g} and a disk with that much space, so that clips are decoded once"
        )
