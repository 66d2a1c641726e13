"""What live recognition asks of a model: `adaframe.inference.recognizer.Recognizer` is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

    from adaframe.model.metadata import Metadata
    from adaframe.model.network import Network


class LoadedModel(Protocol):
    """A network on its device, with what its checkpoint knows.

    Args:
        network: in eval mode.
        metadata: of the checkpoint.
        budget: upper bound on mean cost as a fraction of uniform's; None: what it was trained for.
        device: where the network is.
    """

    network: Network
    metadata: Metadata
    budget: float | None
    device: torch.device
