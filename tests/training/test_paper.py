"""AR-Net's recipes in configs/paper: they are what its release does, and they train."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import adaframe
from adaframe.bundled import config_path
from adaframe.cli.configuration import read_config
from adaframe.config import Config, Look, Stages
from adaframe.importing import arnet
from adaframe.model.actions import Actions
from adaframe.model.cost import Costs
from adaframe.model.network import Network
from adaframe.training.feeding.augment import multi_scale_shapes, thirteen_places
from adaframe.training.feeding.batch import Batch
from adaframe.training.feeding.material import learnable
from adaframe.training.losses import fixed_weight_loss
from adaframe.training.module import Recogniser
from adaframe.training.parameters import make_optimizer
from adaframe.training.schedule import Schedule
from adaframe.video import plan_windows

PAPER = sorted(config_path("activitynet-resnet", paper=True).parent.glob("*.yaml"))


@pytest.fixture(scope="module")
def cases() -> dict[str, Any]:
    """What the release computed in small cases."""
    shared = os.environ.get("ADAFRAME_TEST_DATA")
    if not shared:
        pytest.skip("ADAFRAME_TEST_DATA is not set")
    path = Path(shared) / "arnet" / "small_cases.json"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def shrunk(config: Config) -> Config:
    """The same recipe for tiny networks, four frames and an epoch a stage."""
    looks = tuple(Look(f"look-{p}", p, "tiny-2", "none") for p, _ in zip((32, 24, 16), config.model.looks, strict=True))
    model = replace(
        config.model,
        looks=looks,
        glance=replace(config.model.glance, pixels=12, backbone="tiny-2", weights="none"),
        policy=replace(config.model.policy, hidden=8),
        sampling=replace(config.model.sampling, frames=4),
        preprocess=replace(config.model.preprocess, resize=36, crop=32),
    )
    stages = replace(config.train.stages, warmup=1, joint=1, finetune=min(1, config.train.stages.finetune))
    return replace(config, model=model, train=replace(config.train, stages=stages, batch_size=4), device="cpu")


@pytest.mark.parametrize("path", PAPER, ids=lambda path: path.stem)
def test_every_recipe_is_sound_and_complete(path: Path) -> None:
    config = read_config(str(path))

    assert [look.pixels for look in config.model.looks] == [224, 168, 112]
    assert (config.model.glance.pixels, config.model.sampling.frames) == (84, 16)
    assert config.train.fixed_weights == (0.95, 0.05, 3.0)


@pytest.mark.parametrize("path", PAPER, ids=lambda path: path.stem)
def test_what_is_trained_runs_as_the_release_s_own_checkpoints_do(path: Path) -> None:
    model = read_config(str(path)).model

    assert (*(look.pixels for look in model.looks), model.glance.pixels) == arnet.PIXELS
    assert model.policy.skips == arnet.SKIPS
    assert model.preprocess == arnet._PREPROCESS
    assert replace(model.sampling, draw="segments") == arnet._SAMPLING
    assert (model.policy.hold, model.policy.skip_first, model.policy.project) == ("h", True, 0)
    assert (model.glance.answers, model.glance.answers_from, model.head.scores) == (True, "state", "per-look")


def test_of_several_labels_the_first_by_class_is_learnt(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.mp4").touch()
    (tmp_path / "clips.csv").write_text("path,label\na.mp4,swim|run\nb.mp4,swim\nc.mp4,\n")
    data = replace(Config().data, manifest=str(tmp_path / "clips.csv"))

    every = learnable(Config(data=data))
    first = learnable(Config(data=replace(data, labels="first")))

    assert (every.multi_label, len(every.clips), every.classes) == (True, 3, ("run", "swim"))
    assert (first.multi_label, first.classes) == (False, ("run", "swim"))
    assert [clip.labels for clip in first.clips] == [("run",), ("swim",)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["activitynet-resnet", "activitynet-resnet-new", "mini-kinetics-efficientnet"])
def test_a_recipe_trains_through_its_stages_and_its_model_answers(name: str, colours: Path, tmp_path: Path) -> None:
    from adaframe.training.fit import fit

    config = shrunk(read_config(f"paper/{name}"))
    config = replace(config, data=replace(config.data, root=str(colours), val_fraction=0.25))

    fit(config, out=tmp_path)

    with (tmp_path / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["stage"] for row in rows] == ["warmup", "joint", "finetune"][: config.train.stages.finetune + 2]
    assert all(math.isfinite(float(row["train/loss"])) for row in rows)
    clip = next(colours.rglob("*.mp4"))
    prediction = adaframe.load(tmp_path / "model.safetensors", device="cpu").classify(clip)
    assert prediction.label in {"blue", "red"}
    assert all(bool(torch.isfinite(v).all()) for v in load_file(tmp_path / "model.safetensors").values())


def test_parameters_learn_at_the_rates_of_the_release() -> None:
    config = shrunk(read_config("paper/activitynet-resnet"))
    network = Network(config.model, classes=3)

    optimizer = make_optimizer(network, config.train)

    def settings(name: str) -> tuple[float, float]:
        (group,) = [g for g in optimizer.param_groups if any(p is network.get_parameter(name) for p in g["params"])]
        return round(group["lr"] / 0.02, 6), round(group["weight_decay"] / 1e-4, 6)

    assert isinstance(optimizer, torch.optim.SGD)
    assert {g["momentum"] for g in optimizer.param_groups} == {0.9}
    assert settings("looks.0.0.weight") == settings("glance.0.weight") == (1, 1)  # convolutions
    assert settings("looks.0.1.weight") == settings("looks.0.1.bias") == (1, 0)  # norms
    assert settings("policy.cell.weight_ih") == settings("policy.cell.weight_hh") == (1, 1)
    assert settings("policy.cell.bias_ih") == settings("policy.cell.bias_hh") == (2, 0)
    assert settings("policy.logits.weight") == settings("head.project.0.1.weight") == (5, 1)
    assert settings("policy.logits.bias") == settings("head.project.3.1.bias") == (10, 0)
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len(list(network.parameters()))


def test_the_stages_have_the_rates_and_the_temperatures_of_the_release(cases: dict[str, Any]) -> None:
    train = read_config("paper/activitynet-resnet").train
    schedule = Schedule(train.stages, train.temperature, train.schedule, train.stage_lr, train.lr_steps)

    rates = [train.lr * schedule.learning_rate(epoch) for epoch in (0, 9.9, 10, 59.9, 60, 109.9)]

    assert rates == pytest.approx([0.02, 0.02, 0.001, 0.001, 0.0005, 0.0005])
    for epoch, temperature in cases["tau"].items():
        assert schedule.temperature_at(train.stages.warmup + int(epoch)) == pytest.approx(temperature, rel=1e-5)


def test_the_later_recipe_steps_down_within_its_joint_stage() -> None:
    train = read_config("paper/activitynet-resnet-new").train
    schedule = Schedule(train.stages, train.temperature, train.schedule, train.stage_lr, train.lr_steps)

    rates = [train.lr * schedule.learning_rate(epoch) for epoch in (0, 14, 15, 64.9, 65, 114)]

    assert rates == pytest.approx([1e-3, 1e-3, 1e-3, 1e-3, 1e-4, 1e-4])
    assert schedule.temperature_at(15 + 46) == pytest.approx(5 * math.exp(-0.045 * 46), rel=1e-5)


def test_crops_have_the_sizes_and_places_of_the_release(cases: dict[str, Any]) -> None:
    for case in cases["multi_scale"]:
        width, height = case["image"]

        shapes = multi_scale_shapes(height, width, 224)

        assert [list(shape) for shape in shapes] == case["crops"]
        wide, tall = shapes[0]
        assert [list(place) for place in thirteen_places(height, width, tall, wide)] == case["offsets_of_first_crop"]


def frames_of(count: int, config: Config, seed: int | None = None) -> list[int]:
    rng = None if seed is None else np.random.default_rng(seed)
    plan = plan_windows(np.arange(count) / 25, config.model.sampling, rng=rng, one_window=rng is not None)
    assert plan.valid.all()
    return [int(index) + 1 for index in plan.indices[0]]  # the release counts from 1


def test_frames_to_test_on_are_those_of_the_release(cases: dict[str, Any]) -> None:
    config = read_config("paper/activitynet-resnet")

    assert len(cases["val_indices"]) == 13
    for count, expected in cases["val_indices"].items():
        assert frames_of(int(count), config) == expected


def test_frames_to_train_on_are_those_that_the_release_draws_from(cases: dict[str, Any]) -> None:
    config = read_config("paper/activitynet-resnet")

    for count, (lowest, highest) in cases["train_index_range"].items():
        drawn = np.array([frames_of(int(count), config, seed) for seed in range(300)])

        assert drawn.min(axis=0).tolist() == lowest
        assert drawn.max(axis=0).tolist() == highest


def test_the_fixed_loss_is_the_one_of_the_release(cases: dict[str, Any]) -> None:
    folder = Path(os.environ["ADAFRAME_TEST_DATA"]) / "arnet"
    stored = np.load(folder / "cases.npz")
    actions = Actions(("look-224", "look-168", "look-112"), True, (1, 2, 4))
    released = [round(cases["gflops_2020"][name] * 1e9) for name in ("resnet50224", "resnet34168", "resnet18112")]
    costs = Costs(glance=0, policy=0, looks=tuple(released), project=(0, 0, 0, 0), head=0)

    for name, expected in cases["losses"].items():
        executed = torch.from_numpy(stored[f"{name}/executed"]).long()
        logits = torch.from_numpy(stored[f"{name}/video_logits"])
        target = torch.tensor([labels[0] for labels in cases["target"]])
        accuracy_loss = torch.nn.functional.cross_entropy(logits, target)
        one_hot = torch.nn.functional.one_hot(executed, 7).float()

        loss = fixed_weight_loss(accuracy_loss, one_hot, costs, actions, tuple(expected["weights"]))

        assert float(loss) == pytest.approx(expected["total"], rel=1e-5)


def test_the_fixed_loss_teaches_the_policy_what_the_release_s_formula_does() -> None:
    # Written anew, with the total in the denominator differentiated too, as the release does.
    actions, gmacs = Actions(("a", "b", "c"), True, (1, 2, 4)), torch.tensor([4.11, 2.25, 0.486, 0, 0, 0, 0])
    costs = Costs(0, 0, (4_110_000_000, 2_250_000_000, 486_000_000), (0, 0, 0, 0), 0)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 16, 7, generator=generator)
    hard = torch.nn.functional.one_hot(torch.randint(7, (3, 16), generator=generator), 7).float()

    def gradient(loss: Callable[[Tensor], Tensor]) -> Tensor:
        leaf = logits.clone().requires_grad_()
        soft = (leaf / 0.7).softmax(dim=2)
        loss(hard + soft - soft.detach()).backward()
        assert leaf.grad is not None
        return leaf.grad

    def release(r: Tensor) -> Tensor:
        use = r.sum(dim=(0, 1)) / r.sum()
        return 0.05 * ((r.mean(dim=(0, 1)) * gmacs).sum() + 3.0 * torch.norm(use - use.mean()))

    ours = gradient(lambda r: fixed_weight_loss(torch.zeros(()), r, costs, actions, (0.95, 0.05, 3.0)))

    torch.testing.assert_close(ours, gradient(release), rtol=1e-4, atol=1e-8)
    assert ours.abs().max() > 1e-5


def recogniser(make_batch: Callable[..., Batch], **train: Any) -> tuple[Recogniser, Batch]:
    config = shrunk(read_config("paper/activitynet-resnet"))
    config = replace(config, train=replace(config.train, **train))
    torch.manual_seed(0)
    network = Network(config.model, classes=2)
    module = Recogniser(network, config, multi_label=False, clips=4, batches_per_epoch=1, tells=False)
    return module, make_batch(network, short=False, videos=16)


def step(module: Recogniser, batch: Batch, stage: str) -> dict[str, Tensor]:
    """Gradients after one update's worth of a stage, by name; those that are not zero."""
    lengths = {"warmup": Stages(1, 0, 0), "joint": Stages(0, 1, 0), "finetune": Stages(0, 0, 1)}
    module.schedule = replace(module.schedule, stages=lengths[stage])
    module.on_train_epoch_start()
    module.training_step(batch, 0).backward()
    module.on_after_backward()
    return {n: p.grad for n, p in module.network.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}


def parts(gradients: dict[str, Tensor]) -> set[str]:
    return {".".join(name.split(".")[: 3 if name.startswith("head") else 2]) for name in gradients}


def test_in_the_warm_up_each_look_learns_as_if_alone(make_batch: Callable[..., Batch]) -> None:
    module, batch = recogniser(make_batch)
    network = module.network
    for project in network.head.project:
        project[0].p = 0.0

    together = step(module, batch, "warmup")

    assert parts(together) == {f"looks.{i}" for i in range(3)} | {f"head.project.{i}" for i in range(3)}
    for i in range(3):
        network.zero_grad()
        crops = torch.nn.functional.interpolate(
            batch.crops.flatten(0, 1).permute(0, 3, 1, 2).float(), size=(32, 24, 16)[i], mode="nearest"
        )
        prep = module.config.model.preprocess
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (prep.mean, prep.std))
        scores = network.head.project[i](network.looks[i]((crops / 255 - mean) / std))
        loss = torch.nn.functional.cross_entropy(scores.unflatten(0, (16, 4)).mean(dim=1), batch.targets)
        loss.backward()
        for name, parameter in network.looks[i].named_parameters():
            torch.testing.assert_close(together[f"looks.{i}.{name}"], parameter.grad, rtol=1e-3, atol=1e-6)


def test_in_the_joint_stage_everything_learns_and_norms_follow_all_frames(make_batch: Callable[..., Batch]) -> None:
    module, batch = recogniser(make_batch)
    before = [int(n.num_batches_tracked) for n in _norms(module)]

    gradients = step(module, batch, "joint")

    assert {"policy.cell", "policy.logits"} <= parts(gradients)
    assert {f"looks.{i}" for i in range(3)} <= parts(gradients)
    assert {name.split(".")[0] for name in gradients} == {"looks", "glance", "policy", "head"}
    assert [int(n.num_batches_tracked) - b for n, b in zip(_norms(module), before, strict=True)] == [1] * len(before)


def test_in_fine_tuning_neither_the_policy_nor_its_norms_learn(make_batch: Callable[..., Batch]) -> None:
    module, batch = recogniser(make_batch)
    with torch.no_grad():  # so that a look is chosen
        module.network.policy.logits.bias[1] = 5.0

    gradients = step(module, batch, "finetune")

    assert parts(gradients) == {"looks.1", "head.project.1"}
    assert not any(n.training for n in module.network.glance.modules())
    assert all(n.training for n in module.network.looks[1].modules())


def test_a_batch_of_which_nothing_is_seen_teaches_nothing(make_batch: Callable[..., Batch]) -> None:
    module, batch = recogniser(make_batch)
    with torch.no_grad():
        module.network.policy.logits.bias[-1] = 50.0  # skip 4 of 4 frames

    assert step(module, batch, "finetune") == {}


def test_the_policy_s_state_that_answers_is_the_one_that_decided(make_batch: Callable[..., Batch]) -> None:
    # Were the glance's features dropped out anew for the answer, another state would answer than the one that chose to.
    module, batch = recogniser(make_batch)
    network = module.network.train()
    seen: list[Tensor] = []
    network.policy.dropout.register_forward_hook(lambda _m, _i, out: seen.append(out))

    network.joint(batch.as_clips(), valid=batch.valid, times_s=batch.times_s, temperature=1.0)

    assert len(seen) == 1
    assert 0.2 < float((seen[0] == 0).float().mean()) < 0.9
    assert network.head.project[-1][0].p == 0.0


def _norms(module: Recogniser) -> list[torch.nn.BatchNorm2d]:
    return [m for m in module.network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
