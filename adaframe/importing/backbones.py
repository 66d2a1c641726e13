"""Networks that others trained on videos, to start looks from: TSN and TSM of mmaction2, TSM's release, AR-Net's first stage.

Only the backbone is taken. TSM's shift across frames is not: it hands features on to the next frame of one network, and the
next frame here may be skipped, or looked at by another network at another size; what would be shifted in was never computed.
So TSM's weights start a look that sees single frames, and have to be trained on.
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
    """mmaction2's and TSM's names of a ResNet -> torchvision's; others stay."""
    return {_plain_name(k): v for k, v in tensors.items()}


def _plain_name(name: str) -> str:
    name = re.sub(r"\.net\.(weight|bias)$", r".\1", name)  # TSM wraps the convolution that it shifts before
    name = re.sub(r"\bdownsample\.conv\.", "downsample.0.", name)
    name = re.sub(r"\bdownsample\.bn\.", "downsample.1.", name)
    return re.sub(r"\bconv(\d)\.(conv|bn)\.", lambda m: f"{'conv' if m[2] == 'conv' else 'bn'}{m[1]}.", name)
