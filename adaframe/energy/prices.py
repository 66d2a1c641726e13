"""Joules of a model's parts on hardware on paper: what a budget counts where it counts energy."""

from __future__ import annotations

from adaframe.energy.estimate import estimate
from adaframe.energy.hardware import HardwareModel
from adaframe.energy.work import Work, count_weights, work_of_backbone
from adaframe.model.cost import Costs
from adaframe.model.network import Network


def energy_costs(hardware: HardwareModel, network: Network) -> Costs:
    """The joules in the place of a model's MACs; they add up to what `estimate` says of `executed_work`.

    Weights are read once for each video: those of a look are its start; those of the glance and the policy, which a file's
    frames go through together, are shared among the T frames.

    Args:
        hardware: the cost model.
        network: adaptive.
    """
    assert network.glance is not None
    assert network.policy is not None
    model, macs = network.model, network.costs

    def joules(macs: float, weights: float, activations: float) -> float:
        return estimate(hardware, Work(macs, weights, activations)).joules

    parts = [work_of_backbone(look.backbone, look.pixels) for look in model.looks]
    parts += [(0, 0)] * (len(macs.project) - len(parts))  # the glance ran already
    project = [count_weights(part) for part in network.head.project]
    glance_weights, glance_activations = work_of_backbone(model.glance.backbone, model.glance.pixels)
    frames = model.sampling.frames
    return Costs(
        glance=joules(macs.glance, glance_weights / frames, glance_activations),
        policy=joules(macs.policy, count_weights(network.policy) / frames, 0),
        looks=tuple(joules(m, 0, parts[i][1]) for i, m in enumerate(macs.looks)),
        project=tuple(joules(m, 0, 0) for m in macs.project),
        head=joules(macs.head, count_weights(network.head) - sum(project), 0),
        starts=tuple(joules(0, w + p, 0) for (w, _), p in zip(parts, project, strict=True)),
        uniform_look=macs.strongest,
        counted="energy",
        by=hardware.name,
    )
