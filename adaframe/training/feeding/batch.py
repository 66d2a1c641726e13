"""What one update gets. Letters: B clips, T sampled frames, K classes, H×W pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from adaframe.model.network import Clips, Features

NONE_LEFT = "no clip is left to read; try: adaframe classify on one of them, to see what is wrong"


@dataclass(frozen=True)
class Place:
    """Where a batch stands in the update that it belongs to, which several ranks and several batches may share.

    Args:
        first: place of its first clip among those of all ranks.
        group: number of those.
        update: clips of the whole update, over all ranks and all batches that are accumulated.
        counts: False where a rank has no clip of a group, and goes along with one that does not count.
    """

    first: int
    group: int
    update: int
    counts: bool = True


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs of one update, or a share of one: crops, or features in their place.

    Args:
        crops: uint8, RGB, (B, T, H, W, 3); None where features are given.
        features: of frozen backbones; None where crops are given.
        valid: bool, (B, T).
        times_s: seconds from the start of the window, float32, (B, T).
        targets: 1 at the classes that hold, float32, (B, K).
        clips: number of each clip, int64, (B,).
        part: of which update; None: this is all of it.
        priority: of the frames, by a rule (`adaframe.model.priority`), float32, (B, T); None where none is asked for.
    """

    crops: Tensor | None
    features: Features | None
    valid: Tensor
    times_s: Tensor
    targets: Tensor
    clips: Tensor
    part: Place | None = None
    priority: Tensor | None = None

    @property
    def place(self) -> Place:
        n = len(self.valid)
        return self.part or Place(0, n, n)

    @property
    def among(self) -> tuple[int, int]:
        """Where its clips begin among those of all ranks, and how many these are."""
        return self.place.first, self.place.group

    @property
    def counted(self) -> int:
        """Clips that count: all or none."""
        return len(self.valid) if self.place.counts else 0

    @property
    def nbytes(self) -> int:
        """Of all that it holds."""
        held = [v for v in vars(self).values() if isinstance(v, Tensor)]
        if self.features is not None:
            held += [x for x in (self.features.glance, *self.features.looks) if x is not None]
        return sum(x.nbytes for x in held)

    def to(self, device: torch.device) -> Batch:
        moved = {k: v.to(device, non_blocking=True) for k, v in vars(self).items() if isinstance(v, Tensor)}
        if self.features is not None:
            glance = self.features.glance
            looks = tuple(x.to(device) for x in self.features.looks)
            moved["features"] = Features(None if glance is None else glance.to(device), looks)  # type: ignore[assignment]
        return replace(self, **moved)  # type: ignore[arg-type]

    def as_clips(self) -> Clips:
        assert self.crops is not None
        return Clips(self.crops, self.valid, self.times_s)
