"""What a recognition makes the hardware do: multiply-adds, weights read, activations written.

Letters: B videos, S sources.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from adaframe.model.actions import Decisions
from adaframe.model.backbones import build_backbone
from adaframe.model.network import Network


@dataclass(frozen=True)
class Work:
    """Of one video, on average. Values are counted, not bytes: these depend on the precision.

    Args:
        macs: multiply-adds.
        weights: values read from memory.
        activations: values that layers write, and their followers read.
    """

    macs: float
    weights: float
    activations: float


def executed_work(network: Network, decisions: Decisions) -> Work:
    """What the decisions execute for each video, on average over the videos.

    A video's frames go through a look together, so its weights are read once for each video that uses it at all; so are
    those of the glance, the policy and the head. What the policy and the head write is little, and not counted.
    """
    configured = {look.name: look for look in network.model.looks}
    looks = [work_of_backbone(configured[name].backbone, configured[name].pixels) for name in network.actions.looks]
    glance = (0, 0)
    if network.glance is not None:
        glance = work_of_backbone(network.model.glance.backbone, network.model.glance.pixels)
    if network.actions.glance_answers:
        looks.append((0, 0))  # its backbone ran for the glance already
    seen = decisions.seen()
    frames = seen.sum(dim=1).double()  # (B, S)
    glanced = decisions.glanced.sum(dim=1).double()
    project = [count_weights(part) for part in network.head.project]
    weights = ((frames > 0) * _row(frames, [w + p for (w, _), p in zip(looks, project, strict=True)])).sum(dim=1)
    weights += (glanced > 0) * float(glance[0])
    if network.policy is not None:
        weights += decisions.decided.any(dim=1) * float(count_weights(network.policy))
    weights += count_weights(network.head) - sum(project)
    activations = (frames * _row(frames, [a for _, a in looks])).sum(dim=1) + glanced * float(glance[1])
    macs = network.costs.executed(decisions)
    return Work(*(float(part.mean()) for part in (macs, weights, activations)))


@cache
def work_of_backbone(backbone: str, pixels: int) -> tuple[int, int]:
    """Weights and activations of a backbone, of its plain form: that which answers soonest shows neither."""
    with torch.device("meta"):
        plain, _ = build_backbone(backbone, "none")
    return count_weights(plain), count_activations(plain, pixels)


def _row(like: Tensor, values: list[int]) -> Tensor:
    return like.new_tensor(values)


def count_weights(module: nn.Module) -> int:
    """Parameters of a module; those used in several places count once."""
    return sum(parameter.numel() for parameter in module.parameters())


def count_activations(backbone: nn.Module, pixels: int) -> int:
    """Values that a backbone reads and writes for one picture: the picture, and what layers with weights of their own give.

    Activation functions and norms work on these values as they are written.
    """
    twin = copy.deepcopy(backbone).to("meta").eval()
    written = [3 * pixels * pixels]

    def note(module: nn.Module, inputs: object, output: Tensor) -> None:
        written.append(output.numel())

    for module in twin.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(note)
    with torch.no_grad():
        twin(torch.empty(1, 3, pixels, pixels, device="meta"))
    return sum(written)
