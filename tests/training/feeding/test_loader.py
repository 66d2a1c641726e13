"""How training is fed: decoding in the background changes nothing but the time, and a bad clip costs only itself."""

from __future__ import annotations

import csv
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from adaframe.config import Config
from adaframe.errors import DataError
from adaframe.training.feeding import sources as sources_module
from adaframe.training.feeding.batch import Batch
from adaframe.training.feeding.loader import Feeding, Waiting
from adaframe.training.feeding.material import Material, learnable, load_material
from adaframe.training.feeding.prefetch import Prefetched
from adaframe.training.fit import fit
from adaframe.training.start import build_network
from adaframe.video import DecodePool

sys.path.insert(0, str(Path(__file__).parent))
MakeConfig = Callable[..., Config]
MakeFolder = Callable[..., Path]


@pytest.fixture
def decoded(make_config: MakeConfig, tmp_path: Path) -> Iterator[Material]:
    """The colours, decoded anew each time by two processes."""
    config = make_config(**{"data.cache": "", "data.workers": 2, "data.scale": 0.8, "data.jitter": 0.2})
    with load_material(config, learnable(config), tmp_path) as material:
        yield material


def same(one: Batch, other: Batch) -> bool:
    assert one.crops is not None
    assert other.crops is not None
    return all(
        torch.equal(a, b)
        for a, b in (
            (one.crops, other.crops),
            (one.valid, other.valid),
            (one.times_s, other.times_s),
            (one.targets, other.targets),
            (one.clips, other.clips),
        )
    )


def test_batches_made_in_the_background_are_bit_for_bit_the_same(decoded: Material) -> None:
    network = build_network(decoded.config, 2)
    clips = decoded.readable

    for seed in ((0, 0), (0, 1), None):
        plain = list(decoded.batches(network, clips, seed=seed))
        ahead = list(Prefetched(decoded.batches(network, clips, seed=seed), ahead=2))
        assert len(plain) == len(ahead) == 3
        assert all(same(a, b) for a, b in zip(plain, ahead, strict=True))


def feeding(material: Material, clips: list[int], held_out: list[int]) -> Feeding:
    network = build_network(material.config, 2)
    return Feeding(material, network, clips, held_out, seed=0, frozen=False)


def test_the_next_epoch_is_begun_when_the_last_batch_of_this_one_is_done(decoded: Material) -> None:
    module = SimpleNamespace(log=lambda *_, **__: None)
    trainer = SimpleNamespace(current_epoch=0, max_epochs=2)
    with feeding(decoded, decoded.readable, []) as data:
        data.trainer = trainer  # type: ignore[assignment]
        waiting = Waiting(data)
        first = data.train_dataloader()
        for index, batch in enumerate(first):
            waiting.on_train_batch_end(trainer, module, None, batch, index)  # type: ignore[arg-type]
        begun = set(data.epochs)
        trainer.current_epoch = 1
        second = data.train_dataloader()
        met = list(second)
        for index, batch in enumerate(met):
            waiting.on_train_batch_end(trainer, module, None, batch, index)  # type: ignore[arg-type]

        assert begun == {0, 1}
        # The last epoch has none after it.
        assert set(data.epochs) == {0, 1}
        expected = decoded.batches(data.network, decoded.readable, seed=(0, 1))
        assert all(same(a, b) for a, b in zip(met, expected, strict=True))


def test_nothing_goes_on_when_training_ends_early(decoded: Material) -> None:
    with feeding(decoded, decoded.readable[:10], decoded.readable[10:]) as data:
        data.trainer = SimpleNamespace(current_epoch=0)  # type: ignore[assignment]
        next(iter(data.train_dataloader()))
        next(iter(data.val_dataloader()))
        data.epoch(1).start()

    assert [t for t in threading.enumerate() if t.name == "batches"] == []


def test_a_run_that_fails_leaves_no_thread_and_no_process(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adaframe.training.module import Recogniser

    pools: list[DecodePool] = []
    started = DecodePool.__enter__
    monkeypatch.setattr(DecodePool, "__enter__", lambda self: pools.append(self) or started(self))  # type: ignore[func-returns-value]

    def fails(self: Recogniser, batch: Batch, index: int) -> None:
        raise ValueError("no such luck")

    monkeypatch.setattr(Recogniser, "training_step", fails)

    with pytest.raises(ValueError, match="no such luck"):
        fit(make_config(**{"data.cache": ""}), out=tmp_path)

    assert pools
    assert not any(pool._pool.active for pool in pools)
    assert [t for t in threading.enumerate() if t.name == "batches"] == []
    assert not (tmp_path / "bad_clips.txt").exists()


@pytest.mark.parametrize("kind", ["crash", "hang"])
def test_a_decoder_that_crashes_or_hangs_costs_one_clip(
    make_config: MakeConfig,
    make_folder: MakeFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    from decoding_tasks import read_unless_told

    root = make_folder(tmp_path / "data", clips=9)
    (root / "red" / "03.mp4").rename(root / "red" / f"{kind}.mp4")
    monkeypatch.setattr(sources_module, "read_clip", read_unless_told)
    config = make_config(**{"data.root": str(root), "data.cache": "", "data.workers": 2, "train.batch_size": 3})
    with load_material(config, learnable(config), tmp_path) as material:
        assert material.pool is not None
        material.pool.timeout_s = 1.0
        network = build_network(config, 2)
        epochs = [list(Prefetched(material.batches(network, range(9), seed=(0, epoch)))) for epoch in range(2)]
        (bad,) = material.bad

    # Batches keep their size: another clip of the epoch stands for the one that cannot be read.
    assert [[len(b.clips) for b in epoch] for epoch in epochs] == [[3, 3, 3]] * 2
    assert material.data_set.clips[bad].path.endswith(f"{kind}.mp4")
    for epoch in epochs:
        met = [int(n) for b in epoch for n in b.clips]
        assert set(met) == set(range(9)) - {bad}
    assert capsys.readouterr().err.count("left out: ") == 1
    assert len((tmp_path / "bad_clips.txt").read_text().splitlines()) == 1


def test_too_many_bad_clips_stop_the_background_and_are_told_where_they_are_missed(
    make_config: MakeConfig, make_folder: MakeFolder, tmp_path: Path
) -> None:
    root = make_folder(tmp_path / "data", clips=9)
    for name in ("blue/00.mp4", "red/03.mp4"):
        (root / name).write_bytes(b"no video")
    config = make_config(**{"data.root": str(root), "data.cache": ""})

    with load_material(config, learnable(config), tmp_path) as material:
        prefetched = Prefetched(material.batches(build_network(config, 2), range(9), seed=(0, 0)))
        with pytest.raises(DataError, match="2 of 9 clips cannot be read"):
            list(prefetched)
        prefetched.close()

    assert [t for t in threading.enumerate() if t.name == "batches"] == []


def test_the_share_of_waiting_stands_in_the_metrics(trained: Path) -> None:
    with (trained / "metrics.csv").open(newline="") as file:
        shares = [float(row["train/waiting"]) for row in csv.DictReader(file)]

    assert len(shares) == 3
    assert all(0 <= share <= 1 for share in shares)


@pytest.mark.parametrize(
    ("cached", "cache", "says"),
    [
        (False, "", "try: data.cache auto, which decodes once"),
        (False, "auto", "try: a data.cache_gb above 8 and a disk with that much space"),
        (True, "auto", "try: a faster disk for data.cache"),
    ],
)
def test_much_waiting_is_told_once_with_what_to_try(
    make_config: MakeConfig, capsys: pytest.CaptureFixture[str], cached: bool, cache: str, says: str
) -> None:
    material = SimpleNamespace(
        config=make_config(**{"data.cache": cache}), cache=object() if cached else None, chief=True
    )
    waiting = Waiting(SimpleNamespace(material=material))  # type: ignore[arg-type]

    def epoch(share: float) -> str:
        waiting.on_train_epoch_end(SimpleNamespace(callback_metrics={"train/waiting": torch.tensor(share)}), None)  # type: ignore[arg-type]
        return capsys.readouterr().err

    told: Any = [epoch(share) for share in (0.29, 0.4, 0.9)]

    assert told[0] == told[2] == ""
    assert told[1].startswith("the model waited for its clips 40% of the time; ")
    assert says in told[1]


def test_other_ranks_are_silent_about_bad_clips_and_waiting(
    decoded: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from adaframe.errors import UnreadableVideo

    other = replace(decoded.for_rank(1))

    other.leave_out(3, UnreadableVideo("3.mp4", "nothing there"))

    assert set(other.bad) == {3}
    assert decoded.bad == {}
    assert capsys.readouterr().err == ""
    assert not (tmp_path / "bad_clips.txt").exists()
