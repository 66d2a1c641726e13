"""Fixed plans: the baselines that spend their looks without a policy."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from adaframe.config import Model
from adaframe.errors import UsageError
from adaframe.model.actions import Actions, Decisions
from adaframe.model.backbones import build_backbone
from adaframe.model.cost import picture_macs


@dataclass(frozen=True)
class Plan:
    """Every `every`-th frame through one source, the others skipped, no glances.

    Args:
        name: as the user wrote it.
        source: name of the look, or "glance".
        every: 1 is every frame.
    """

    name: str
    source: str
    every: int = 1

    def decisions(self, valid: Tensor, actions: Actions) -> Decisions:
        """Decisions for clips with these valid frames, (B, T); looks stand in the middle of each `every` frames."""
        frames = torch.arange(valid.shape[1], device=valid.device)
        # A clip shorter than the first stretch still gets a look, at its first frame.
        short = valid.sum(dim=1, keepdim=True) <= self.every // 2
        look = torch.where(short, frames == 0, frames % self.every == self.every // 2)
        return planned(torch.where(look, actions.sources.index(self.source), -1), valid, actions)


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
    """uniform | static:LOOK/K | glance -> Plan.

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
    if kind != "static" or (every and not every.isdigit()) or every == "0":
        raise UsageError(
            f"policy {plan}: expected adaptive, uniform, glance or static:LOOK/K, such as static:{names[0]}/4"
        )
    if look not in [*names, "glance"]:
        raise UsageError(f"policy {plan}: no look is called {look}; this model has {', '.join(names)}")
    return Plan(plan, look, int(every or 1))
