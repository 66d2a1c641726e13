"""Fixed plans: the baselines that spend their looks without a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from adaframe.config import Model
from adaframe.errors import UsageError
from adaframe.model.actions import Actions, Decisions
from adaframe.model.backbones import build_backbone
from adaframe.model.cost import picture_macs
from adaframe.model.priority import Rule


@dataclass(frozen=True)
class Plan:
    """One of `every` frames through one source, the others skipped, no glances.

    Args:
        name: as the user wrote it.
        source: name of the look, or "glance".
        every: 1 is every frame.
        rule: chooses which frames; None: every `every`-th one.
    """

    name: str
    source: str
    every: int = 1
    rule: Rule | None = None

    def decisions(self, valid: Tensor, actions: Actions, priority: Tensor | None = None) -> Decisions:
        """Decisions for clips with these valid frames, (B, T).

        Looks stand in the middle of each `every` frames; with a rule there are as many, on the frames of the highest
        priority, (B, T) (see `adaframe.model.priority`).
        """
        source = actions.sources.index(self.source)
        frames = torch.arange(valid.shape[1], device=valid.device)
        # A clip shorter than the first stretch still gets a look, at its first frame.
        short = valid.sum(dim=1, keepdim=True) <= self.every // 2
        look = torch.where(short, frames == 0, frames % self.every == self.every // 2) & valid
        if self.rule is None:
            return planned(torch.where(look, source, -1), valid, actions)
        if priority is None:
            raise ValueError(f"{self.name}: frames are chosen by their priority, and there is none")
        return by_priority([[source] * n for n in look.sum(dim=1).tolist()], priority, valid, actions)


def evenly(valid: Tensor, source: int, looks: int, actions: Actions) -> Decisions:
    """A static plan: so many frames, evenly spread, all through one source, without a policy.

    Args:
        valid: bool, (B, T), a prefix of each row.
        source: index of the look (or glance).
        looks: number of frames looked at in a full clip of T; shorter clips get their share, at least one.
        actions: of the model.
    """
    frames = valid.sum(dim=1, keepdim=True)
    wanted = (frames * looks / valid.shape[1]).ceil().clamp(min=1)
    t = torch.arange(valid.shape[1], device=valid.device)
    # Frame t is looked at where the running count of looks, centred in its stretch, steps up.
    step = lambda x: torch.floor(x * wanted / frames.clamp(min=1) + 0.5)  # noqa: E731
    chosen = (step(t + 1.0) > step(t.float())) & valid
    chosen[:, 0] |= ~chosen.any(dim=1)
    return planned(torch.where(chosen, source, -1), valid, actions)


def by_priority(looks: Sequence[Sequence[int]], priority: Tensor, valid: Tensor, actions: Actions) -> Decisions:
    """Decisions that spend each video's looks, in their order, on its frames of the highest priority; of equals the earlier.

    Args:
        looks: sources, as many as the video has valid frames at most.
        priority: (B, T).
        valid: bool, (B, T), a prefix of each row.
        actions: of the model.
    """
    chosen = torch.full(valid.shape, -1, device=valid.device)
    for b, sources in enumerate(looks):
        order = priority[b, : int(valid[b].sum())].argsort(descending=True, stable=True)[: len(sources)]
        chosen[b, order] = torch.tensor(sources, dtype=torch.int64, device=valid.device)
    # A rule on pixels needs no glance network, unless the glance's features are themselves an answer.
    return planned(chosen, valid, actions)


def planned(chosen: Tensor, valid: Tensor, actions: Actions) -> Decisions:
    """Decisions from the source of each frame (-1: skipped), (B, T), without a policy; glances are made where they answer."""
    sources = len(actions.sources)
    executed = torch.where(valid, torch.where(chosen >= 0, chosen, min(sources, len(actions) - 1)), 0)
    if len(actions) == sources and bool((chosen < 0)[valid].any()):
        raise ValueError("a model without skips cannot leave out frames")
    glanced = (chosen >= len(actions.looks)) & valid
    return Decisions(executed, torch.zeros_like(valid), glanced, valid, actions)


def strongest_look(model: Model) -> str:
    """Name of the look that uniform uses: the one with the most MACs, as in `Costs.strongest`."""
    if len({look.backbone for look in model.looks}) == 1:
        return max(model.looks, key=lambda look: look.pixels).name
    with torch.device("meta"):
        macs = {k.name: picture_macs(k.name, build_backbone(k.backbone, "none")[0], k.pixels) for k in model.looks}
    return max(macs, key=lambda name: macs[name])


def parse_plan(plan: str, model: Model) -> Plan:
    """uniform | static:LOOK/K | random:LOOK/K | change:LOOK/K | glance -> Plan.

    Raises:
        UsageError: none of these, or a look that the model does not have.
    """
    names = [look.name for look in model.looks]
    if plan == "uniform":
        return Plan(plan, strongest_look(model))
    if plan == "glance":
        return Plan(plan, "glance")
    kind, _, rest = plan.partition(":")
    look, _, every = rest.partition("/")
    rules: dict[str, Rule | None] = {"static": None, "random": "random", "change": "change"}
    if kind not in rules or (every and not every.isdigit()) or every == "0":
        raise UsageError(
            f"policy {plan}: expected adaptive, uniform, glance, static:LOOK/K, random:LOOK/K or change:LOOK/K, such as "
            f"static:{names[0]}/4"
        )
    if look not in [*names, "glance"]:
        raise UsageError(f"policy {plan}: no look is called {look}; this model has {', '.join(names)}")
    return Plan(plan, look, int(every or 1), rules[kind])
