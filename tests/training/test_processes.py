"""Training by several processes: they learn what one learns, and end together."""

from __future__ import annotations

import csv
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from adaframe.config import Config, Glance, Look
from adaframe.config_io import to_yaml
from adaframe.errors import AdaframeError
from adaframe.training import processes
from adaframe.training.fit import fit

MakeConfig = Callable[..., Config]


def test_where_a_dead_rank_leaves_the_chief_waiting_for_ever_the_program_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    others, killed, codes = processes._Others.__new__(processes._Others), [], []
    dead = SimpleNamespace(exitcode=-signal.SIGKILL, kill=lambda: killed.append(1))
    alive = SimpleNamespace(exitcode=None, kill=lambda: killed.append(2))
    others.done, others.processes = threading.Event(), {1: dead, 2: alive}
    monkeypatch.setattr(processes, "GRACE_S", 0.01)
    # In place of the end: what the end would have prevented.
    monkeypatch.setattr(processes.os, "_exit", lambda code: (codes.append(code), others.done.set()))

    others._watch()

    assert codes == [1]
    assert killed == [1, 2]
    assert capsys.readouterr().err == (
        "adaframe: error: training ended, as another process did (rank 1: SIGKILL); try: --resume\n"
    )


# Backbones that were trained before and stay as they are: norms that learn would do so from each rank's own clips, and
# Adam makes whole steps of what rounding leaves of gradients near 0.
# 15 clips leave 11 in batches of 5, 5 and 1, and 4 held out.
SEVERAL = {
    "train.stages.warmup": 1,
    "train.stages.joint": 3,
    "train.stages.finetune": 1,
    "train.keep": "last",
    "train.trainable": "none",
    "model.looks": (Look("look-32", 32), Look("look-24", 24, shares="look-32")),
    "model.glance": Glance(16, shares="look-32"),
}


def rows(out: Path) -> list[dict[str, float]]:
    with (out / "metrics.csv").open(newline="") as file:
        timed = ("stage", "train/waiting")
        return [{k: float(v) for k, v in row.items() if k not in timed} for row in csv.DictReader(file)]


FIXED = {
    "train.compute": "fixed",
    "train.fixed_weights": (0.95, 5.0, 3.0),
    "train.accumulate": 2,
    "train.batch_size": 3,
}


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, FIXED], ids=["budget", "fixed, accumulated"])
def test_two_processes_learn_what_one_learns(
    make_config: MakeConfig,
    make_folder: Callable[..., Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    changes: dict[str, Any],
) -> None:
    root = make_folder(tmp_path / "data", clips=15)
    config = make_config(**SEVERAL, **changes, **{"data.root": str(root), "data.val_fraction": 0.2})

    fit(config, out=tmp_path / "one")
    capfd.readouterr()
    fit(replace(config, devices=2), out=tmp_path / "two")

    said = capfd.readouterr().err
    one, two = load_file(tmp_path / "one" / "model.safetensors"), load_file(tmp_path / "two" / "model.safetensors")
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=1e-3, atol=1e-4, msg=name)
    multipliers = [
        torch.load(tmp_path / run / "last.ckpt", weights_only=True)["state_dict"]["multiplier.value"]
        for run in ("one", "two")
    ]
    torch.testing.assert_close(*multipliers)
    assert (float(multipliers[0]) != 0.5) == (config.train.compute == "budget")
    # Each clip of each split counts once, though they do not divide by two.
    for single, shared in zip(rows(tmp_path / "one"), rows(tmp_path / "two"), strict=True):
        assert shared == pytest.approx(single, rel=1e-3, abs=1e-4)
    assert [line[:11] for line in said.splitlines() if line.startswith("epoch")] == [
        f"epoch   {n}/5" for n in range(1, 6)
    ]
    assert {p.name for p in (tmp_path / "one").iterdir()} == {p.name for p in (tmp_path / "two").iterdir()}
    assert multiprocessing.active_children() == []
    assert not torch.distributed.is_initialized()


@pytest.mark.slow
def test_a_process_that_dies_ends_the_run_with_an_error(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(**SEVERAL, devices=2)
    config = replace(config, train=replace(config.train, stages=replace(config.train.stages, joint=5000)))

    def kill() -> None:
        while not (tmp_path / "last.ckpt").exists():
            time.sleep(0.05)
        (other,) = (p for p in multiprocessing.active_children() if p.name == "rank-1")
        assert other.pid is not None
        os.kill(other.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(AdaframeError, match=r"rank 1 of 2 failed \(SIGKILL\)"):
        fit(config, out=tmp_path)

    killer.join()
    assert multiprocessing.active_children() == []
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["epoch"] >= 0


@pytest.mark.slow
def test_the_command_trains_by_two_processes_without_a_cache_and_with_a_bad_clip(
    make_config: MakeConfig, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    root, out = make_folder(tmp_path / "data", clips=15), tmp_path / "out"
    (root / "red" / "03.mp4").write_bytes(b"no video")
    config = make_config(devices=2, **{"data.root": str(root), "data.cache": ""})
    (tmp_path / "config.yaml").write_text(to_yaml(config))

    done = subprocess.run(
        [sys.executable, "-m", "adaframe", "train", "--config", str(tmp_path / "config.yaml"), "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )

    assert done.returncode == 0, done.stderr
    assert (out / "model.safetensors").is_file()
    assert [line.split("\t")[0] for line in (out / "bad_clips.txt").read_text().splitlines()] == [
        str(root / "red" / "03.mp4")
    ]
    assert done.stderr.count("left out: ") == 1
    assert done.stderr.count("epoch ") >= 3
    assert "Warning" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
