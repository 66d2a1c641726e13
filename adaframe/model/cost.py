"""What a recognition costs: multiply-adds (MACs), counted from the modules at the sizes they run at, or what a budget may
count in their place, milliseconds or joules.

Letters: B videos, T sampled frames, S sources, A actions.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Optional

from adaframe.errors import UsageError

if TYPE_CHECKING:  # Costs is part of the metadata, which are read before torch is imported.
    from torch import Tensor, nn

    from adaframe.model.actions import Actions, Decisions


Counted = Literal["macs", "latency", "energy"]
UNITS: dict[Counted, str] = {"macs": "GMACs", "latency": "milliseconds", "energy": "joules"}


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
    """Costs of a model's parts, all in one unit: MACs, or milliseconds or joules; stored in the checkpoint.

    Args:
        glance: backbone of the glance, per frame (0 where nothing glances).
        policy: projection, LSTM step and action logits, per frame (0 without a policy).
        looks: backbone of each look, per frame.
        project: projection in the head of each source, per frame.
        head: class scores, per video (or window).
        starts: what a source takes once for each video in which it sees any frame: calls, weights read; none: nothing.
        uniform_look: index of the look that the uniform baseline uses; None: the dearest.
        counted: what the numbers are: MACs, milliseconds (latency) or joules (energy).
        by: by what machine or hardware, in words.
    """

    glance: float
    policy: float
    looks: tuple[float, ...]
    project: tuple[float, ...]
    head: float
    starts: tuple[float, ...] = ()
    uniform_look: Optional[int] = None
    counted: Counted = "macs"
    by: str = ""

    @property
    def unit(self) -> str:
        """What the numbers are, in words: GMACs, milliseconds, joules."""
        return UNITS[self.counted]

    @property
    def of_uniform(self) -> str:
        """What a budget is a fraction of, in words."""
        return "uniform" if self.counted == "macs" else f"uniform's {self.unit}"

    @property
    def strongest(self) -> int:
        """Index of the look that the uniform baseline uses: the one with the most MACs."""
        if self.uniform_look is not None:
            return self.uniform_look
        return max(range(len(self.looks)), key=lambda i: self.looks[i])

    def sources(self) -> tuple[float, ...]:
        """What each source adds to a glanced frame, (S,)."""
        backbones = self.looks + (0,) * (len(self.project) - len(self.looks))
        return tuple(b + p for b, p in zip(backbones, self.project, strict=True))

    @property
    def uniform_frame(self) -> float:
        """Cost of a frame in the uniform baseline; a checkpoint without looks counts its glance."""
        if not self.looks:
            return self.glance + self.project[0]
        return self.looks[self.strongest] + self.project[self.strongest]

    def uniform(self, frames: Tensor) -> Tensor:
        """Cost of the uniform baseline for videos with so many valid frames, (B,)."""
        return frames.double() * self.uniform_frame + self.once

    @property
    def once(self) -> float:
        """What uniform takes for a video whatever its length."""
        return self.head + (self.starts[self.strongest] if self.starts else 0.0)

    def floor(self, frames: int) -> float:
        """The cheapest answer about so many frames, as a fraction of uniform's: all glances, the policy, one source, head."""
        once = self.starts or (0.0,) * len(self.project)
        answer = min(source + start for source, start in zip(self.sources(), once, strict=True))
        return (frames * (self.glance + self.policy) + answer + self.head) / (frames * self.uniform_frame + self.once)

    def executed(self, decisions: Decisions) -> Tensor:
        """Executed cost of each video, (B,), float64: glances made, policy steps with them, looks, head.

        Where nothing was decided frame by frame (a fixed plan), no policy ran.
        """
        policy = self.policy * decisions.decided.any(dim=1).double()
        glanced = decisions.glanced.sum(dim=1).double() * (self.glance + policy)
        seen = decisions.seen().sum(dim=1).double()
        looked = (seen * seen.new_tensor(self.sources())).sum(dim=1)
        if self.starts:
            looked += ((seen > 0) * seen.new_tensor(self.starts)).sum(dim=1)
        return glanced + looked + self.head

    def streamed(self, decisions: Decisions) -> Tensor:
        """As executed, had the glances of covered frames not been computed (a stream does not), (B,)."""
        covered = decisions.glanced & ~decisions.decided & decisions.decided.any(dim=1, keepdim=True)
        saved = covered.sum(dim=1).double() * (self.glance + self.policy)
        return self.executed(decisions) - saved

    def per_action(self, actions: Actions) -> tuple[float, ...]:
        """Streamed cost per executed frame of each action as a fraction of a uniform frame, (A,), without starts.

        Skip n spreads its one glance over its n frames, so a longer skip is cheaper; in milliseconds, which are measured on
        files, whose frames are glanced at together, it is not.
        """
        glance = self.glance + self.policy
        return tuple(
            [(glance + s) / self.uniform_frame for s in self.sources()]
            + [glance / (n if self._skips_save else 1) / self.uniform_frame for n in actions.skips]
        )

    def price(self, actions: Actions) -> tuple[float, ...]:
        """What deciding for each action adds, as a fraction of a uniform frame, (A,), without starts.

        A budget's bias is in proportion to it.
        """
        glance = self.glance + self.policy
        return tuple(
            [s / self.uniform_frame for s in self.sources()]
            + [-(n - 1) * glance * self._skips_save / self.uniform_frame for n in actions.skips]
        )

    @property
    def _skips_save(self) -> bool:
        """Whether the glances that a skip covers count as saved, as they are on a stream.

        Counted so in milliseconds, where glances are dear beside their MACs, a policy came to skip in twos for nothing: that
        saves no time on a file, and leaves half of the frames undecided.
        """
        return self.counted != "latency"

    def start_shares(self, actions: Actions) -> tuple[float, ...]:
        """Starts of each action as fractions of a uniform frame, (A,); skips have none."""
        starts = self.starts or (0.0,) * len(self.project)
        return tuple([start / self.uniform_frame for start in starts] + [0.0] * len(actions.skips))
