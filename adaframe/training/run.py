"""One training in one folder: the network it starts from, the clips it uses, the fit, and what it leaves."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger

from adaframe import __version__
from adaframe.config import Config
from adaframe.errors import AdaframeError, CheckpointError, DataError, UsageError
from adaframe.evaluation.metrics import unsure_threshold
from adaframe.inference.recognizer import pick_device
from adaframe.model.checkpoint import load_matching, save_checkpoint
from adaframe.model.metadata import CalibrationPoint, Metadata
from adaframe.model.network import Features, Network
from adaframe.model.temporal import Standardise
from adaframe.training.averaging import LastEpochs
from adaframe.training.batches import Batch
from adaframe.training.calibration import BETAS, Outcome, outcome
from adaframe.training.callbacks import Metrics, Progress, Resumable
from adaframe.training.manifest import Clip, split_off
from adaframe.training.material import Material
from adaframe.training.module import Recogniser
from adaframe.training.parameters import freeze

UNSURE_SHARE = 0.10  # of the rightly answered validation clips, at most


def build_network(config: Config, classes: int) -> Network:
    """The network of a run, started as it says."""
    torch.manual_seed(config.seed)
    network = Network(config.model, classes=classes, plan=config.policy)
    if config.init:
        taken, total = load_matching(network, Path(config.init))
        print(f"started from {config.init}: {taken} of {total} tensors", file=sys.stderr)
    freeze(network, config.train)
    return network.to(pick_device(config.device))


def full_network(config: Config, network: Network, classes: int) -> Network:
    """A network with all looks, whatever the plan: frozen features are computed by it."""
    if network.plan is None:
        return network
    return build_network(replace(config, policy="adaptive"), classes)


def check_fold(fold: str, clips: Sequence[Clip]) -> None:
    """Refuse a fold that these clips do not have."""
    folds = sorted({clip.fold for clip in clips} - {""})
    if fold == "all" and len(folds) < 2:
        raise UsageError("fold all: the data set has fewer than two folds; try: a manifest with a column fold")
    if fold not in ("", "all", *folds):
        raise UsageError(f"fold {fold}: the data set has no such fold; its folds: {', '.join(folds) or 'none'}")


def choose_clips(config: Config, material: Material) -> tuple[list[int], list[int]]:
    """Numbers of the clips to learn from, and of those to calibrate on (never of a fold that is reported)."""
    clips = [material.data_set.clips[n] for n in material.readable]
    number = {id(clip): n for clip, n in zip(clips, material.readable, strict=True)}
    if config.fold:
        check_fold(config.fold, clips)
        clips = [clip for clip in clips if clip.fold != config.fold]
    val = [clip for clip in clips if clip.split == "val"]
    train = [clip for clip in clips if clip.split != "val"]
    if not val and config.data.val_fraction:
        train_clips, val_clips = split_off(train, config.data.val_fraction, config.seed)
        train, val = list(train_clips), list(val_clips)
    if len({label for clip in train for label in clip.labels}) < 2:
        raise DataError("the training clips are all of one class; try: another data.val_fraction, or more clips")
    return [number[id(c)] for c in train], [number[id(c)] for c in val]


def confidences(outcomes: Sequence[tuple[float, Outcome]], budget: float) -> tuple[np.ndarray, np.ndarray]:
    """Confidence and rightness of each clip at the bias that keeps to the budget."""
    kept = _kept(outcomes, budget)
    return kept.scores.max(axis=1), kept.right


def strangeness(outcomes: Sequence[tuple[float, Outcome]], budget: float) -> np.ndarray:
    """How far each clip is from those learnt from, at the bias that keeps to the budget."""
    return _kept(outcomes, budget).strangeness


def _kept(outcomes: Sequence[tuple[float, Outcome]], budget: float) -> Outcome:
    return next((o for _, o in outcomes if o.cost.mean() <= budget), outcomes[-1][1])


def unsure_limits(confidence: np.ndarray, right: np.ndarray, strange: np.ndarray | None) -> tuple[float, float]:
    """Thresholds on confidence and strangeness that leave at most a tenth of the rightly answered clips unsure.

    Half of these may be lost to strangeness, and the rest to confidence among the clips that are not strange.

    Args:
        confidence: of each clip's answer, (N,).
        right: whether it was right, bool, (N,).
        strange: distance from the clips learnt from, (N,); None where it was not measured.
    """
    if not right.any():
        return 0.0, 0.0
    if strange is None or not strange.size:
        return float(unsure_threshold(confidence, right)), 0.0
    # Confidence as a threshold knows it: a lower one is worse; so strangeness is turned round.
    above = -float(unsure_threshold(-strange, right, UNSURE_SHARE / 2))
    usual = strange <= above
    rest = UNSURE_SHARE * right.sum() - (right & ~usual).sum()
    return float(
        unsure_threshold(confidence[usual], right[usual], max(rest / max((right & usual).sum(), 1), 0.0))
    ), above


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
        """Fit the network on some clips; the held-out ones are only watched."""
        config, material = self.config, self.material
        _standardise(network, material, train)
        frozen = material.features is not None
        batches = material.batches(network, train, seed=(config.seed, 0), frozen=frozen)
        module = Recogniser(
            network,
            config,
            multi_label=material.data_set.multi_label,
            clips=len(train),
            updates_per_epoch=len(batches),
            tells=self.kept,
        )
        last, device = self.out / "last.ckpt", pick_device(config.device)
        trainer = pl.Trainer(
            max_epochs=module.schedule.epochs,
            accelerator=device.type,
            devices=1 if device.type != "cuda" or device.index is None else [device.index],
            precision=config.train.precision,
            gradient_clip_val=20.0,  # AR-Net's; it only cuts off the rare wild step of a scratch network.
            logger=_tensorboard(self.out) if self.kept else False,
            callbacks=[*_averaging(module), *(self._tellers(last) if self.kept else ())],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            reload_dataloaders_every_n_epochs=1,
            log_every_n_steps=1,
            default_root_dir=self.out,
        )
        data = _Data(self, network, train, held_out, frozen)
        go_on = resume and last.exists()
        try:
            trainer.fit(
                module, datamodule=data, ckpt_path=last if go_on else None, weights_only=True if go_on else None
            )
        except SystemExit:  # Lightning's answer to Ctrl-C
            if not last.exists():
                raise AdaframeError("interrupted before the first epoch was done: nothing to go on with") from None
            raise AdaframeError(f"interrupted; what was learnt is in {last}; try: --resume to go on") from None
        except (RuntimeError, KeyError) as error:
            if go_on and trainer.global_step == 0:
                what = " ".join(str(error).split())[:200]
                raise CheckpointError(
                    f"{last}: does not fit this run ({what}); try: the config it was begun with"
                ) from error
            raise
        self._learn_the_usual(module, train)
        return module

    def _tellers(self, last: Path) -> list[pl.Callback]:
        return [Progress(), Metrics(self.out / "metrics.csv"), Resumable(last)]

    @torch.no_grad()
    def _learn_the_usual(self, module: Recogniser, train: list[int]) -> None:
        """Set what the head knows of its training clips' summaries, under the model's own decisions."""
        module.eval()
        batches = self.material.batches(module.network, train)
        summaries = [module.summarise(batch.to(module.device))[0] for batch in batches]
        module.network.head.usual.fit(torch.cat(summaries))

    def outcomes(
        self, module: Recogniser, clips: list[int], betas: Sequence[float] = BETAS
    ) -> list[tuple[float, Outcome]]:
        """What the model answers for these clips along its whole curve, or under some biases of it."""
        betas = betas if module.network.plan is None else BETAS[:1]
        batches = _with_features(module.network, self.material.batches(module.network, clips))
        return [(beta, outcome(module, batches, beta)) for beta in betas]

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


class _Data(pl.LightningDataModule):
    """Batches of each epoch; made anew each time, as their order and augmentation come from (seed, epoch, clip)."""

    def __init__(self, run: Run, network: Network, train: list[int], held_out: list[int], frozen: bool) -> None:
        super().__init__()
        self.run, self.network, self.train, self.held_out, self.frozen = run, network, train, held_out, frozen

    def train_dataloader(self) -> Any:
        assert self.trainer is not None
        seed = (self.run.config.seed, self.trainer.current_epoch)
        return self.run.material.batches(self.network, self.train, seed=seed, frozen=self.frozen)

    def val_dataloader(self) -> Any:
        if not self.held_out:
            return []
        return self.run.material.batches(self.network, self.held_out, frozen=self.frozen)

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        return batch.to(device)


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
