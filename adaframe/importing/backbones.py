"""Networks that others trained on videos, to start looks from: TSN and TSM of mmaction2, TSM's release, AR-Net's first stage.

Only the backbone is taken. TSM's shift across frames is not: it hands features on to the next frame of one network, and the
next frame here may be skipped, or looked at by another network at another size; what would be shifted in was never computed.
So TSM's weights start a look that sees single frames, and have to be trained on. Its non-local layers are left out likewise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from adaframe.errors import CheckpointError
from adaframe.importing.pickles import read_saved
from adaframe.importing.renaming import below, recognised
from adaframe.model.network import Network

_PREFIXES = ("backbone.", "base_model.", "lite_backbone.")
SUFFIXES = (".pth", ".pt", ".tar")


def load_backbone(network: Network, path: Path) -> list[str]:
    """Start all looks (and the glance) that have the backbone of a file with its weights.

    Returns:
        Their names.

    Raises:
        CheckpointError: not such a file, or none of the model's parts has this backbone.
    """
    tensors = read_saved(path).tensors
    inner = next((found for prefix in _PREFIXES if (found := below(tensors, prefix))), tensors)
    name, state = recognised(_plain_names(inner), str(path))
    parts = [*zip(network.actions.looks, network.model.looks, network.looks, strict=False)]
    started = []
    for look, configured, module in parts:
        if configured.backbone == name:
            _load(module, state, f"{path}: {look}")
            started.append(look)
    if network.glance is not None and network.model.glance.backbone == name and not network.model.glance.shares:
        _load(network.glance, state, f"{path}: glance")
        started.append("glance")
    if not started:
        there = ", ".join(sorted({look.backbone for look in network.model.looks} | {network.model.glance.backbone}))
        raise CheckpointError(f"{path}: is a {name}, and no part of this model is; its backbones: {there}")
    return started


def _load(module: object, state: Mapping[str, Tensor], where: str) -> None:
    from torch import nn

    assert isinstance(module, nn.Module)
    own = module.state_dict()
    missing = [k for k in own if k not in state and not k.endswith("num_batches_tracked")]
    unfit = [k for k in own if k in state and own[k].shape != state[k].shape]
    if missing or unfit:
        raise CheckpointError(
            f"{where}: {len(missing)} tensors are missing and {len(unfit)} have other shapes: "
            f"{', '.join([*missing, *unfit][:3])}; is the file whole?"
        )
    module.load_state_dict({k: state[k] for k in own if k in state}, strict=False)


def _plain_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """mmaction2's and TSM's names of a ResNet or MobileNetV2 -> torchvision's; others stay."""
    plain = {_plain_name(k): v for k, v in tensors.items()}
    if "layer7.0.conv.0.conv.weight" not in plain:
        return plain
    found = {(int(m[1]), int(m[2])) for k in plain if (m := re.match(r"layer(\d)\.(\d+)\.", k))}
    blocks = {block: number for number, block in enumerate(sorted(found), 1)}
    return {_plain_mobilenet_name(k, blocks): v for k, v in plain.items()}


def _plain_name(name: str) -> str:
    name = name.replace(".net.", ".")  # TSM wraps what it shifts before: a convolution, a block, or a stage
    name = re.sub(r"^(layer\d\.\d+)\.block\.", r"\1.", name)  # and, with non-local layers, the block before one
    name = re.sub(r"\bdownsample\.conv\.", "downsample.0.", name)
    name = re.sub(r"\bdownsample\.bn\.", "downsample.1.", name)
    return re.sub(r"\bconv(\d)\.(conv|bn)\.", lambda m: f"{'conv' if m[2] == 'conv' else 'bn'}{m[1]}.", name)


def _plain_mobilenet_name(name: str, blocks: Mapping[tuple[int, int], int]) -> str:
    """mmaction2 numbers the blocks within stages and its convolutions with their norms; torchvision numbers all blocks."""
    inside = re.match(r"layer(\d)\.(\d+)\.conv\.(\d)\.(conv|bn)\.(.+)", name)
    if not inside:
        ends = {"conv1": "features.0.0", "bn1": "features.0.1", "conv2": "features.18.0", "bn2": "features.18.1"}
        layer, _, entry = name.partition(".")
        return f"{ends.get(layer, layer)}.{entry}"
    number, part, norm = blocks[int(inside[1]), int(inside[2])], int(inside[3]), int(inside[4] == "bn")
    last = 1 if number == 1 else 2  # the first block does not widen; the last convolution's norm stands beside it
    return f"features.{number}.conv.{f'{part}.{norm}' if part < last else last + norm}.{inside[5]}"
