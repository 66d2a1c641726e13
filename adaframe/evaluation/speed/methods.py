"""What `adaframe bench` compares: ways to recognise the same clips, by the same fixed decisions.

Letters: B videos, T sampled frames, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from adaframe.evaluation.speed.mixture import draw_decisions
from adaframe.model.actions import Decisions
from adaframe.model.network import Clips, Features, Network

SEED = 0


@dataclass(frozen=True, eq=False)
class Method:
    """What takes its turn.

    Args:
        name: in the table.
        gmacs: 1e9 multiply-adds executed for each video.
        videos: how many `run` goes through.
        run: what is timed.
        budget: of adaptive methods: the fraction of uniform's cost that was asked for.
        decisions: of adaptive methods: the share of the frames of each action.
        executes: the network and the decisions about all videos, where it does nothing else.
    """

    name: str
    gmacs: float
    videos: int
    run: Callable[[], object]
    budget: float | None = None
    decisions: dict[str, float] | None = None
    executes: tuple[Network, Decisions] | None = None


class Rivals:
    """A network, and what a model trained as uniform runs: the strongest look and its head, and nothing else.

    Args:
        network: with a policy, as it is used for inference.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        plain = Network(network.model, classes=network.head.classes, plan="uniform", pretrained=False)
        self.plain = plain.to(self.place).eval().fuse()

    @property
    def place(self) -> torch.device:
        return next(self.network.parameters()).device

    def uniform(self, clips: Clips) -> Tensor:
        """Every frame through the strongest look: class scores, (B, K)."""
        return self.plain.look(clips, None, self.plain.decide(None, clips.valid))

    def adaptive(self, clips: Clips, decisions: Decisions) -> Tensor:
        """Glances, policy, and the looks of these decisions whatever the policy says: class scores, (B, K)."""
        glances = self.glance(clips)
        return self.network.look(clips, glances, decisions)

    def dense(self, clips: Clips, decisions: Decisions) -> Tensor:
        """All looks at all frames, and then as adaptive: what AR-Net's release computes."""
        features = self.network.all_features(clips)
        self.network.decide(features.glance, clips.valid)
        answers = Features(self.network.answering(features.glance, decisions), features.looks)
        return self.network.classify(answers, decisions.seen().float(), clips.times_s)

    def glance(self, clips: Clips) -> Tensor:
        """Glances and the policy alone: glance features."""
        glances = self.network.glance_features(clips)
        self.network.decide(glances, clips.valid)
        return glances

    def saved(self, decisions: Decisions) -> float:
        """How many times fewer MACs than uniform's these decisions take."""
        every = self.plain.decide(None, decisions.valid)
        return float(self.plain.costs.executed(every).sum() / self.network.costs.executed(decisions).sum())


def model_methods(rivals: Rivals, *, videos: int, batch: int, budgets: Sequence[float]) -> list[Method]:
    """What is compared of the model, on random pictures; dense computes everything for the first budget's decisions.

    Args:
        rivals: on their device.
        videos: B.
        batch: videos at once.
        budgets: adaptive's costs, of uniform's.
    """
    network, plain, place = rivals.network, rivals.plain, rivals.place
    frames, crop = network.model.sampling.frames, network.model.preprocess.crop
    generator = torch.Generator().manual_seed(SEED)
    crops = torch.randint(0, 256, (videos, frames, crop, crop, 3), dtype=torch.uint8, generator=generator).to(place)
    valid = torch.ones(videos, frames, dtype=torch.bool, device=place)
    times_s = torch.arange(frames, device=place).repeat(videos, 1) / 8.0
    parts = [slice(first, first + batch) for first in range(0, videos, batch)]
    clips = [Clips(crops[at], valid[at], times_s[at]) for at in parts]

    def every(run: Callable[[Clips], Tensor]) -> Callable[[], object]:
        return lambda: [run(some) for some in clips]

    def decided(run: Callable[[Clips, Decisions], Tensor], decisions: Decisions) -> Callable[[], object]:
        rows = [rows_of(decisions, at) for at in parts]
        return lambda: [run(some, these) for some, these in zip(clips, rows, strict=True)]

    costs = network.costs
    glance = frames * (costs.glance + costs.policy)
    mixes = [draw_decisions(network, valid, budget) for budget in budgets]
    # Dense computes all looks, but projects only what the decisions see.
    seen = mixes[0].seen().sum(dim=1).double().mean(dim=0).tolist()
    projected = sum(count * macs for count, macs in zip(seen, costs.project, strict=True))
    dense = glance + frames * sum(costs.looks) + projected + costs.head
    full = plain.decide(None, valid)
    return [
        Method("uniform", _gmacs(plain, full), videos, every(rivals.uniform), executes=(plain, full)),
        *(
            Method(
                f"adaptive at {budget:g}",
                _gmacs(network, mix),
                videos,
                decided(rivals.adaptive, mix),
                budget,
                mix.shares(),
                (network, mix),
            )
            for budget, mix in zip(budgets, mixes, strict=True)
        ),
        Method("dense", dense / 1e9, videos, decided(rivals.dense, mixes[0])),
        Method("glance", glance / 1e9, videos, every(rivals.glance)),
    ]


def rows_of(decisions: Decisions, at: slice) -> Decisions:
    """The decisions of some of the videos."""
    return replace(decisions, **{k: getattr(decisions, k)[at] for k in ("actions", "decided", "glanced", "valid")})


def _gmacs(network: Network, decisions: Decisions) -> float:
    return float(network.costs.executed(decisions).mean()) / 1e9
