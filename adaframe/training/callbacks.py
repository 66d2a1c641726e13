"""What a run prints, writes and saves as it goes."""

from __future__ import annotations

import csv
import ctypes
import io
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from adaframe.files import atomic_path, write_text
from adaframe.progress import clock
from adaframe.training.module import Recogniser

NOTABLE = 0.05  # share of an epoch spent waiting for clips


class Progress(pl.Callback):
    """A line per epoch: stage, loss, accuracy (multi-label: mAP), cost as a fraction of uniform, mix of actions, time left."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.first: int | None = None
        self.last = 0.0

    def on_train_batch_start(self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, batch_idx: int) -> None:
        if self.first is None:
            self.started, self.first = time.monotonic(), trainer.global_step

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        now = time.monotonic()
        if sys.stderr.isatty() and now - self.last > 0.3:
            self.last = now
            text = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}, {self._left(trainer)} left"
            print(f"\r{text:<79}", end="", file=sys.stderr, flush=True)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, Recogniser)
        m = {k: float(v) for k, v in trainer.callback_metrics.items()}
        split = "val" if "val/cost" in m else "train"
        key, judged_by = ("map", "mAP") if module.multi_label else ("accuracy", "accuracy")
        mix = " ".join(
            f"{k.rpartition('/')[2]} {v:.0%}" for k, v in m.items() if k.startswith(f"{split}/share/") and v >= 0.005
        )
        text = (
            f"epoch {trainer.current_epoch + 1:>3}/{trainer.max_epochs} {module.schedule.stage(trainer.current_epoch):<8} "
            f"loss {m.get('train/loss', 0):.3f}  {judged_by} {m.get(f'train/{key}', 0):.0%}"
            + (f" val {m.get(f'val/{key}', 0):.0%}" if split == "val" else "")
            + f"  cost {m.get(f'{split}/cost', 0):.2f} of {module.network.prices.of_uniform}  {mix}"
            + (f"  waiting {m['train/waiting']:.0%}" if m.get("train/waiting", 0) > NOTABLE else "")
            + f"  {self._left(trainer)} left"
        )
        lead = "\r" if sys.stderr.isatty() else ""
        print(f"{lead}{text:<79}", file=sys.stderr, flush=True)

    def _left(self, trainer: pl.Trainer) -> str:
        updates = -(-int(trainer.num_training_batches) // trainer.accumulate_grad_batches)
        total = updates * int(trainer.max_epochs or 0)
        done = trainer.global_step - (self.first or 0)
        return clock((time.monotonic() - self.started) / max(done, 1) * (total - trainer.global_step))


class Metrics(pl.Callback):
    """metrics.csv: a row per epoch; a resumed run goes on after the last epoch that was saved."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.current_epoch and self.path.exists():
            with self.path.open(newline="") as file:
                self.rows = [r for r in csv.DictReader(file) if int(r["epoch"]) < trainer.current_epoch]

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, Recogniser)
        row = {"epoch": str(trainer.current_epoch), "stage": module.schedule.stage(trainer.current_epoch)}
        row |= {k: f"{float(v):.6g}" for k, v in sorted(trainer.callback_metrics.items())}
        self.rows.append(row)
        out = io.StringIO()
        columns = list(dict.fromkeys(k for r in self.rows for k in r))
        writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, out.getvalue())


class Resumable(pl.Callback):
    """last.ckpt after every epoch, whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not trainer.is_global_zero:
            trainer.save_checkpoint(self.path)  # Writes nothing, but the saving waits until all ranks have called it.
            return
        with atomic_path(self.path) as temporary:
            trainer.save_checkpoint(temporary)


class Tidy(pl.Callback):
    """Gives memory that was freed in an epoch back to the system.

    Routed batches are of ever new sizes, and on Linux the heap grows with them: over 12 epochs of 48 clips from 1.1 to 1.7 GB,
    of which 0.7 GB are free.
    """

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        release_memory()


def release_memory() -> None:
    """Return free memory of the heap to the system, where the C library (glibc) can."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
