"""Checkpoints: safetensors and JSON metadata; nothing executable goes in or out."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from adaframe.errors import CheckpointError, UsageError
from adaframe.files import atomic_path
from adaframe.model.metadata import Metadata, read_metadata
from adaframe.model.network import Network


def save_checkpoint(path: Path, network: Network, metadata: Metadata, *, half: bool = False) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: .safetensors.
        network: whose weights are written; weights that parts share are written once.
        metadata: written beside them.
        half: store floating-point weights as fp16 (loaded to float32 again); what fp16 cannot hold stays float32.
    """
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in _own(network).items()}
    if half:
        tensors = {
            k: v.half() if v.is_floating_point() and v.half().isfinite().all() else v for k, v in tensors.items()
        }
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={"adaframe": metadata.to_json()})


def load_network(path: Path, *, device: torch.device | str = "cpu") -> tuple[Network, Metadata]:
    """The network of a checkpoint, in eval mode and float32, and its metadata.

    Raises:
        CheckpointError: no such file, not an adaframe checkpoint, or damaged.
    """
    metadata = read_metadata(path)
    try:
        network = Network(
            metadata.model,
            classes=len(metadata.classes),
            plan=metadata.plan,
            pretrained=False,
            costs=metadata.costs,
            prices=metadata.prices,
        )
    except UsageError as error:
        raise CheckpointError(f"{path}: its model cannot be built here ({error})") from error
    state = _read(path)
    own = _own(network)
    missing = [k for k in own if k not in state]
    unfit = [k for k in own if k in state and state[k].shape != own[k].shape]
    if missing or unfit:
        raise CheckpointError(f"{path}: damaged: {len(missing)} tensors missing, {len(unfit)} of another shape")
    network.load_state_dict({k: state[k] for k in own}, strict=False)
    return network.to(device).eval(), metadata


def load_matching(network: Network, path: Path) -> tuple[int, int]:
    """Start a network from another checkpoint: what has the same name and shape is taken (other classes are fine).

    Returns:
        How many of the network's tensors were taken, and how many it has.
    """
    read_metadata(path)
    state = _read(path)
    own = _own(network)
    fitting = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    if not fitting:
        raise CheckpointError(f"{path}: none of its tensors fits this model; try: the config it was trained with")
    network.load_state_dict(fitting, strict=False)
    return len(fitting), len(own)


def _own(network: Network) -> dict[str, Tensor]:
    """State by name, each storage once: looks that share weights appear under the first name."""
    seen: set[int] = set()
    own = {}
    for name, tensor in network.state_dict().items():
        if tensor.data_ptr() not in seen or tensor.numel() == 0:
            own[name] = tensor
        seen.add(tensor.data_ptr())
    return own


def _read(path: Path) -> dict[str, Tensor]:
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: damaged or cut off ({error})") from error
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
