"""One training in one folder: the network it starts from, the clips it uses, the fit, and what it leaves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from adaframe import __version__
from adaframe.config import Config
from adaframe.errors import AdaframeError, CheckpointError
from adaframe.inference.recognizer import pick_device
from adaframe.model.checkpoint import save_checkpoint
from adaframe.model.metadata import CalibrationPoint, Metadata
from adaframe.model.network import Features, Network
from adaframe.model.temporal import Standardise
from adaframe.training.averaging import LastEpochs
from adaframe.training.calibration import Curve, Outcome, curve, outcome, trace
from adaframe.training.callbacks import Metrics, Progress, Resumable, Tidy
from adaframe.training.feeding.batch import Batch
from adaframe.training.feeding.loader import Feeding, Waiting
from adaframe.training.feeding.material import Material
from adaframe.training.keep import Keep
from adaframe.training.losses import balancing_weights
from adaframe.training.module import Recogniser
from adaframe.training.processes import together
from adaframe.training.ranks import Rank, Together, count_devices
from adaframe.training.unsure import confidences, strangeness, unsure_limits

CALIBRATED_IN_HASTE = 256  # held-out clips, after Ctrl-C


@dataclass(frozen=True, eq=False)
class Run:
    """One training in one folder.

    Args:
        config: of the training.
        material: that it learns from.
        out: the folder.
        kept: whether it tells, writes and saves its progress; a study makes many short ones that are not resumed.
    """

    config: Config
    material: Material
    out: Path
    kept: bool = True

    def train(self, network: Network, train: list[int], held_out: list[int], *, resume: bool) -> Recogniser:
        """Fit the network on some clips, on all devices of the run; the held-out ones are only watched."""
        if self.config.train.only == "all":
            _standardise(network, self.material, train)
        job = {"material": self.material, "out": self.out, "train": train, "held_out": held_out, "resume": resume}
        job |= {"costs": network.costs, "prices": network.prices}
        with together(self.config, count_devices(self.config), job) as rank:
            module = self.fit(network, train, held_out, resume=resume, rank=rank)
        self._learn_the_usual(module, train)
        return module

    def fit(self, network: Network, train: list[int], held_out: list[int], *, resume: bool, rank: Rank) -> Recogniser:
        """One rank's part of `train`."""
        config, material = self.config, self.material
        frozen = material.features is not None
        batches = material.batches(network, train, seed=(config.seed, 0), frozen=frozen)
        module = Recogniser(
            network,
            config,
            multi_label=material.data_set.multi_label,
            clips=len(train),
            batches_per_epoch=len(batches),
            rank=rank,
            class_weights=self._class_weights(train),
            tells=self.kept,
        )
        # An average over the last epochs takes the place of the best one.
        best = config.train.keep == "best" and not config.train.average_epochs
        keep = Keep(budget=config.budget, patience=config.train.patience, best=best)
        last, device = self.out / "last.ckpt", pick_device(config.device)
        data = Feeding(
            material, network, train, held_out, seed=config.seed, frozen=frozen, share=(rank.number, rank.of)
        )
        callbacks: list[pl.Callback] = [Together(material)] if rank.of > 1 else []
        callbacks += [*_averaging(module), keep]
        if self.kept:
            callbacks += [Waiting(data)]
            callbacks += [Progress(), Metrics(self.out / "metrics.csv")] if rank.chief else []
            callbacks += [Resumable(last)]
        trainer = pl.Trainer(
            max_epochs=module.schedule.epochs,
            **rank.trainer_options(device),
            precision=config.train.precision,
            accumulate_grad_batches=config.train.accumulate,
            gradient_clip_val=config.train.clip or None,
            logger=_tensorboard(self.out) if rank.chief and self.kept else False,
            callbacks=[*callbacks, Tidy()],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            reload_dataloaders_every_n_epochs=1,
            log_every_n_steps=1,
            default_root_dir=self.out,
        )
        go_on = resume and last.exists()
        try:
            with data:
                trainer.fit(
                    module, datamodule=data, ckpt_path=last if go_on else None, weights_only=True if go_on else None
                )
        except SystemExit:  # Lightning's answer to Ctrl-C
            if not last.exists():
                raise AdaframeError("interrupted before the first epoch was done: nothing to go on with") from None
            usable = self._leave_usable(module, keep, train, held_out)
            raise AdaframeError(f"interrupted; what was learnt is in {last}{usable}; try: --resume to go on") from None
        except (RuntimeError, KeyError) as error:
            if go_on and trainer.global_step == 0:
                what = " ".join(str(error).split())[:200]
                raise CheckpointError(
                    f"{last}: does not fit this run ({what}); try: the config it was begun with"
                ) from error
            raise
        if keep.restore(module) and rank.chief:
            print(f"kept epoch {keep.kept_epoch}: the best on the held-out clips", file=sys.stderr)
        return module

    def _class_weights(self, train: list[int]) -> Tensor | None:
        if self.config.train.balance == "none":
            return None
        targets = torch.from_numpy(self.material.targets[train])
        return balancing_weights(targets, multi_label=self.material.data_set.multi_label)

    def _leave_usable(self, module: Recogniser, keep: Keep, train: list[int], held_out: list[int]) -> str:
        """Write what an interrupted run has learnt as a model; returns words about it, none where it is no use yet."""
        if module.network.plan is None and module.schedule.stage(module.current_epoch) == "warmup":
            return ""
        print("interrupted: writing the model as it is (Ctrl-C once more leaves that out)", file=sys.stderr)
        keep.restore(module)
        self._learn_the_usual(module, train)
        some = held_out or train
        outcomes = self.outcomes(module, some[:: -(-len(some) // CALIBRATED_IN_HASTE)])
        budget = self.config.budget
        self.save(
            module,
            curve(outcomes),
            *confidences(outcomes, budget),
            trained_on=len(train),
            strangeness=strangeness(outcomes, budget),
            facts={"interrupted_in_epoch": module.current_epoch + 1},
        )
        return f", and a model of it in {self.out / 'model.safetensors'}"

    @torch.no_grad()
    def _learn_the_usual(self, module: Recogniser, train: list[int]) -> None:
        """Set what the head knows of its training clips' summaries, under the model's own decisions."""
        module.eval()
        batches = self.material.batches(module.network, train)
        summaries = [module.summarise(batch.to(module.device))[0] for batch in batches]
        module.network.head.usual.fit(torch.cat(summaries))

    def answers(self, module: Recogniser, clips: list[int]) -> Callable[[float], Outcome]:
        """What the model answers for these clips, by the bias of its action logits."""
        batches = _with_features(module.network, self.material.batches(module.network, clips))
        return lambda beta: outcome(module, batches, beta)

    def outcomes(self, module: Recogniser, clips: list[int]) -> Curve:
        """What the model answers for these clips along its whole curve."""
        answer = self.answers(module, clips)
        return trace(answer) if module.network.plan is None else [(0.0, answer(0.0))]

    def save(
        self,
        module: Recogniser,
        calibration: tuple[CalibrationPoint, ...],
        confidence: np.ndarray,
        right: np.ndarray,
        *,
        trained_on: int,
        strangeness: np.ndarray | None = None,
        facts: dict[str, Any] | None = None,
    ) -> Metadata:
        """Write model.safetensors."""
        config, network = self.config, module.network
        below, above = unsure_limits(confidence, right, strangeness)
        metadata = Metadata(
            model=config.model,
            plan=config.policy,
            classes=self.material.data_set.classes,
            multi_label=self.material.data_set.multi_label,
            costs=network.costs,
            prices=network.prices if network.prices.counted != "macs" else None,
            calibration=calibration if network.plan is None else (),
            budget=config.budget,
            unsure_below=below,
            strange_above=above,
            training={
                "adaframe": __version__,
                "clips": trained_on,
                "epochs": module.schedule.epochs,
                "seed": config.seed,
                **(facts or {}),
            },
        )
        save_checkpoint(self.out / "model.safetensors", network, metadata, half=config.train.save_half)
        return metadata


def _standardise(network: Network, material: Material, train: list[int]) -> None:
    """Set the head's stored means and deviations, where it has them (head.width: 0)."""
    if not any(isinstance(m, Standardise) for m in network.head.project):
        return
    batches = _with_features(network, material.batches(network, train))
    features = [b.features for b in batches if b.features is not None]
    glances = [f.glance for f in features if f.glance is not None]
    looks = tuple(torch.cat(x) for x in zip(*(f.looks for f in features), strict=True))
    device = next(network.parameters()).device
    everything = replace(
        batches[0],
        features=Features(torch.cat(glances) if glances else None, looks),
        valid=torch.cat([b.valid for b in batches]),
        times_s=torch.cat([b.times_s for b in batches]),
    ).to(device)
    assert everything.features is not None
    network.standardise(everything.features, everything.valid, everything.times_s)


@torch.no_grad()
def _with_features(network: Network, batches: Iterable[Batch]) -> list[Batch]:
    """The same batches with features in place of crops, so that a whole curve costs one pass through the backbones.

    Crops are held one batch at a time: those of a whole data set would fill the memory.
    """
    network.eval()
    device = next(network.parameters()).device
    return [
        batch
        if batch.features is not None
        else replace(batch, crops=None, features=network.all_features(batch.to(device).as_clips())).to(
            torch.device("cpu")
        )
        for batch in batches
    ]


def _averaging(module: Recogniser) -> list[pl.Callback]:
    last = module.config.train.average_epochs
    return [LastEpochs(module.schedule.epochs - last)] if last else []


def _tensorboard(out: Path) -> Any:
    try:
        return TensorBoardLogger(str(out), name="tensorboard", version="")
    except ModuleNotFoundError:
        return False
