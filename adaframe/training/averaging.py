"""The average of a model's weights over its last epochs, which vary less than the last ones do (arXiv:1803.05407)."""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.callbacks import WeightAveraging


class LastEpochs(WeightAveraging):
    """At the end the model gets the average of its weights after each of the last epochs; validation sees it from then on.

    Args:
        first: number of the first epoch that counts, from 0.
    """

    def __init__(self, first: int) -> None:
        super().__init__()
        self.first = first

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        return epoch_idx is not None and epoch_idx >= self.first

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._has_begun():  # A training that is stopped before keeps its weights as they are.
            super().on_train_end(trainer, pl_module)

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._has_begun():
            super().on_validation_epoch_start(trainer, pl_module)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._has_begun():
            super().on_validation_epoch_end(trainer, pl_module)

    def _has_begun(self) -> bool:
        return self._average_model is not None and bool(self._average_model.n_averaged > 0)
