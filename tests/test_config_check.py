"""Configurations that make no sense are refused before anything heavy starts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adaframe.config import Config, Glance, Look, Model, Policy, Preprocess
from adaframe.config_check import check
from adaframe.config_io import config_from_dict
from adaframe.errors import UsageError

LOOKS = (Look("look-64", 64, "tiny-8", "none"), Look("look-32", 32, "tiny-8", "none", shares="look-64"))
MODEL = Model(glance=Glance(16, "tiny-8", "none"), looks=LOOKS, preprocess=Preprocess(resize=64, crop=64))
CONFIG = Config(model=MODEL)


def test_sound_configurations_pass() -> None:
    check(Config())
    check(CONFIG)


@pytest.mark.parametrize(
    "policy", ["adaptive", "uniform", "glance", "static:look-32/4", "random:look-32/4", "change:look-32/4"]
)
def test_the_policies_are_these(policy: str) -> None:
    check(replace(CONFIG, policy=policy))


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("unifrm", r"unknown value 'unifrm' \(did you mean 'uniform'\?\)"),
        ("static", r"static:LOOK/K"),
        ("randum:look-64/2", r"did you mean 'random'\?.*random:LOOK/K"),
        ("change:look-64", r"change:LOOK/K"),
        ("static:look-64/0", r"static:LOOK/K"),
        ("static:look-64/x", r"static:LOOK/K"),
        ("static:look-46/2", r"no look 'look-46' \(did you mean 'look-64'\?\); this model has: look-64, look-32"),
    ],
)
def test_another_policy_is_named_with_the_known_ones(policy: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check(replace(CONFIG, policy=policy))


@pytest.mark.parametrize("budget", [0.0, -0.5, 1.01, float("nan")])
def test_a_budget_is_a_fraction(budget: float) -> None:
    with pytest.raises(UsageError, match="budget: must be above 0 and at most 1"):
        check(replace(CONFIG, budget=budget))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"looks": ()}, "model.looks: must be at least one look"),
        ({"looks": (LOOKS[0], LOOKS[0])}, r"looks\[1\]\.name: must be another name"),
        ({"looks": (Look("glance", 64),)}, r"looks\[0\]\.name: .*actions of their own"),
        ({"looks": (Look("skip-2", 64),)}, r"looks\[0\]\.name: .*actions of their own"),
        ({"looks": (Look("a/b", 64),)}, r"looks\[0\]\.name: must be a name without"),
        ({"looks": LOOKS[::-1]}, r"looks\[0\]\.shares: no earlier look 'look-64'; there are: none"),
        ({"looks": (LOOKS[0], Look("b", 32, "resnet18", shares="look-64"))}, r"same backbone \(look-64 has tiny-8\)"),
        ({"looks": (Look("a", 65),)}, r"preprocess\.crop: must be at least the largest look's pixels \(65\); it is 64"),
        ({"glance": Glance(16, "resnet18", shares="look-64")}, r"model\.glance\.shares: .*same backbone"),
        ({"glance": Glance(0)}, r"model\.glance\.pixels: must be 1 or more"),
        ({"preprocess": Preprocess(resize=63, crop=64)}, r"resize: must be at least the crop \(64\); it is 63"),
        ({"policy": Policy(skips=(1, 0))}, r"skips: must be whole numbers, each 1 or more"),
        ({"policy": Policy(skips=(2, 2))}, r"skips: must be different numbers"),
    ],
)
def test_the_parts_of_a_model_must_fit(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check(replace(CONFIG, model=replace(MODEL, **change)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"model": {"sampling": {"frames": 0}}}, "model.sampling.frames: must be 1 or more frames; it is 0"),
        ({"model": {"sampling": {"window_s": 0}}}, "model.sampling.window_s: must be above 0 seconds, or null"),
        ({"train": {"stages": {"joint": -1}}}, "train.stages.joint: must be 0 or more epochs; it is -1"),
        ({"train": {"stages": {"warmup": 0, "joint": 0, "finetune": 0}}}, "at least 1 epoch in all"),
        ({"train": {"lr": 0}}, "train.lr: must be above 0"),
        ({"train": {"batch_size": 0}}, "train.batch_size"),
        ({"train": {"accumulate": 0}}, "train.accumulate: must be 1 or more batches"),
        ({"train": {"clip": -1}}, r"train.clip: must be 0 \(none\) or more"),
        ({"cost_table": "t.json"}, "cost_table: must be left out, or with cost: latency; it is t.json"),
        ({"cost": "energy"}, "cost_hardware: must be given with cost: energy.*; it is not given"),
        ({"cost_hardware": "h100"}, "cost_hardware: must be given with cost: energy, and left out otherwise"),
        ({"cost": "latency", "train": {"compute": "fixed"}}, "cost: must be macs where train.compute is fixed"),
        ({"cost": "watts"}, "cost: must be one of macs, latency, energy"),
        ({"devices": -1}, r"devices: must be 0 \(all GPUs\), 1 or more"),
        ({"devices": 17}, r"devices: must be at most train.batch_size \(16\)"),
        ({"data": {"val_fraction": 1}}, "data.val_fraction: must be at least 0 and below 1"),
        ({"data": {"scale": 0}}, "data.scale"),
        ({"train": {"mixup": -0.1}}, "train.mixup: must be 0 or more"),
        ({"train": {"average_epochs": 26}}, r"train.average_epochs: must be at least 0 and at most all epochs \(25\)"),
    ],
)
def test_the_numbers_of_a_run_have_ranges(data: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check(config_from_dict(data))


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("data", {"crops": "multi-scale", "scale": 0.8}, "data.scale: must be 1 with data.crops: multi-scale"),
        ("train", {"lr_steps": [3]}, "train.lr_steps: must be empty, or train.schedule: constant"),
        ("train", {"lr_steps": [0], "schedule": "constant"}, "train.lr_steps: must be epochs, each 1 or more"),
        ("train", {"stage_lr": [1, 0, 1]}, "train.stage_lr: must be three numbers above 0"),
        ("train", {"norms": "all", "trainable": "last"}, "train.norms: must be own where not all"),
        ("train", {"warmup": "alone"}, r"train.warmup: must be mixed .*\(model.head.scores: per-look\)"),
        ("model", {"sampling": {"draw": "steps", "window_s": 2.0}}, "model.sampling.draw: must be segments where"),
        ("model", {"policy": {"dropout": 1.0}}, "model.policy.dropout: must be at least 0 and below 1"),
    ],
)
def test_values_that_contradict_each_other_are_refused(section: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check(config_from_dict({section: changes}))
