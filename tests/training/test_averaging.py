"""The average of the weights over the last epochs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from adaframe.config import Config, Stages
from adaframe.training.averaging import LastEpochs
from adaframe.training.callbacks import Resumable
from adaframe.training.fit import fit


class Counter(pl.LightningModule):
    """Its weight is the number of updates made; it notes what validation sees of it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.validated: list[float] = []

    def training_step(self, batch: Tensor, index: int) -> Tensor:
        return -self.weight

    def validation_step(self, batch: Tensor, index: int) -> None:
        self.validated.append(float(self.weight))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1.0)


def trainer(epochs: int, *callbacks: pl.Callback) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def test_the_model_ends_as_the_average_of_its_last_epochs() -> None:
    counter = Counter()

    trainer(5, LastEpochs(first=2)).fit(counter, torch.zeros(1, 1), torch.zeros(1, 1))

    # An update an epoch: after the epochs from number 2 on the weight was 3, 4 and 5.
    assert counter.weight.item() == (3 + 4 + 5) / 3
    # Validation comes before its epoch counts; until there is an average it sees the weights as they are.
    assert counter.validated == [1, 2, 3, 3, 3.5]


def test_a_training_that_ends_before_keeps_its_weights_as_they_are() -> None:
    counter = Counter()

    trainer(3, LastEpochs(first=5)).fit(counter, torch.zeros(1, 1), torch.zeros(1, 1))

    assert counter.weight.item() == 3


def test_a_training_that_goes_on_averages_what_it_would_have_averaged(tmp_path: Path) -> None:
    first, resumed = Counter(), Counter()
    last = tmp_path / "last.ckpt"
    trainer(4, LastEpochs(first=2), Resumable(last)).fit(first, torch.zeros(1, 1))

    trainer(5, LastEpochs(first=2)).fit(resumed, torch.zeros(1, 1), ckpt_path=last, weights_only=True)

    assert first.weight.item() == (3 + 4) / 2
    assert resumed.weight.item() == (3 + 4 + 5) / 3


@pytest.mark.parametrize("epochs", [0, 2])
def test_a_run_averages_the_epochs_that_its_configuration_names(
    make_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs: int
) -> None:
    made = []
    monkeypatch.setattr("adaframe.training.run.LastEpochs", lambda first: made.append(first) or LastEpochs(first))

    fit(make_config(**{"train.stages": Stages(1, 1, 1), "train.average_epochs": epochs}), out=tmp_path)

    assert made == ([3 - epochs] if epochs else [])
    assert (tmp_path / "model.safetensors").is_file()
