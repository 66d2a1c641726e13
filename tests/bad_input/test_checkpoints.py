"""Files that are no checkpoints: refused in a line, and never run."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from adaframe.cli.main import main

MakeCheckpoint = Callable[..., Path]


class Payload:
    """What a pickle can do to those who load it."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("saved_by", ["pickle", "torch", "torch, long ago"])
@pytest.mark.parametrize("command", ["classify", "evaluate", "bench", "info"])
def test_a_pickle_is_refused_and_not_run(
    tmp_path: Path, good: Path, capsys: pytest.CaptureFixture[str], saved_by: str, command: str
) -> None:
    checkpoint, trace = tmp_path / "model.safetensors", tmp_path / "trace"
    if saved_by == "pickle":
        checkpoint.write_bytes(pickle.dumps(Payload(trace)))
    else:
        torch.save(Payload(trace), checkpoint, _use_new_zipfile_serialization=saved_by == "torch")
    words = {
        "classify": [str(good), "--checkpoint", str(checkpoint)],
        "evaluate": ["--checkpoint", str(checkpoint), "--data.root", str(tmp_path)],
        "bench": ["--checkpoint", str(checkpoint)],
        "info": [str(checkpoint)],
    }[command]

    assert main([command, *words]) == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"adaframe: error: {checkpoint}: a pickle or zip")
    assert "refused" in captured.err
    assert len(captured.err.splitlines()) == 1
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not an adaframe checkpoint (no safetensors header)"),
        (b"weights", "not an adaframe checkpoint (no safetensors header)"),
        (
            b"\x10\0\0\0\0\0\0\0" + b"no json at all!!" + b"\0" * 64,
            "not an adaframe checkpoint (its header is no JSON)",
        ),
        (b"\x02\0\0\0\0\0\0\0{}", "safetensors, but not an adaframe checkpoint"),
        (b"\xff" * 4096, "not an adaframe checkpoint (no safetensors header)"),
    ],
)
def test_a_file_that_is_no_checkpoint(
    tmp_path: Path, good: Path, capsys: pytest.CaptureFixture[str], content: bytes, says: str
) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)

    assert main(["classify", str(good), "--checkpoint", str(tmp_path / "model.safetensors")]) == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"adaframe: error: {tmp_path}/model.safetensors: {says}")
    assert len(captured.err.splitlines()) == 1


def test_a_video_and_a_folder_are_no_checkpoints(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for checkpoint in (good, tmp_path, tmp_path / "none"):
        assert main(["classify", str(good), "--checkpoint", str(checkpoint)]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith(f"adaframe: error: {checkpoint}: ")
        assert len(captured.err.splitlines()) == 1


def test_a_checkpoint_that_was_cut_off(
    tiny_checkpoint: Path, tmp_path: Path, good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(tiny_checkpoint.read_bytes()[:-100])

    assert main(["classify", str(good), "--checkpoint", str(cut), "--device", "cpu"]) == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1].startswith(f"adaframe: error: {cut}: damaged or cut off")
    assert len(captured.err.splitlines()) == 2  # what it knows, and the error


def test_a_zip_with_the_suffix_of_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "model.pth", "w") as archive:
        archive.writestr("data.pkl", b"")

    assert main(["info", str(tmp_path / "model.pth")]) == 1

    assert capsys.readouterr().err.startswith(f"adaframe: error: {tmp_path}/model.pth: a pickle or zip")


def test_a_baseline_has_nothing_to_bench(make_checkpoint: MakeCheckpoint, capsys: pytest.CaptureFixture[str]) -> None:
    baseline = make_checkpoint("baseline", plan="uniform")

    assert main(["bench", "--checkpoint", str(baseline), "--device", "cpu"]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        f"adaframe: error: {baseline}: a baseline (uniform) has no policy; try: an adaptive checkpoint"
    ]
