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
            (AR-Net: 5·exp(-0.045·epoch) over 50 epochs, 5 to 0.55).
    """

    stages: Stages
    temperature: tuple[float, float]

    @property
    def epochs(self) -> int:
        return self.stages.warmup + self.stages.joint + self.stages.finetune

    def cut(self, epoch: int) -> Schedule:
        """The same with the stage of this epoch ending after it."""
        before, stage = {"warmup": 0, "joint": self.stages.warmup}, self.stage(epoch)
        done = epoch + 1 - before.get(stage, self.stages.warmup + self.stages.joint)
        return replace(self, stages=replace(self.stages, **{stage: done}))

    def stage(self, epoch: int) -> Stage:
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
        """Factor on the learning rates: one cosine for the warm-up, and a lower one for what follows.

        The policy begins to learn where the warm-up ends; on one long cosine it would meet rates that are half gone.
        """
        warmup, rest = self.stages.warmup, self.epochs - self.stages.warmup
        if epoch < warmup or not rest:
            return _cosine(epoch / warmup, 1.0, 0.1 if rest else 0.01) * min(1.0, (epoch + 0.05) / (0.08 * warmup))
        return _cosine((epoch - warmup) / max(rest, 1), 0.7 if warmup else 1.0, 0.01)


def _cosine(progress: float, first: float, last: float) -> float:
    """From first to last as progress goes from 0 to 1."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
