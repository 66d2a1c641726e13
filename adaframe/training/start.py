"""What a run starts with: its network, and which clips it learns from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from adaframe.config import Config
from adaframe.data.manifest import Clip, split_off
from adaframe.errors import CheckpointError, DataError, UsageError
from adaframe.evaluation.classes import missing
from adaframe.inference.recognizer import pick_device
from adaframe.model.checkpoint import load_matching
from adaframe.model.network import Network
from adaframe.training.feeding.material import Material
from adaframe.training.parameters import freeze
from adaframe.training.picking.pricing import prices_of

_FOLD = "{fold}"


def build_network(config: Config, classes: int) -> Network:
    """The network of a run, started as it says."""
    torch.manual_seed(config.seed)
    network = Network(config.model, classes=classes, plan=config.policy)
    if config.init:
        path = start_of(config)
        print(f"started from {path}: {_start_from(network, path)}", file=sys.stderr)
    network.prices = prices_of(config, network)
    freeze(network, config.train)
    return network.to(pick_device(config.device))


def start_of(config: Config) -> Path:
    """The file to start from, where `init` holds one: `{fold}` is the fold left out; without one its folder is left out."""
    if config.fold not in ("", "all"):
        return Path(config.init.replace(_FOLD, config.fold))
    return Path(*(part for part in Path(config.init).parts if _FOLD not in part))


def _start_from(network: Network, path: Path) -> str:
    """Take what fits of a checkpoint, ours or (by its suffix) another project's; what that was, in words."""
    from adaframe.importing.backbones import SUFFIXES, load_backbone

    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file to start from; try: --init FILE")
    if path.suffix in SUFFIXES:
        return ", ".join(load_backbone(network, path))
    taken, total = load_matching(network, path)
    return f"{taken} of {total} tensors"


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
    learnt, watched = [number[id(c)] for c in train], [number[id(c)] for c in val]
    if absent := val and missing(material.data_set.classes, material.targets[watched]):
        print(f"no validation clip shows {absent}: nothing will be known of that", file=sys.stderr)
    return learnt, watched
