"""Which parameters learn, and how fast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from adaframe.config import Train
from adaframe.model.network import Network

BATCH_NORMS = (nn.modules.batchnorm._BatchNorm,)
NORMS = (*BATCH_NORMS, nn.LayerNorm, nn.GroupNorm)
MOMENTUM = 0.9  # of sgd: AR-Net's, as of nearly all who trained these backbones
# Of a pretrained backbone's modules with parameters, the share at its end that learns under `trainable: last`.
LAST_SHARE = 0.25


def backbones(network: Network) -> list[tuple[nn.Module, bool]]:
    """Each backbone once, and whether it starts from pretrained weights."""
    configured = [(module, look.weights != "none") for module, look in zip(network.looks, _looks(network), strict=True)]
    if network.glance is not None:
        configured.append((network.glance, network.model.glance.weights != "none"))
    seen: set[int] = set()
    return [(m, p) for m, p in configured if id(m) not in seen and not seen.add(id(m))]  # type: ignore[func-returns-value]


def _untaught(network: Network) -> bool:
    """Whether the glance has weights of its own that are not pretrained."""
    return not network.model.glance.shares and network.model.glance.weights == "none"


def _looks(network: Network) -> list[Any]:
    return [look for look in network.model.looks if look.name in network.actions.looks]


def frozen_norms(network: Network, *, learn_own: bool, learn_glance: bool = False) -> Iterator[nn.Module]:
    """Batch norms that must run in eval mode (train.norms: own): pretrained ones always, others where they shall not learn.

    Args:
        network: whose norms.
        learn_own: whether norms trained from scratch learn.
        learn_glance: whether those of a glance from scratch do even so. It sees every frame, so no choice bends its
            statistics, and the policy moves its weights fast.
    """
    for backbone, pretrained in backbones(network):
        learns = learn_own or (learn_glance and backbone is network.glance)
        if pretrained or not learns:
            yield from (m for m in backbone.modules() if isinstance(m, BATCH_NORMS))


def freeze(network: Network, train: Train) -> None:
    """Set, once and before training, which parameters learn; norms of pretrained backbones do by train.norms alone."""
    if train.only == "policy":
        assert network.policy is not None
        network.requires_grad_(False)
        network.policy.requires_grad_(True)
        if network.glance is not None and _untaught(network):
            network.glance.requires_grad_(True)
        return
    for backbone, pretrained in backbones(network):
        if not pretrained:
            continue
        # Not the leaves alone: attention and layer scales hold parameters beside their children.
        holders = [m for m in backbone.modules() if any(True for _ in m.parameters(recurse=False))]
        first = {"none": len(holders), "last": int(len(holders) * (1 - LAST_SHARE)), "all": 0}[train.trainable]
        for i, holder in enumerate(holders):
            learns = i >= first and (train.norms == "all" or not isinstance(holder, BATCH_NORMS))
            for parameter in holder.parameters(recurse=False):
                parameter.requires_grad_(learns)


def make_optimizer(network: Network, train: Train) -> torch.optim.Optimizer:
    """Of all that learns, by `parameter_groups`."""
    groups = parameter_groups(network, train)
    return torch.optim.SGD(groups, momentum=MOMENTUM) if train.optimizer == "sgd" else torch.optim.AdamW(groups)


def parameter_groups(network: Network, train: Train) -> list[dict[str, Any]]:
    """Groups for the optimiser: pretrained backbones learn slower, the policy faster; biases, norms and gains are not decayed.

    With train.kind_factors what a parameter is multiplies its rate and its decay besides.
    """
    factors = {
        id(p): train.backbone_lr
        for backbone, pretrained in backbones(network)
        if pretrained
        for p in backbone.parameters()
    }
    if network.policy is not None:
        learners: list[nn.Module] = [network.policy]
        if network.glance is not None and _untaught(network):
            learners.append(network.glance)
        factors |= {id(p): train.policy_lr for learner in learners for p in learner.parameters()}
    gains = {id(network.head.level), id(network.head.gap)}
    kinds = _kind_factors(network) if train.kind_factors else {}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            decays = parameter.ndim > 1 and id(parameter) not in gains
            rate, decay = kinds.get(id(parameter), (1.0, float(decays)))
            groups.setdefault((rate * factors.get(id(parameter), 1.0), decay), []).append(parameter)
    return [
        {"params": parameters, "lr": train.lr * rate, "weight_decay": train.weight_decay * decay}
        for (rate, decay), parameters in groups.items()
    ]


def _kind_factors(network: Network) -> dict[int, tuple[float, float]]:
    """Factors on rate and decay by what a parameter is, as AR-Net's release has them (ops/models_ada.py, from TSN).

    What is not named there (a head's gains) has the usual 1, and decays if it is a matrix.
    """
    factors: dict[int, tuple[float, float]] = {}
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            bias = "bias" in name
            if isinstance(module, nn.Linear):
                factors[id(parameter)] = (10.0, 0.0) if bias else (5.0, 1.0)
            elif isinstance(module, NORMS):
                factors[id(parameter)] = (1.0, 0.0)
            elif isinstance(module, (nn.LSTMCell, nn.modules.conv._ConvNd)):
                # The biases of convolutions (EfficientNet's gates have some) are in TSN in one group with these.
                factors[id(parameter)] = (2.0, 0.0) if bias else (1.0, 1.0)
    return factors
