"""Training by several processes, and in several batches per update: the same as by one, in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from safetensors.torch import load_file
from torch import Tensor

from adaframe.config import Config
from adaframe.errors import UsageError
from adaframe.model.network import Features
from adaframe.training.feeding.batch import Batch, Place
from adaframe.training.fit import fit
from adaframe.training.module import Recogniser
from adaframe.training.ranks import ALONE, Rank, count_devices, total, with_other_ranks

MakeConfig = Callable[..., Config]
MakeRecogniser = Callable[..., Recogniser]
MakeBatch = Callable[..., Batch]


def part(batch: Batch, clips: slice, place: Place) -> Batch:
    features = batch.features
    if features is not None:
        glance = None if features.glance is None else features.glance[clips]
        features = Features(glance, tuple(look[clips] for look in features.looks))
    cut: dict[str, Tensor] = {k: v[clips] for k, v in vars(batch).items() if isinstance(v, Tensor)}
    return replace(batch, **cut, features=features, part=place)  # type: ignore[arg-type]


def gradients(module: Recogniser, batch: Batch, *, epoch: int, index: int = 0) -> dict[str, Tensor]:
    """Of one batch, with norms that do not learn."""
    module.zero_grad()
    module.on_train_epoch_start()
    for norm in module.network.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.eval()
    module.training_step(batch, index).backward()
    return {k: torch.zeros_like(p) if p.grad is None else p.grad.clone() for k, p in module.named_parameters()}


@pytest.fixture
def at_epoch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Recogniser, int], Recogniser]:
    """A module that believes to be in an epoch, and logs nothing."""

    def make(module: Recogniser, epoch: int) -> Recogniser:
        monkeypatch.setattr(Recogniser, "current_epoch", epoch)
        monkeypatch.setattr(Recogniser, "log_dict", lambda *_, **__: None)
        return module

    return make


@pytest.mark.parametrize("epoch", [0, 1, 2])
@pytest.mark.parametrize("sizes", [(3, 2), (1, 4), (5, 0)])
def test_the_average_of_unequal_shares_gradients_is_the_whole_batchs(
    make_recogniser: MakeRecogniser,
    make_batch: MakeBatch,
    at_epoch: Callable[[Recogniser, int], Recogniser],
    epoch: int,
    sizes: tuple[int, int],
) -> None:
    # Entropy is a mean over decisions, not over clips: the shares of it need the other ranks.
    still = {"train.entropy": 0.0, "train.multiplier_step": 0.0}
    module = at_epoch(make_recogniser(**still, **{"train.head_penalty": 3.0}), epoch)
    batch = make_batch(module.network, videos=5)
    whole = gradients(module, batch, epoch=epoch)

    shares = []
    for number, (first, size) in enumerate(((0, sizes[0]), (sizes[0], sizes[1]))):
        module.rank = Rank(number, 2)
        clips = slice(first, first + size) if size else slice(0, 1)
        shares.append(
            gradients(module, part(batch, clips, Place(first if size else 0, 5, 5, counts=size > 0)), epoch=epoch)
        )

    assert max(float(g.abs().max()) for g in whole.values()) > 0
    for name, expected in whole.items():
        average = (shares[0][name] + shares[1][name]) / 2
        torch.testing.assert_close(average, expected, rtol=1e-4, atol=1e-6, msg=name)


def test_accumulated_batches_of_unequal_size_give_the_gradient_of_all_their_clips(
    make_recogniser: MakeRecogniser, make_batch: MakeBatch, at_epoch: Callable[[Recogniser, int], Recogniser]
) -> None:
    # The classifiers alone: what is random is drawn for each batch.
    module = at_epoch(make_recogniser(policy="uniform"), 0)
    batch = make_batch(module.network, videos=5)
    whole = gradients(module, batch, epoch=0)

    module.config = replace(module.config, train=replace(module.config.train, accumulate=2))
    places = [(slice(0, 3), Place(0, 3, 5)), (slice(3, 5), Place(0, 2, 5))]
    parts = [gradients(module, part(batch, *place), epoch=0, index=i) for i, place in enumerate(places)]

    for name, expected in whole.items():
        # Lightning divides by the number of batches.
        torch.testing.assert_close((parts[0][name] + parts[1][name]) / 2, expected, rtol=1e-4, atol=1e-6, msg=name)


class Loader:
    """Three batches an epoch, accumulated by two."""

    def __init__(self, batches: list[Batch]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


def test_accumulation_counts_updates_for_steps_schedule_and_multiplier(
    make_recogniser: MakeRecogniser, make_batch: MakeBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = make_recogniser(updates=3, **{"train.accumulate": 2, "train.stages.finetune": 0})
    moved: list[float] = []
    monkeypatch.setattr(module.multiplier, "update", moved.append)
    trainer = pl.Trainer(
        max_epochs=2,
        accelerator="cpu",
        accumulate_grad_batches=2,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )

    trainer.fit(module, Loader([make_batch(module.network, seed=n) for n in range(3)]))

    # Two updates in each of two epochs; the multiplier moves in the joint one.
    assert trainer.global_step == 4
    assert len(moved) == 2
    (group, *_) = trainer.optimizers[0].param_groups
    assert group["lr"] == pytest.approx(group["initial_lr"] * module.schedule.learning_rate(2.0))


@pytest.mark.parametrize("changes", [{"train.precision": "bf16-mixed"}, {"train.clip": 0.0, "train.accumulate": 2}])
def test_mixed_precision_and_accumulation_train_to_a_usable_model(
    make_config: MakeConfig, tmp_path: Path, changes: dict[str, Any]
) -> None:
    fit(make_config(**changes), out=tmp_path)

    weights = load_file(tmp_path / "model.safetensors")
    assert all(bool(torch.isfinite(w.float()).all()) for w in weights.values())
    assert {w.dtype for n, w in weights.items() if n.endswith("classify.weight")} == {torch.float32}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"devices": 0, "device": "cpu"}, "devices 0 means all GPUs, and device is cpu"),
        ({"devices": 2, "device": "cuda"}, "device cuda: not available here"),
    ],
)
@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is missing without a GPU")
def test_devices_that_are_not_there_are_refused(make_config: MakeConfig, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        count_devices(make_config(**changes))


def test_one_gpu_by_number_and_several_contradict_each_other(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    assert count_devices(make_config(device="cuda", devices=0)) == 2
    assert count_devices(make_config(device="cuda", devices=2)) == 2
    assert count_devices(make_config(device="cuda:1")) == 1
    with pytest.raises(UsageError, match=r"device cuda:1 is one device; try: --device cuda --devices 2"):
        count_devices(make_config(device="cuda:1", devices=2))
    with pytest.raises(UsageError, match=r"devices 3: there are 2 GPUs"):
        count_devices(make_config(device="cuda", devices=3))


def test_alone_a_rank_is_the_chief_and_sums_are_its_own() -> None:
    one_hot = torch.eye(3)[None]

    assert ALONE.chief
    assert not Rank(1, 2).chief
    assert total(torch.tensor([1.0, 2.0])).tolist() == [1.0, 2.0]
    assert with_other_ranks(one_hot) is one_hot
