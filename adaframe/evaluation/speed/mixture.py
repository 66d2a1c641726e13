"""Random decisions of a given cost, to measure speed with.

Letters: B videos, T sampled frames, A actions.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from adaframe.model.actions import Decisions
from adaframe.model.network import Network

_STEPS = 40  # halvings of the search for the mix of a cost


def draw_decisions(network: Network, valid: Tensor, fraction: float, *, seed: int = 0) -> Decisions:
    """Random decisions, the same for the same seed, whose executed cost is near a fraction of uniform's.

    Every frame draws from all actions; as with a run-time budget, a bias of -beta times each action's price moves the mix
    until the cost fits. A fraction beyond what the model can do gives the nearest that it can.

    Args:
        network: with a policy.
        valid: bool, (B, T), a prefix of each row.
        fraction: of uniform's cost.
    """
    generator = torch.Generator().manual_seed(seed)
    uniform = torch.rand(*valid.shape, len(network.actions), generator=generator).clamp(1e-9, 1 - 1e-7)
    noise = -torch.log(-torch.log(uniform))
    price = torch.tensor(network.costs.price(network.actions))
    target = fraction * float(network.costs.uniform(valid.sum(dim=1)).sum())

    def at(beta: float) -> tuple[float, Decisions]:
        decisions = _unfold(noise - beta * price, valid.cpu(), network)
        return abs(float(network.costs.executed(decisions).sum()) - target), decisions

    tried, low, high = [], -1e3, 1e3
    for _ in range(_STEPS):
        middle = (low + high) / 2
        tried.append(at(middle))
        cost = float(network.costs.executed(tried[-1][1]).sum())
        low, high = (middle, high) if cost > target else (low, middle)
    best = min(tried, key=lambda pair: pair[0])[1]
    on = valid.device
    return replace(best, **{k: getattr(best, k).to(on) for k in ("actions", "decided", "glanced", "valid")})


def _unfold(logits: Tensor, valid: Tensor, network: Network) -> Decisions:
    """Decisions by the largest of the action logits (B, T, A); every valid frame is glanced at, as files are."""
    actions = network.actions
    covers = torch.tensor(actions.covers)
    logits = logits.clone()
    logits[:, 0, len(actions.sources) :] = -torch.inf  # no video is wholly skipped
    chosen = logits.argmax(dim=2)
    left = torch.zeros(len(valid), dtype=torch.long)
    decided = torch.zeros_like(valid)
    for t in range(valid.shape[1]):
        decided[:, t] = (left == 0) & valid[:, t]
        if t:
            chosen[:, t] = torch.where(left > 0, chosen[:, t - 1], chosen[:, t])
        left = torch.where(left > 0, left, covers[chosen[:, t]]) - 1
    return Decisions(torch.where(valid, chosen, 0), decided, valid.clone(), valid, actions)
