"""Tensors out of files that torch.save wrote, without running what else they may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adaframe.errors import CheckpointError


@dataclass(frozen=True, eq=False)
class Saved:
    """What a training script saved.

    Args:
        tensors: by name, without `module.` (nn.DataParallel), on the CPU, floating ones in float32.
        facts: what else stands beside them and is a number or a text (epoch, arch, …).
    """

    tensors: dict[str, Tensor]
    facts: dict[str, int | float | str]


def read_saved(path: str | Path) -> Saved:
    """The state dict of a checkpoint, of torch's present file format or of that before 1.6.

    Beside torch's own kinds only numpy's float64 scalars are allowed, in which optimisers keep their learning rates, under
    numpy's old and new module names. Anything else in the pickle is refused before it runs.

    Raises:
        CheckpointError: no such file, not such a file, something refused in it, or no tensors by name.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file; try: the .pth.tar that training left")
    scalar: Any = np.float64(0).__reduce__()[0]  # numpy._core.multiarray.scalar, or numpy.core's before numpy 2
    allowed = [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, type(np.dtype(np.float64))]
    try:
        with torch.serialization.safe_globals(allowed):
            saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch, pickle and zipfile raise many kinds for a damaged or foreign file
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        refused = next((line for line in lines if "Unsupported global" in line or "GLOBAL " in line), None)
        why = refused or (lines[0] if lines else type(error).__name__)
        raise CheckpointError(
            f"{path}: not a file of weights that is safe to read ({why[:150]}); try: a file that torch.save wrote, whole"
        ) from None
    if not isinstance(saved, Mapping):
        raise CheckpointError(
            f"{path}: holds {type(saved).__name__}, not a checkpoint; expected a dict with state_dict"
        )
    state = saved.get("state_dict", saved)
    named = state.items() if isinstance(state, Mapping) else ()
    tensors = {str(k).removeprefix("module."): _plain(v) for k, v in named if isinstance(v, Tensor)}
    if not tensors:
        raise CheckpointError(f"{path}: holds no tensors by name; expected a dict with state_dict")
    facts = {str(k): v for k, v in saved.items() if isinstance(v, (int, float, str))}
    return Saved(tensors, facts)


def _plain(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
