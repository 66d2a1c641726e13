"""Where the files are that come with adaframe: configurations, model checkpoints and fold tables."""

from __future__ import annotations

from pathlib import Path

from adaframe.errors import UsageError

_PACKAGE = Path(__file__).resolve().parent


def _folder(kind: str) -> Path:
    """The folder of that kind in an installed wheel, or else in the checkout that the package lies in."""
    installed = _PACKAGE / "_bundled" / kind
    return installed if installed.is_dir() else _PACKAGE.parent / kind


def _find(kind: str, name: str, suffix: str) -> Path:
    folder = _folder(kind)
    path = folder / name
    # A name is one file of that folder: a path out of it would find what does not come with adaframe.
    if path.parent == folder and path.suffix == suffix and path.is_file():
        return path
    known = ", ".join(sorted(file.name for file in folder.glob(f"*{suffix}"))) or f"none found in {folder}"
    raise UsageError(f"no bundled file {kind}/{name}; known: {known}")


def checkpoint_path(name: str) -> Path:
    """A checkpoint that comes with adaframe.

    Args:
        name: as in checkpoints/: `example.safetensors` (what `adaframe classify` uses by default) or
            `mobilenet_v2_imagenet.safetensors` (backbone weights to train from).

    Raises:
        UsageError: there is no such checkpoint; the message names those that there are.
    """
    return _find("checkpoints", name, ".safetensors")


def config_path(name: str, *, paper: bool = False) -> Path:
    """A training configuration that comes with adaframe.

    Args:
        name: as in configs/, with or without `.yaml`.
        paper: as in configs/paper/ instead, where AR-Net's recipes are.

    Raises:
        UsageError: there is no such configuration; the message names those that there are.
    """
    return _find("configs/paper" if paper else "configs", name if name.endswith(".yaml") else f"{name}.yaml", ".yaml")


def dataset_path(name: str) -> Path:
    """A table that `adaframe prepare` needs, as in datasets/.

    Raises:
        UsageError: there is no such table; the message names those that there are.
    """
    return _find("datasets", name, ".csv")


def hardware_path(name: str) -> Path:
    """A hardware cost model that comes with adaframe.

    Args:
        name: as in configs/hardware/, with or without `.yaml`.

    Raises:
        UsageError: there is no such model; the message names those that there are.
    """
    return _find("configs/hardware", name if name.endswith(".yaml") else f"{name}.yaml", ".yaml")
