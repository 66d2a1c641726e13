"""Which epoch is kept, and when a stage ends."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from adaframe.config import Config, Stages
from adaframe.training.fit import fit
from adaframe.training.keep import Keep
from adaframe.training.module import Recogniser

MakeConfig = Callable[..., Config]


class Trainer:
    """What `Keep` asks of Lightning's trainer."""

    class Loop:
        max_epochs = 0

    is_global_zero = True

    def __init__(self) -> None:
        self.current_epoch = 0
        self.callback_metrics: dict[str, torch.Tensor] = {}
        self.fit_loop = Trainer.Loop()


@pytest.fixture
def watch(make_recogniser: Callable[..., Recogniser]) -> Callable[..., tuple[Keep, Recogniser, list[int]]]:
    """Shows epochs (headline, loss, cost) to Keep; each epoch has weights of its own (its number)."""

    def show(
        epochs: list[tuple[float, float, float]], *, stages: Stages, patience: int = 0, best: bool = True
    ) -> tuple[Keep, Recogniser, list[int]]:
        module = make_recogniser()
        module.schedule = type(module.schedule)(stages, module.schedule.temperature)
        keep, trainer, seen = Keep(budget=0.5, patience=patience, best=best), Trainer(), []
        for n, (headline, loss, cost) in enumerate(epochs):
            if n >= module.schedule.epochs:
                break
            seen.append(n)
            trainer.current_epoch = n
            values = {"val/headline": headline, "val/loss": loss, "val/cost": cost}
            trainer.callback_metrics = {k: torch.tensor(v, dtype=torch.float64) for k, v in values.items()}
            torch.nn.init.constant_(module.network.head.classify.bias, float(n))
            keep.on_train_epoch_end(trainer, module)  # type: ignore[arg-type]
        return keep, module, seen

    return show


def test_the_most_accurate_epoch_is_kept_and_of_equals_the_one_with_less_loss(watch: Any) -> None:
    keep, module, _ = watch(
        [(0.8, 1.0, 0.3), (0.9, 0.5, 0.3), (0.9, 0.4, 0.3), (0.7, 0.1, 0.3)], stages=Stages(0, 0, 4)
    )

    assert keep.restore(module)
    assert keep.kept_epoch == 3
    assert module.network.head.classify.bias.tolist() == [2.0, 2.0]


def test_an_epoch_that_costs_more_than_the_budget_is_no_candidate(watch: Any) -> None:
    keep, module, _ = watch([(0.9, 0.1, 0.53), (0.6, 0.9, 0.52)], stages=Stages(0, 0, 2))

    assert keep.restore(module)
    assert keep.kept_epoch == 2


def test_epochs_before_the_policy_has_settled_are_no_candidates(watch: Any) -> None:
    keep, module, _ = watch([(1.0, 0.1, 0.1)] * 4, stages=Stages(2, 4, 0))

    assert not keep.restore(module)
    assert keep.kept_epoch is None


def test_keeping_the_last_epoch_keeps_nothing(watch: Any) -> None:
    keep, module, _ = watch([(0.9, 0.1, 0.1), (0.1, 0.9, 0.1)], stages=Stages(0, 0, 2), best=False)

    assert not keep.restore(module)
    assert module.network.head.classify.bias.tolist() == [1.0, 1.0]


def test_a_stage_ends_when_it_has_not_got_better_for_a_while_and_the_next_begins(watch: Any) -> None:
    rising = [(0.5, 1.0, 1.0), (0.6, 1.0, 1.0)]
    flat = [(0.6, 1.0, 1.0)] * 20

    _, module, seen = watch(rising + flat, stages=Stages(10, 2, 3), patience=3)

    assert module.schedule.stages == Stages(5, 2, 3)
    assert [module.schedule.stage(n) for n in (4, 5, 6, 7)] == ["warmup", "joint", "joint", "finetune"]
    assert len(seen) == 10


def test_the_joint_stage_does_not_end_while_it_costs_too_much(watch: Any) -> None:
    dear, cheap = [(0.5, 1.0, 0.9)] * 8, [(0.5, 1.0, 0.4)] * 12

    _, module, _ = watch(dear + cheap, stages=Stages(0, 20, 1), patience=3)

    assert module.schedule.stages.joint > 8 + 3
    assert module.schedule.stages.joint < 20


def test_what_was_kept_survives_saving_and_loading(watch: Any) -> None:
    keep, module, _ = watch([(0.9, 0.1, 0.1), (0.1, 0.9, 0.1)], stages=Stages(0, 0, 2), patience=5)
    other = Keep(budget=0.5, patience=5, best=True)

    other.load_state_dict(keep.state_dict())

    assert other.restore(module)
    assert module.network.head.classify.bias.tolist() == [0.0, 0.0]
    assert (other.stage, other.reached, other.waited) == ("finetune", (0.9, -0.1), 1)


def test_a_run_that_ends_early_says_so_resumes_so_and_leaves_its_best_weights(
    make_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A learning rate of nearly nothing, and norms that are frozen by then: nothing gets better.
    config = make_config(**{"train.patience": 2, "train.lr": 1e-12, "train.stages.finetune": 9})

    fit(config, out=tmp_path / "run")
    said = capsys.readouterr().err
    fit(config, out=tmp_path / "run", resume=True)
    again = capsys.readouterr().err

    assert "stage finetune ends here: not better for 2 epochs; 5 epochs in all" in said
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        assert [row["stage"] for row in csv.DictReader(file)] == ["warmup", "joint", "finetune", "finetune", "finetune"]
    assert not [line for line in again.splitlines() if line.startswith("epoch")]
