"""What the values of a configuration must satisfy beyond their types; free of torch, so that mistakes show at once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from adaframe.config import Config, Look, Model
from adaframe.config_io import closest
from adaframe.errors import UsageError


def check(config: Config) -> None:
    """Raise if a training run by this configuration would make no sense.

    Raises:
        UsageError: with the key, its value, and what it must be.
    """
    check_model(config.model)
    check_budget(config.budget)
    check_policy(config.policy, config.model)
    _check_cost(config)
    data, train = config.data, config.train
    _need("data.val_fraction", data.val_fraction, 0 <= data.val_fraction < 1, "at least 0 and below 1")
    _need("data.cache_gb", data.cache_gb, data.cache_gb >= 0, "0 or more gigabytes")
    _need("data.workers", data.workers, data.workers >= 0, "0 (one per core) or more")
    _need("data.scale", data.scale, 0 < data.scale <= 1, "above 0 and at most 1")
    _need("data.jitter", data.jitter, 0 <= data.jitter < 1, "at least 0 and below 1")
    stages = train.stages
    for name, epochs in (("warmup", stages.warmup), ("joint", stages.joint), ("finetune", stages.finetune)):
        _need(f"train.stages.{name}", epochs, epochs >= 0, "0 or more epochs")
    total = stages.warmup + stages.joint + stages.finetune
    _need("train.stages", f"{total} epochs", total > 0, "at least 1 epoch in all")
    _need("train.batch_size", train.batch_size, train.batch_size >= 1, "1 or more")
    _need("train.accumulate", train.accumulate, train.accumulate >= 1, "1 or more batches")
    _need("train.clip", train.clip, 0 <= train.clip < math.inf, "0 (none) or more")
    _need("train.lr", train.lr, 0 < train.lr < math.inf, "above 0")
    _need("train.patience", train.patience, train.patience >= 0, "0 (never) or more epochs")
    _need("train.label_smoothing", train.label_smoothing, 0 <= train.label_smoothing < 1, "at least 0 and below 1")
    _need("train.temperature", train.temperature, min(train.temperature) > 0, "two numbers above 0")
    last = train.average_epochs
    _need("train.average_epochs", last, 0 <= last <= total, f"at least 0 and at most all epochs ({total})")
    rates = ("backbone_lr", "policy_lr", "weight_decay", "head_penalty", "mixup")
    for name in (*rates, "entropy", "multiplier_step", "standing_price", "beta_max"):
        value = getattr(train, name)
        _need(f"train.{name}", value, value is None or 0 <= value < math.inf, "0 or more")
    _check_recipe(config)
    _need("train.fixed_weights", train.fixed_weights, min(train.fixed_weights) >= 0, "three numbers, each 0 or more")
    _need("seed", config.seed, config.seed >= 0, "0 or more")
    _need("devices", config.devices, config.devices >= 0, "0 (all GPUs), 1 or more")
    per_update = f"at most train.batch_size ({train.batch_size}), so that each has a clip of every batch"
    _need("devices", config.devices, config.devices <= train.batch_size, per_update)


def _check_recipe(config: Config) -> None:
    """Values that only go together."""
    data, train = config.data, config.train
    learns = train.only == "all" or (config.policy == "adaptive" and config.init and not train.stages.warmup)
    _need(
        "train.only",
        train.only,
        bool(learns),
        "all, but for an adaptive policy that starts from --init without warm-up",
    )
    whole = data.crops == "random" or data.scale == 1
    _need("data.scale", data.scale, whole, "1 with data.crops: multi-scale, which has scales of its own")
    _need("train.stage_lr", train.stage_lr, 0 < min(train.stage_lr) < math.inf, "three numbers above 0")
    steps = train.lr_steps
    _need("train.lr_steps", steps, all(n >= 1 for n in steps), "epochs, each 1 or more")
    _need("train.lr_steps", steps, not steps or train.schedule == "constant", "empty, or train.schedule: constant")
    learns = train.norms == "own" or train.trainable == "all"
    _need("train.norms", train.norms, learns, "own where not all of pretrained backbones learns (train.trainable: all)")
    alone = train.warmup == "mixed" or config.model.head.scores == "per-look"
    _need("train.warmup", train.warmup, alone, "mixed where looks share class scores (model.head.scores: per-look)")
    sampling = config.model.sampling
    draws = sampling.draw == "segments" or sampling.window_s is None
    _need("model.sampling.draw", sampling.draw, draws, "segments where there are windows (model.sampling.window_s)")


def check_budget(budget: float, name: str = "budget") -> None:
    """Raise UsageError unless 0 < budget <= 1 (a fraction of the cost of uniform)."""
    _need(name, budget, 0 < budget <= 1, "above 0 and at most 1, a fraction of uniform's cost (0.5: half)")


def _check_cost(config: Config) -> None:
    if config.cost_table:
        _need("cost_table", config.cost_table, config.cost == "latency", "left out, or with cost: latency")
    if config.cost_hardware or config.cost == "energy":
        good = config.cost == "energy" and bool(config.cost_hardware)
        shown = config.cost_hardware or "not given"
        _need("cost_hardware", shown, good, "given with cost: energy, and left out otherwise (asic-45nm, phone-npu, …)")
    if config.train.compute == "fixed":
        _need(
            "cost", config.cost, config.cost == "macs", "macs where train.compute is fixed: its weights are for GMACs"
        )


def check_policy(policy: str, model: Model) -> None:
    """Raise UsageError unless `policy` is adaptive, uniform, glance, or one of a look of the model (static:LOOK/K)."""
    if policy in ("adaptive", "uniform", "glance"):
        return
    plan = re.fullmatch(r"(?:static|random|change):(.+)/(\d+)", policy)
    if plan is None or int(plan[2]) < 1:
        known = ["adaptive", "uniform", "glance", "static", "random", "change"]
        hint = closest(policy.partition(":")[0], known) if policy not in known else ""
        raise UsageError(
            f"policy: unknown value {policy!r}{hint}; known: adaptive, uniform, glance, static:LOOK/K (each K-th frame), "
            "random:LOOK/K and change:LOOK/K (as many)"
        )
    names = [look.name for look in model.looks]
    if plan[1] not in names:
        raise UsageError(f"policy: no look {plan[1]!r}{closest(plan[1], names)}; this model has: {', '.join(names)}")


def check_model(model: Model) -> None:
    """Raise UsageError unless the model's parts fit each other."""
    _need("model.looks", "an empty list", bool(model.looks), "at least one look")
    names = [look.name for look in model.looks]
    for index, look in enumerate(model.looks):
        _check_look(f"model.looks[{index}]", look, model.looks[:index])
    _check_glance(model, names)
    policy, head, sampling, prep = model.policy, model.head, model.sampling, model.preprocess
    _need("model.policy.project", policy.project, policy.project >= 0, "0 (none) or more")
    _need("model.policy.hidden", policy.hidden, policy.hidden >= 1, "1 or more")
    _need("model.policy.skips", policy.skips, all(n >= 1 for n in policy.skips), "whole numbers, each 1 or more")
    _need("model.policy.skips", policy.skips, len(set(policy.skips)) == len(policy.skips), "different numbers")
    _need("model.policy.dropout", policy.dropout, 0 <= policy.dropout < 1, "at least 0 and below 1")
    _need("model.head.width", head.width, head.width >= 0, "0 (the backbone's own) or more")
    _need("model.head.dropout", head.dropout, 0 <= head.dropout < 1, "at least 0 and below 1")
    _need("model.sampling.frames", sampling.frames, sampling.frames >= 1, "1 or more frames")
    window_s = sampling.window_s
    _need("model.sampling.window_s", window_s, window_s is None or 0 < window_s < math.inf, "above 0 seconds, or null")
    largest = max([model.glance.pixels, *(look.pixels for look in model.looks)])
    _need("model.preprocess.crop", prep.crop, prep.crop >= largest, f"at least the largest look's pixels ({largest})")
    _need("model.preprocess.resize", prep.resize, prep.resize >= prep.crop, f"at least the crop ({prep.crop})")
    _need("model.preprocess.std", prep.std, min(prep.std) > 0, "three numbers above 0")


def _check_look(key: str, look: Look, earlier: Iterable[Look]) -> None:
    before = {other.name: other for other in earlier}
    _need(f"{key}.name", look.name, bool(re.fullmatch(r"[^\s/:|,]+", look.name)), "a name without spaces and / : | ,")
    reserved = look.name in ("glance", "skip") or re.fullmatch(r"skip-?\d+", look.name)
    _need(f"{key}.name", look.name, not reserved, "another name: glance and skip are actions of their own")
    _need(f"{key}.name", look.name, look.name not in before, "another name: an earlier look has this one")
    _need(f"{key}.pixels", look.pixels, look.pixels >= 1, "1 or more")
    if look.shares:
        _check_shares(f"{key}.shares", look.shares, look.backbone, before)


def _check_glance(model: Model, names: list[str]) -> None:
    glance = model.glance
    _need("model.glance.pixels", glance.pixels, glance.pixels >= 1, "1 or more")
    if glance.shares:
        _check_shares("model.glance.shares", glance.shares, glance.backbone, dict(zip(names, model.looks, strict=True)))


def _check_shares(key: str, shares: str, backbone: str, owners: dict[str, Look]) -> None:
    if shares not in owners:
        known = ", ".join(owners) or "none"
        raise UsageError(f"{key}: no earlier look {shares!r}{closest(shares, list(owners))}; there are: {known}")
    owner = owners[shares]
    _need(key, shares, owner.backbone == backbone, f"a look with the same backbone ({shares} has {owner.backbone})")


def _need(key: str, value: Any, good: bool, what: str) -> None:
    if not good:
        shown = (
            {None: "null", True: "true", False: "false"}.get(value, value)
            if value is None or isinstance(value, bool)
            else value
        )
        raise UsageError(f"{key}: must be {what}; it is {shown}")
