"""Backbones of other projects' files: which they are, and torchvision's names for their tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from adaframe.errors import CheckpointError

_FLAT_FIRST = {"0": "0.0", "1": "0.1", "3": "1", "4": "2"}
_FLAT = {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "6": "2", "7": "3"}
_RESNETS = {(2, False): "resnet18", (6, False): "resnet34", (6, True): "resnet50", (23, True): "resnet101"}
_EFFICIENTNETS = {(16, 1280): "b0", (23, 1280): "b1", (23, 1408): "b2", (26, 1536): "b3", (32, 1792): "b4"}


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, without that."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def recognised(tensors: Mapping[str, Tensor], where: str, padding: str = "same") -> tuple[str, dict[str, Tensor]]:
    """Which backbone a state dict is of, by its names and shapes, and its tensors under torchvision's names.

    Known: torchvision's ResNets and MobileNetV2 (of today, and with the flat names of before 2020), and efficientnet_pytorch's
    EfficientNets. Last layers may be missing.

    Args:
        tensors: by name.
        where: file and part, for errors.
        padding: of an EfficientNet, same or even (see `build_backbone`).

    Raises:
        CheckpointError: none of these.
    """
    if "_conv_stem.weight" in tensors:
        return _efficientnet(tensors, where, padding)
    if "features.18.0.weight" in tensors:
        return "mobilenet_v2", _mobilenet(tensors)
    blocks = {int(m[1]) for k in tensors if (m := re.match(r"layer3\.(\d+)\.", k))}
    name = _RESNETS.get((len(blocks), "layer3.0.conv3.weight" in tensors)) if "conv1.weight" in tensors else None
    if name is None:
        some = ", ".join(list(tensors)[:3]) or "nothing"
        raise CheckpointError(
            f"{where}: no backbone that is known (ResNet-18/34/50/101, MobileNetV2, EfficientNet-B0 to B4); it has: {some}, …"
        )
    return name, {k: v for k, v in tensors.items() if not k.startswith("fc.")}


def _mobilenet(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    kept = {k: v for k, v in tensors.items() if not k.startswith("classifier.")}
    if "features.1.conv.4.weight" not in kept:
        return kept
    out = {}
    for name, tensor in kept.items():
        flat = re.match(r"features\.(\d+)\.conv\.(\d)\.(.+)", name)
        if flat:
            part = (_FLAT_FIRST if flat[1] == "1" else _FLAT)[flat[2]]
            name = f"features.{flat[1]}.conv.{part}.{flat[3]}"
        out[name] = tensor
    return out


def _efficientnet(tensors: Mapping[str, Tensor], where: str, padding: str) -> tuple[str, dict[str, Tensor]]:
    """efficientnet_pytorch's names -> torchvision's; the backbone is the variant with that package's padding."""
    from adaframe.model.backbones import build_backbone

    blocks = 1 + max((int(m[1]) for k in tensors if (m := re.match(r"_blocks\.(\d+)\.", k))), default=-1)
    head = tensors["_conv_head.weight"].shape[0] if "_conv_head.weight" in tensors else 0
    variant = _EFFICIENTNETS.get((blocks, head))
    if variant is None:
        raise CheckpointError(
            f"{where}: an EfficientNet of {blocks} blocks and {head} features is not known (B0 to B4 are)"
        )
    name = f"efficientnet_{variant}-{padding}"
    own = build_backbone(name, "none")[0].state_dict()
    # Both list their layers in the order of the data; within a layer names mean the same.
    theirs = [k for k in _in_order(tensors, blocks) if not k.startswith("_fc.")]
    ours = [k for k in own if not k.endswith("num_batches_tracked")]
    theirs = [k for k in theirs if not k.endswith("num_batches_tracked")]
    if len(ours) != len(theirs):
        raise CheckpointError(f"{where}: {len(theirs)} tensors, but {name} has {len(ours)}; is the file whole?")
    return name, {a: tensors[b] for a, b in zip(ours, theirs, strict=True)}


_PARTS = ("_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_se_reduce", "_se_expand", "_project_conv", "_bn2")


def _in_order(tensors: Mapping[str, Tensor], blocks: int) -> list[str]:
    layers = ["_conv_stem", "_bn0"]
    layers += [f"_blocks.{n}.{part}" for n in range(blocks) for part in _PARTS]
    layers += ["_conv_head", "_bn1"]
    entries = ("weight", "bias", "running_mean", "running_var")
    return [name for layer in layers for entry in entries if (name := f"{layer}.{entry}") in tensors]
