"""Weights come out of what training scripts saved, and nothing else in it runs."""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from adaframe.errors import CheckpointError
from adaframe.importing.pickles import read_saved

WEIGHTS = {"module.fc.weight": torch.arange(6.0).view(2, 3)}


class Evil:
    """Makes a folder when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("broken_into",)


class Evaluated:
    """Runs an expression when it is unpickled."""

    def __reduce__(self) -> Any:
        return eval, ("__import__('os').mkdir('broken_into')",)


def history_buffer() -> Any:
    """A log of mmengine, as its runner saves one in each checkpoint."""
    kind: Any = type("HistoryBuffer", (), {"__module__": "mmengine.logging.history_buffer", "min": lambda self: 0.25})
    module = ModuleType(kind.__module__)
    module.HistoryBuffer = kind  # type: ignore[attr-defined]
    for name in ("mmengine", "mmengine.logging"):
        sys.modules.setdefault(name, ModuleType(name))
    sys.modules[kind.__module__] = module
    kind.min.__module__, kind.min.__qualname__ = kind.__module__, "HistoryBuffer.min"
    buffer = kind()
    buffer._statistics_methods = {"min": kind.min}
    buffer.max_length, buffer._log_history, buffer._count_history = 10, np.array([0.5, 0.25]), np.array([1, 1])
    return buffer


@pytest.fixture
def forget_mmengine(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The reader does not have the package that the writer had."""
    names = ("mmengine", "mmengine.logging", "mmengine.logging.history_buffer")
    return lambda: [monkeypatch.delitem(sys.modules, name, raising=False) for name in names] and None


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize(
    "beside",
    [
        lambda: {"optimizer": {"param_groups": [{"lr": np.float64(0.001)}]}},
        lambda: {"args": argparse.Namespace(arch="resnet50", steps=[20, 40])},
        lambda: {"message_hub": {"log_scalars": {"train/loss": history_buffer()}}, "meta": {"cfg": "model = dict()"}},
    ],
    ids=["numpy rates", "arguments", "logs of mmengine"],
)
def test_what_training_scripts_leave_beside_the_weights_does_not_hinder(
    tmp_path: Path, beside: Callable[[], dict[str, Any]], zipped: bool, forget_mmengine: Callable[[], None]
) -> None:
    path = tmp_path / "a.pth"
    torch.save({"state_dict": WEIGHTS, "epoch": 3, **beside()}, path, _use_new_zipfile_serialization=zipped)
    forget_mmengine()

    saved = read_saved(path)

    assert list(saved.tensors) == ["fc.weight"]
    assert torch.equal(saved.tensors["fc.weight"], WEIGHTS["module.fc.weight"])
    assert saved.facts == {"epoch": 3}


@pytest.mark.parametrize(("evil", "named"), [(Evil, "mkdir"), (Evaluated, "eval")])
@pytest.mark.parametrize("zipped", [True, False, None], ids=["zip", "before torch 1.6", "plain pickle"])
def test_what_could_run_code_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evil: type, named: str, zipped: bool | None
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pth"
    if zipped is None:
        path.write_bytes(pickle.dumps(evil(), protocol=2))
    else:
        torch.save({"state_dict": WEIGHTS, "hook": evil()}, path, _use_new_zipfile_serialization=zipped)

    with pytest.raises(CheckpointError, match=rf"evil\.pth: not safe to read: .*{named}, which") as refusal:
        read_saved(path)

    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "broken_into").exists()


def cut(whole: bytes) -> bytes:
    return whole[:-8]


def overwritten(whole: bytes) -> bytes:
    """One byte of the weights is another: all parts are there, but one fails its checksum."""
    at = whole.index(np.arange(6, dtype=np.float32).tobytes())
    return whole[:at] + b"\x01" + whole[at + 1 :]


@pytest.mark.parametrize(
    ("make", "zipped", "says"),
    [
        (cut, True, "is damaged or not whole"),
        (cut, False, "is damaged or not whole"),
        (overwritten, True, r"is damaged \(the checksum of a/data/0 is wrong\)"),
        (lambda _: b"", True, "is empty"),
        (lambda _: b"<!DOCTYPE html><p>Too many downloads", True, "not a file of weights"),
        (lambda _: b"hello", True, "not a file of weights"),
        (lambda _: pickle.dumps([1, 2], protocol=2), True, "not a file of weights|holds list"),
        (lambda _: pickle.dumps({"a": 1}, protocol=5), True, "not a file of weights|no tensors"),
    ],
)
def test_a_file_that_is_none_says_so_in_one_line(
    tmp_path: Path, make: Callable[[bytes], bytes], zipped: bool, says: str
) -> None:
    path = tmp_path / "a.pth"
    torch.save({"state_dict": WEIGHTS}, path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(make(path.read_bytes()))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CheckpointError, match=says) as refusal:
            read_saved(path)

    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no such file"):
        read_saved(tmp_path)


def test_weights_that_were_wrapped_twice_lose_both_prefixes(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"state_dict": {"module.module.fc.bias": torch.zeros(2)}}, path)

    assert list(read_saved(path).tensors) == ["fc.bias"]
