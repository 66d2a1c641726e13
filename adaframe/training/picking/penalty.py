"""How strongly a linear head on frozen features is held down: picked by cross-validation within the training clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from adaframe.config import Config
from adaframe.data.manifest import split_off
from adaframe.training.frozen import logistic_regression, summaries
from adaframe.training.losses import classification_loss

if TYPE_CHECKING:
    from adaframe.model.network import Network
    from adaframe.training.feeding.material import Material

PENALTIES = (3000.0, 1000.0, 300.0, 100.0, 30.0, 10.0)  # from the simplest model on
SPLITS, HELD_OUT, MOST_CLIPS = 4, 0.25, 2000


def with_penalty(config: Config, material: Material, network: Network, learnt: Sequence[int]) -> Config:
    """The configuration with a head_penalty, picked if it is null; without frozen features that is 0.

    The strongest look's features of every frame and a logistic regression stand for the model; the penalty with the
    lowest mean held-out loss is picked. (The largest within one standard error of it, a common rule, was up to ten times
    too large: of four splits one is easily an outlier, and makes the error wide.)

    Args:
        config: of the run.
        material: with features, if backbones are frozen.
        network: adaptive, as the features were computed by.
        learnt: numbers of the clips that this run learns from; no other is looked at.
    """
    if config.train.head_penalty is not None:
        return config
    penalty = 0.0
    if material.features is not None:
        losses = held_out_losses(material, network, learnt, seed=config.seed)
        penalty = PENALTIES[int(losses.mean(axis=1).argmin())]
    return replace(config, train=replace(config.train, head_penalty=penalty))


def held_out_losses(material: Material, network: Network, learnt: Sequence[int], *, seed: int) -> np.ndarray:
    """Classification loss on held-out clips, by penalty and split, (P, S)."""
    step = -(-len(learnt) // MOST_CLIPS)
    numbers = list(learnt)[::step]
    x, y = summaries(material, network, numbers, network.costs.strongest)
    clips = [material.data_set.clips[n] for n in numbers]
    place = {id(clip): i for i, clip in enumerate(clips)}
    multi_label = material.data_set.multi_label
    losses = np.zeros((len(PENALTIES), SPLITS))
    for split in range(SPLITS):
        train, held_out = ([place[id(c)] for c in part] for part in split_off(clips, HELD_OUT, seed * SPLITS + split))
        mean, std = x[train].mean(dim=0), x[train].std(dim=0, correction=0).clamp(min=1e-6)
        seen, new = (x[train] - mean) / std, (x[held_out] - mean) / std
        for i, penalty in enumerate(PENALTIES):
            weights, bias = logistic_regression(seen, y[train], penalty, multi_label=multi_label)
            with torch.no_grad():
                losses[i, split] = float(
                    classification_loss(new @ weights + bias, y[held_out], multi_label=multi_label)
                )
    return losses
