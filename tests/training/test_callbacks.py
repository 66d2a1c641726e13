"""What a run prints, writes and saves as it goes."""

from __future__ import annotations

import csv
import io
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from adaframe.training import callbacks
from adaframe.training.callbacks import Metrics, Progress, Resumable, Tidy


def trainer(epoch: int, **metrics: float) -> Any:
    """As far as callbacks look at one: ten epochs of four updates."""
    found = {name.replace("__", "/"): torch.tensor(value) for name, value in metrics.items()}
    return SimpleNamespace(
        current_epoch=epoch,
        max_epochs=10,
        num_training_batches=4,
        global_step=4 * (epoch + 1),
        callback_metrics=found,
        is_global_zero=True,
        accumulate_grad_batches=1,
        save_checkpoint=lambda path: Path(path).write_text(f"epoch {epoch}"),
    )


@pytest.fixture
def module(make_recogniser: Callable[..., Any]) -> Any:
    return make_recogniser()


METRICS = {
    "train__loss": 0.5123,
    "train__accuracy": 0.75,
    "train__cost": 0.6,
    "val__accuracy": 0.5,
    "val__cost": 0.25,
    "val__share/look-32": 0.25,
    "val__share/look-16": 0.75,
    "val__share/skip-1": 0.0,
    "train__share/look-32": 0.9,
}


def test_an_epoch_is_a_line_with_stage_loss_accuracy_cost_mix_and_time_left(
    module: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    progress = Progress()
    begun = trainer(0)
    begun.global_step = 0
    progress.on_train_batch_start(begun, module, None, 0)
    now[0] += 60.0

    progress.on_train_batch_end(trainer(1), module)
    progress.on_train_epoch_end(trainer(1, **METRICS), module)

    (line,) = capsys.readouterr().err.splitlines()
    # 8 of 40 updates took a minute.
    assert line == (
        "epoch   2/10 joint    loss 0.512  accuracy 75% val 50%  cost 0.25 of uniform  look-32 25% look-16 75%  4:00 left"
    )


def test_waiting_for_clips_is_in_the_line_where_it_is_worth_knowing(
    module: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for share in (0.04, 0.06):
        Progress().on_train_epoch_end(trainer(1, **METRICS, train__waiting=share), module)
        said.append(capsys.readouterr().err)

    assert "waiting" not in said[0]
    assert "look-16 75%  waiting 6%  " in said[1]


def test_time_left_counts_updates_of_several_batches(
    module: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    progress, begun, later = Progress(), trainer(0), trainer(1, **METRICS)
    begun.global_step, later.global_step, later.accumulate_grad_batches = 0, 4, 2
    progress.on_train_batch_start(begun, module, None, 0)
    now[0] += 60.0

    progress.on_train_epoch_end(later, module)

    # 4 of 20 updates took a minute.
    assert capsys.readouterr().err.rstrip().endswith("4:00 left")


def test_a_resumed_run_reckons_with_its_own_updates_only(
    module: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    progress = Progress()
    begun = trainer(8)
    begun.global_step = 32
    progress.on_train_batch_start(begun, module, None, 0)
    now[0] += 60.0

    progress.on_train_epoch_end(trainer(8, **METRICS), module)

    assert capsys.readouterr().err.rstrip().endswith("1:00 left")


def test_several_labels_are_told_as_map(
    make_recogniser: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"train__loss": 0.5, "train__map": 0.75, "train__cost": 0.6, "val__map": 0.5, "val__cost": 0.25}

    Progress().on_train_epoch_end(trainer(1, **found), make_recogniser(multi_label=True))

    assert "loss 0.500  mAP 75% val 50%  cost 0.25 of uniform" in capsys.readouterr().err


def test_without_validation_the_line_shows_the_training_clips(module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    of_training = {k: v for k, v in METRICS.items() if k.startswith("train")}

    Progress().on_train_epoch_end(trainer(0, **of_training), module)

    line = capsys.readouterr().err
    assert " val " not in line
    assert "cost 0.60 of uniform  look-32 90%" in line


def test_on_a_terminal_the_line_is_rewritten_within_an_epoch(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    progress = Progress()

    progress.on_train_batch_end(trainer(1), module)
    progress.on_train_epoch_end(trainer(1, **METRICS), module)

    first, second = sys.stderr.getvalue().split("\r")[1:]  # type: ignore[attr-defined]
    assert first.startswith("epoch 2/10, ")
    assert "\n" not in first
    assert second.endswith("\n")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_holds_all_that_was_logged(module: Any, tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.csv")

    metrics.on_train_start(trainer(0), module)
    metrics.on_train_epoch_end(trainer(0, **METRICS), module)

    (row,) = rows(tmp_path / "metrics.csv")
    assert row.pop("epoch") == "0"
    assert row.pop("stage") == "warmup"
    assert {k: float(v) for k, v in row.items()} == {k.replace("__", "/"): v for k, v in METRICS.items()}


def test_columns_that_come_later_are_empty_before(module: Any, tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.csv")
    metrics.on_train_start(trainer(0), module)

    metrics.on_train_epoch_end(trainer(0, a=1.0), module)
    metrics.on_train_epoch_end(trainer(1, b=2.0), module)

    assert [(r["a"], r["b"]) for r in rows(tmp_path / "metrics.csv")] == [("1", ""), ("", "2")]


def test_a_resumed_run_drops_the_epochs_that_were_not_saved(module: Any, tmp_path: Path) -> None:
    first = Metrics(tmp_path / "metrics.csv")
    first.on_train_start(trainer(0), module)
    for epoch in range(3):
        first.on_train_epoch_end(trainer(epoch, a=1.0), module)

    resumed = Metrics(tmp_path / "metrics.csv")
    resumed.on_train_start(trainer(2), module)  # epoch 2 had been noted, but not saved
    resumed.on_train_epoch_end(trainer(2, a=9.0), module)

    assert [(r["epoch"], r["a"]) for r in rows(tmp_path / "metrics.csv")] == [("0", "1"), ("1", "1"), ("2", "9")]


def test_a_new_run_forgets_an_old_file(module: Any, tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,stage,a\n0,warmup,5\n")
    metrics = Metrics(tmp_path / "metrics.csv")

    metrics.on_train_start(trainer(0), module)
    metrics.on_train_epoch_end(trainer(0, a=1.0), module)

    assert [r["a"] for r in rows(tmp_path / "metrics.csv")] == ["1"]


def test_the_last_epoch_is_kept_until_the_next_one_is_written_whole(module: Any, tmp_path: Path) -> None:
    keep = Resumable(tmp_path / "last.ckpt")
    keep.on_train_epoch_end(trainer(0), module)
    broken = trainer(1)

    def half(path: Path) -> None:
        Path(path).write_text("half")
        raise RuntimeError("power cut")

    broken.save_checkpoint = half

    with pytest.raises(RuntimeError):
        keep.on_train_epoch_end(broken, module)

    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]
    assert (tmp_path / "last.ckpt").read_text() == "epoch 0"


def test_all_ranks_call_the_saving_and_one_of_them_writes(module: Any, tmp_path: Path) -> None:
    other = trainer(0)
    other.is_global_zero = False
    called: list[Path] = []
    other.save_checkpoint = called.append  # As Lightning's, which writes on the first rank alone.

    Resumable(tmp_path / "last.ckpt").on_train_epoch_end(other, module)

    assert len(called) == 1
    assert not list(tmp_path.iterdir())


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is asked")
def test_memory_that_an_epoch_freed_goes_back_to_the_system() -> None:
    # Too small to be mapped one by one, and held in the heap by what was allocated last.
    blocks = [b"x" * 100_000 for _ in range(1500)]
    last = [b"y" * 1000 for _ in range(1000)]
    before = resident_mb()
    del blocks

    Tidy().on_train_epoch_end(None, None)

    assert len(last) == 1000
    assert before - resident_mb() > 100
