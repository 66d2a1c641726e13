"""Which parameters learn, and how fast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from adaframe.config import Train
from adaframe.model.network import Network

BATCH_NORMS = (nn.modules.batchnorm._BatchNorm,)
# Of a pretrained backbone's modules with parameters, the share at its end that learns under `trainable: last`.
LAST_SHARE = 0.25


def backbones(network: Network) -> list[tuple[nn.Module, bool]]:
    """Each backbone once, and whether it starts from pretrained weights."""
    configured = [(module, look.weights != "none") for module, look in zip(network.looks, _looks(network), strict=True)]
    if network.glance is not None:
        configured.append((network.glance, network.model.glance.weights != "none"))
    seen: set[int] = set()
    return [(m, p) for m, p in configured if id(m) not in seen and not seen.add(id(m))]  # type: ignore[func-returns-value]


def _looks(network: Network) -> list[Any]:
    return [look for look in network.model.looks if look.name in network.actions.looks]


def frozen_norms(network: Network, *, learn_own: bool, learn_glance: bool = False) -> Iterator[nn.Module]:
    """Batch norms that must run in eval mode: pretrained ones always, others where they shall not learn.

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
    """Set, once and before training, which parameters of pretrained backbones learn. Their norms never do."""
    for backbone, pretrained in backbones(network):
        if not pretrained:
            continue
        # Not the leaves alone: attention and layer scales hold parameters beside their children.
        holders = [m for m in backbone.modules() if any(True for _ in m.parameters(recurse=False))]
        first = {"none": len(holders), "last": int(len(holders) * (1 - LAST_SHARE)), "all": 0}[train.trainable]
        for i, holder in enumerate(holders):
            learns = i >= first and not isinstance(holder, BATCH_NORMS)
            for parameter in holder.parameters(recurse=False):
                parameter.requires_grad_(learns)


def parameter_groups(network: Network, train: Train) -> list[dict[str, Any]]:
    """Groups for AdamW: pretrained backbones learn slower, the policy faster; biases, norms and gains are not decayed."""
    factors = {
        id(p): train.backbone_lr
        for backbone, pretrained in backbones(network)
        if pretrained
        for p in backbone.parameters()
    }
    if network.policy is not None:
        learners: list[nn.Module] = [network.policy]
        if network.glance is not None and not network.model.glance.shares and network.model.glance.weights == "none":
            learners.append(network.glance)
        factors |= {id(p): train.policy_lr for learner in learners for p in learner.parameters()}
    gains = {id(network.head.level), id(network.head.gap)}
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            decays = parameter.ndim > 1 and id(parameter) not in gains
            groups.setdefault((factors.get(id(parameter), 1.0), decays), []).append(parameter)
    return [
        {"params": parameters, "lr": train.lr * factor, "weight_decay": train.weight_decay if decays else 0.0}
        for (factor, decays), parameters in groups.items()
    ]
