"""The stages of training as a schedule inside one fit."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from adaframe.config import Stages

Stage = Literal["warmup", "joint", "finetune"]


@dataclass(frozen=True)
class Schedule:
    """Which stage an epoch belongs to, and what changes with it.

    Args:
        stages: epochs of each stage.
        temperature: of the Gumbel-softmax at the start and at the end of the joint stage; it falls geometrically
            (AR-Net: 5·exp(-0.045·epoch): over 50 epochs from 5 to 0.527, and on while its policy is frozen).
        shape: of the learning rate.
        stage_lr: factors on it in each stage.
        lr_steps: epochs within a stage from which on it is a tenth of what it was before.
    """

    stages: Stages
    temperature: tuple[float, float]
    shape: Literal["cosine", "constant"] = "cosine"
    stage_lr: tuple[float, float, float] = (1.0, 1.0, 1.0)
    lr_steps: tuple[int, ...] = ()

    @property
    def epochs(self) -> int:
        return self.stages.warmup + self.stages.joint + self.stages.finetune

    def cut(self, epoch: int) -> Schedule:
        """The same with the stage of this epoch ending after it."""
        done = int(self._within(epoch)) + 1
        return replace(self, stages=replace(self.stages, **{self.stage(epoch): done}))

    def _within(self, epoch: float) -> float:
        """Epochs since its stage began."""
        stages = self.stages
        return (
            epoch - {"warmup": 0, "joint": stages.warmup, "finetune": stages.warmup + stages.joint}[self.stage(epoch)]
        )

    def stage(self, epoch: float) -> Stage:
        if epoch < self.stages.warmup:
            return "warmup"
        return "joint" if epoch < self.stages.warmup + self.stages.joint else "finetune"

    def progress(self, epoch: float) -> float:
        """Place in the joint stage, 0..1."""
        return min(max((epoch - self.stages.warmup) / max(self.stages.joint, 1), 0.0), 1.0)

    def uniform_share(self, epoch: float) -> float:
        """Share of warm-up clips that see every frame through one look; falls from 1 to 0.4 over the first half.

        Where little of a clip tells its class, random decisions mostly miss it, and nothing is learnt from them at first.
        """
        return max(0.4, 1.0 - 1.2 * epoch / max(self.stages.warmup, 1))

    def temperature_at(self, epoch: float) -> float:
        """Gumbel temperature at a (fractional) epoch."""
        first, last = self.temperature
        return first * math.pow(last / first, self.progress(epoch))

    def learning_rate(self, epoch: float) -> float:
        """Factor on the learning rates: that of the stage, times the shape's.

        Of cosine one for the warm-up, and a lower one for what follows: the policy begins to learn where the warm-up ends,
        and on one long cosine it would meet rates that are half gone.
        """
        stage = self.stage_lr[("warmup", "joint", "finetune").index(self.stage(epoch))]
        if self.shape == "constant":
            return stage * 0.1 ** sum(self._within(epoch) >= step for step in self.lr_steps)
        return stage * self._cosines(epoch)

    def _cosines(self, epoch: float) -> float:
        warmup, rest = self.stages.warmup, self.epochs - self.stages.warmup
        if epoch < warmup or not rest:
            return _cosine(epoch / warmup, 1.0, 0.1 if rest else 0.01) * min(1.0, (epoch + 0.05) / (0.08 * warmup))
        return _cosine((epoch - warmup) / max(rest, 1), 0.7 if warmup else 1.0, 0.01)


def _cosine(progress: float, first: float, last: float) -> float:
    """From first to last as progress goes from 0 to 1."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
