"""The actions a model has, and the decisions made of them.

Letters: B videos, T sampled frames, A actions, S sources (what a frame's features can come from: the looks, and the
glance where it may answer).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Actions:
    """The actions of a model, in the order of the policy's logits: looks, then the glance as answer, then skips.

    Args:
        looks: names of the looks.
        glance_answers: whether the glance may serve as a frame's answer.
        skips: lengths of the skips; skip n leaves out its frame and the n-1 after it.
    """

    looks: tuple[str, ...]
    glance_answers: bool
    skips: tuple[int, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of what a frame's features can come from; the first S actions are these."""
        return self.looks + (("glance",) if self.glance_answers else ())

    @property
    def names(self) -> tuple[str, ...]:
        return self.sources + tuple(f"skip-{n}" for n in self.skips)

    @property
    def covers(self) -> tuple[int, ...]:
        """How many frames each action decides about: 1, or n for skip n."""
        return (1,) * len(self.sources) + self.skips

    def __len__(self) -> int:
        return len(self.sources) + len(self.skips)


@dataclass(frozen=True, eq=False)
class Decisions:
    """What was chosen for the frames of B videos.

    Args:
        actions: index of the executed action, int64, (B, T); frames that a skip covers repeat it; 0 where invalid.
        decided: True where the policy decided from the frame's own glance (not covered by an earlier skip), (B, T); all False
            where no policy ran.
        glanced: True where the glance was computed, (B, T).
        valid: False where a clip has no such frame, (B, T).
        of: the actions that the indices mean.
    """

    actions: Tensor
    decided: Tensor
    glanced: Tensor
    valid: Tensor
    of: Actions

    def __post_init__(self) -> None:
        for name in ("decided", "glanced", "valid"):
            if getattr(self, name).shape != self.actions.shape:
                raise ValueError(
                    f"{name} is {tuple(getattr(self, name).shape)}, actions are {tuple(self.actions.shape)}"
                )

    def seen(self) -> Tensor:
        """Which source each frame's features come from: bool, (B, T, S); all False where skipped or invalid."""
        sources = torch.arange(len(self.of.sources), device=self.actions.device)
        return (self.actions[..., None] == sources) & self.valid[..., None]

    def names(self, video: int) -> list[str]:
        """Name of each valid frame's action: a look's, "glance" or "skip"."""
        chosen = self.actions[video][self.valid[video]].tolist()
        return [self.of.names[a] if a < len(self.of.sources) else "skip" for a in chosen]

    def cpu(self) -> Decisions:
        """The same, on the CPU."""
        return concatenated([self])

    def pick(self, rows: Tensor, device: torch.device) -> Decisions:
        """The decisions of some of the videos, by index, on a device."""
        tensors = (self.actions, self.decided, self.glanced, self.valid)
        actions, decided, glanced, valid = (tensor[rows].to(device) for tensor in tensors)
        return Decisions(actions, decided, glanced, valid, self.of)

    def split(self, sizes: Sequence[int]) -> list[Decisions]:
        """The decisions of the first videos, of the next ones, …, so many of each."""
        tensors = (self.actions, self.decided, self.glanced, self.valid)
        parts = zip(*(tensor.split(list(sizes)) for tensor in tensors), strict=True)
        return [Decisions(actions, decided, glanced, valid, self.of) for actions, decided, glanced, valid in parts]

    def shares(self) -> dict[str, float]:
        """Share of the valid frames with each action."""
        chosen = self.actions[self.valid]
        total = max(chosen.numel(), 1)
        counts = torch.bincount(chosen, minlength=len(self.of)).tolist()
        return {name: count / total for name, count in zip(self.of.names, counts, strict=True)}


def concatenated(parts: Sequence[Decisions]) -> Decisions:
    """The decisions of several batches as one, on the CPU."""
    actions, decided, glanced, valid = (
        torch.cat([getattr(part, name).cpu() for part in parts]) for name in ("actions", "decided", "glanced", "valid")
    )
    return Decisions(actions, decided, glanced, valid, parts[0].of)
