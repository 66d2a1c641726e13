"""Tensors out of files that torch.save wrote, without running what else they may hold."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from adaframe.errors import CheckpointError

# What training scripts leave beside the weights: learning rates and logs as numpy values, arguments, mmengine's logs.
# Nothing of it is needed, so none of these names is looked up: an object that does nothing stands for each.
_LEFT_ASIDE = (
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    "numpy.ndarray",
    "numpy.dtype",
    "argparse.Namespace",
    "builtins.getattr",  # by which mmengine's logs name their methods
    "mmengine.logging.history_buffer.HistoryBuffer",
)


@dataclass(frozen=True, eq=False)
class Saved:
    """What a training script saved.

    Args:
        tensors: by name, without `module.` (nn.DataParallel), on the CPU, floating ones in float32.
        facts: what else stands beside them and is a number or a text (epoch, arch, …).
    """

    tensors: dict[str, Tensor]
    facts: dict[str, int | float | str]


class _LeftAside:
    """Stands for a value that is not needed: takes whatever it is made of, and keeps nothing."""

    def __new__(cls, *_: object) -> _LeftAside:
        return super().__new__(cls)

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


def read_saved(path: str | Path) -> Saved:
    """The state dict of a checkpoint, of torch's present file format or of that before 1.6.

    Beside torch's own kinds a few are left aside that training scripts are known to save (numpy values, arguments, logs of
    mmengine). Anything else in the pickle is refused before it runs.

    Raises:
        CheckpointError: no such file, not such a file, damaged, something refused in it, or no tensors by name.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file; try: the .pth.tar that training left")
    try:
        with torch.serialization.safe_globals([(_LeftAside, name) for name in _LEFT_ASIDE]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch, pickle and zipfile raise many kinds for a damaged or foreign file
        raise CheckpointError(f"{path}: {_why(path, str(error))}") from None
    if not isinstance(saved, Mapping):
        raise CheckpointError(
            f"{path}: holds {type(saved).__name__}, not a checkpoint; expected a dict with state_dict"
        )
    _check_whole(path)
    state = saved.get("state_dict", saved)
    named = state.items() if isinstance(state, Mapping) else ()
    tensors = {re.sub(r"^(module\.)+", "", str(k)): _plain(v) for k, v in named if isinstance(v, Tensor)}
    if not tensors:
        raise CheckpointError(f"{path}: holds no tensors by name; expected a dict with state_dict")
    facts = {str(k): v for k, v in saved.items() if isinstance(v, (int, float, str))}
    return Saved(tensors, facts)


def _why(path: Path, error: str) -> str:
    """What is wrong with a file that torch did not read, and what to try."""
    refused = re.search(r"GLOBAL ([\w.]+)", error)
    if refused:
        return (
            f"not safe to read: beside weights it holds a {refused[1]}, which could run code; try: where it comes from, "
            "if you trust it, save its state_dict alone with torch.save"
        )
    with path.open("rb") as file:
        start = file.read(2)
    if not start:
        return "is empty; try: to fetch it again"
    if start == b"PK" or "unexpected EOF" in error:
        return "is damaged or not whole; try: to fetch it again"
    return "not a file of weights; try: a file that torch.save wrote"


def _check_whole(path: Path) -> None:
    """Say which part of a zip was damaged on its way: torch does not compare the checksums."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as parts:
            damaged = parts.testzip()
        if damaged is not None:
            raise CheckpointError(f"{path}: is damaged (the checksum of {damaged} is wrong); try: to fetch it again")


def _plain(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
