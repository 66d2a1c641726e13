"""What a recognition costs, in multiply-adds (MACs), counted from the modules at the sizes they run at.

Letters: B videos, T sampled frames, S sources, A actions.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adaframe.errors import UsageError

if TYPE_CHECKING:  # Costs is part of the metadata, which are read before torch is imported.
    from torch import Tensor, nn

    from adaframe.model.actions import Actions, Decisions


def count_macs(module: nn.Module, *inputs: Tensor) -> int:
    """Multiply-adds of one call: convolutions and matrix products, as torch's counter sees them, on meta tensors."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    twin = copy.deepcopy(module).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        twin(*(x.to("meta") for x in inputs))
    return int(counter.get_total_flops()) // 2


def picture_macs(name: str, backbone: nn.Module, pixels: int) -> int:
    """Multiply-adds of a backbone on one picture.

    Raises:
        UsageError: it does not run at that size; `name` says whose it is.
    """
    import torch

    try:
        return count_macs(backbone, torch.empty(1, 3, pixels, pixels))
    except (RuntimeError, AssertionError, ValueError) as error:
        raise UsageError(f"{name}: its backbone does not run at {pixels} pixels ({error}); try: 224") from error


@dataclass(frozen=True)
class Costs:
    """MACs of a model's parts; stored in the checkpoint.

    Args:
        glance: backbone of the glance, per frame (0 where nothing glances).
        policy: projection, LSTM step and action logits, per frame (0 without a policy).
        looks: backbone of each look, per frame.
        project: projection in the head of each source, per frame.
        head: class scores, per video (or window).
    """

    glance: int
    policy: int
    looks: tuple[int, ...]
    project: tuple[int, ...]
    head: int

    @property
    def strongest(self) -> int:
        """Index of the look that the uniform baseline uses: the one with the most MACs."""
        return max(range(len(self.looks)), key=lambda i: self.looks[i])

    def sources(self) -> tuple[int, ...]:
        """MACs that each source adds to a glanced frame, (S,)."""
        backbones = self.looks + (0,) * (len(self.project) - len(self.looks))
        return tuple(b + p for b, p in zip(backbones, self.project, strict=True))

    @property
    def uniform_frame(self) -> int:
        """MACs of a frame in the uniform baseline; a checkpoint without looks counts its glance."""
        if not self.looks:
            return self.glance + self.project[0]
        return self.looks[self.strongest] + self.project[self.strongest]

    def uniform(self, frames: Tensor) -> Tensor:
        """MACs of the uniform baseline for videos with so many valid frames, (B,)."""
        return frames.double() * self.uniform_frame + self.head

    def executed(self, decisions: Decisions) -> Tensor:
        """MACs executed for each video, (B,), float64: glances made, policy steps with them, looks, head.

        Where nothing was decided frame by frame (a fixed plan), no policy ran.
        """
        policy = self.policy * decisions.decided.any(dim=1)
        glanced = decisions.glanced.sum(dim=1).double() * (self.glance + policy)
        seen = decisions.seen().sum(dim=1).double()
        looked = (seen * seen.new_tensor(self.sources())).sum(dim=1)
        return glanced + looked + self.head

    def streamed(self, decisions: Decisions) -> Tensor:
        """As executed, had the glances of covered frames not been computed (a stream does not), (B,)."""
        covered = decisions.glanced & ~decisions.decided & decisions.decided.any(dim=1, keepdim=True)
        saved = covered.sum(dim=1).double() * (self.glance + self.policy)
        return self.executed(decisions) - saved

    def per_action(self, actions: Actions) -> tuple[float, ...]:
        """Streamed MACs per executed frame of each action as a fraction of a uniform frame, (A,).

        Skip n spreads its one glance over its n frames, so a longer skip is cheaper.
        """
        glance = self.glance + self.policy
        return tuple(
            [(glance + s) / self.uniform_frame for s in self.sources()]
            + [glance / n / self.uniform_frame for n in actions.skips]
        )

    def price(self, actions: Actions) -> tuple[float, ...]:
        """What deciding for each action adds, as a fraction of a uniform frame, (A,).

        A budget's bias is in proportion to it.
        """
        glance = self.glance + self.policy
        return tuple(
            [s / self.uniform_frame for s in self.sources()]
            + [-(n - 1) * glance / self.uniform_frame for n in actions.skips]
        )
