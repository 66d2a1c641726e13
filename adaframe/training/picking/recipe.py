"""A configuration for clips that come without one: picked by their number, size and length, and by the device."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from adaframe.config import Config
from adaframe.config_io import config_from_dict, to_dict
from adaframe.data.sides import sided
from adaframe.data.survey import Survey

# With fewer clips a backbone that learns forgets more than it learns (docs/small-data-study.md: 66 % where a frozen one
# had 73); without a GPU it takes hours to teach.
ENOUGH_TO_TUNE = 1000
MANY_FOR_A_CPU = 1500
LONGEST_WINDOW_S = 10.0
UNBALANCED = 1.5
UPDATES = {"warmup": 300, "joint": 250, "finetune": 80}  # what the demo and the example needed to settle
EPOCHS = {"warmup": (4, 30), "joint": (6, 25), "finetune": (2, 8)}


@dataclass(frozen=True)
class Recipe:
    """Values by key, as flags name them, and why each was picked, for people."""

    values: dict[str, Any]
    reasons: tuple[str, ...]


def pick(survey: Survey, *, cuda_gb: float = 0.0) -> Recipe:
    """Pick a recipe.

    Args:
        survey: of the clips.
        cuda_gb: memory of the GPU; 0 without one.
    """
    tuned = cuda_gb > 0 and survey.clips >= ENOUGH_TO_TUNE
    values: dict[str, Any] = {}
    reasons: list[str] = []
    for part in (
        _backbone(survey, tuned, cuda_gb),
        _mirrored(survey),
        _sizes(survey, tuned),
        _sampling(survey),
        _validation(survey),
        _balance(survey),
        _schedule(survey, tuned, cuda_gb),
    ):
        values |= part.values
        reasons += part.reasons
    return Recipe(values, tuple(reasons))


def apply(recipe: Recipe, config: Config, given: Collection[str]) -> Config:
    """The configuration with the recipe's values wherever the user gave none.

    Args:
        recipe: what was picked.
        config: with the user's values.
        given: keys that the user gave; a given `model.looks` keeps `model.looks`.
    """
    plain = to_dict(config)
    for key, value in recipe.values.items():
        if key in given:
            continue
        *parents, last = key.split(".")
        place = plain
        for name in parents:
            place = place[name]
        place[last] = value
    return config_from_dict(plain)


def _backbone(survey: Survey, tuned: bool, cuda_gb: float) -> Recipe:
    if tuned:
        return Recipe(
            {"train.trainable": "all", "train.backbone_lr": 0.1, "data.scale": 0.8, "data.jitter": 0.2},
            (f"the bundled ImageNet MobileNetV2 learns too: {survey.clips} clips and a GPU are enough for that",),
        )
    why = (
        f"{survey.clips} clips are too few to teach it" if survey.clips < ENOUGH_TO_TUNE else "to teach it takes a GPU"
    )
    values: dict[str, Any] = {
        "train.trainable": "none",
        "train.weight_decay": 0.0,
        "train.head_penalty": None,
        "model.head.width": 0,
        "model.head.dropout": 0.2,
        "train.save_half": True,
    }
    reasons = [
        f"the bundled ImageNet MobileNetV2 stays as it is ({why}): its features are computed once, and epochs take seconds",
        "the penalty on the head's weights is picked by cross-validation within the training clips",
    ]
    if not cuda_gb and survey.clips > MANY_FOR_A_CPU:
        values["data.flip"] = False
        reasons.append(f"no mirrored copies: computing features of {survey.clips} clips twice takes long without a GPU")
    return Recipe(values, tuple(reasons))


def _mirrored(survey: Survey) -> Recipe:
    labels = sided(survey.count)
    if not labels:
        return Recipe({}, ())
    return Recipe({"data.flip": False}, (f"no mirrored copies: a label speaks of left or right ({labels[0]})",))


def _sizes(survey: Survey, tuned: bool) -> Recipe:
    largest, side = (224 if tuned else 160), survey.short_side[1]
    strong = min(largest, max(96, 32 * int(side // 32)))
    weak = 96 if strong > 96 else 64
    shared = f"look-{strong}"
    looks = [
        {"name": shared, "pixels": strong, "backbone": "mobilenet_v2", "weights": "bundled"},
        {"name": f"look-{weak}", "pixels": weak, "backbone": "mobilenet_v2", "weights": "bundled", "shares": shared},
    ]
    glance = {
        "model.glance.pixels": 48,
        "model.glance.backbone": "mobilenet_v2",
        "model.glance.weights": "bundled",
        "model.glance.shares": shared,
        "model.glance.answers": True,
        "model.policy.project": 32,
        "model.policy.hidden": 64,
    }
    margin = round(strong * 8 / 7) if tuned else strong
    preprocess = {"model.preprocess.resize": margin, "model.preprocess.crop": strong, "model.preprocess.fit": "squash"}
    return Recipe(
        {"model.looks": looks, **glance, **preprocess},
        (
            f"looks of {strong} and {weak} pixels, glances of 48: half of the clips are "
            f"{side:.0f} pixels or less on the shorter side",
            "the whole picture is squeezed into a square, as what matters may be at its edge",
        ),
    )


def _sampling(survey: Survey) -> Recipe:
    _, median, long = survey.seconds
    if long > LONGEST_WINDOW_S:
        return Recipe(
            {"model.sampling.frames": 16, "model.sampling.window_s": None},
            (f"16 frames spread over the whole file: a tenth of the clips are longer than {long:.0f} s",),
        )
    # The median, not more: 16 frames over a window that most clips do not fill are fewer for each of them.
    window = max(round(median * 2) / 2, 0.5)
    return Recipe(
        {"model.sampling.frames": 16, "model.sampling.window_s": window},
        (
            f"16 frames in each {window:g} s: half of the clips are {median:.1f} s or shorter, nine tenths {long:.1f} s; "
            "longer files are cut into such windows",
        ),
    )


def _validation(survey: Survey) -> Recipe:
    if survey.has_val:
        return Recipe({}, ("the data set's own validation clips decide when to stop and which epoch to keep",))
    fraction = 0.2 if survey.clips < 500 else 0.15
    by = f", by group ({survey.groups} groups)" if survey.groups < survey.clips else ""
    return Recipe(
        {"data.val_fraction": fraction},
        (f"{fraction:.0%} of the clips are held out{by}: they decide when to stop and which epoch to keep",),
    )


def _balance(survey: Survey) -> Recipe:
    if survey.imbalance <= UNBALANCED:
        return Recipe({"train.balance": "none"}, ())
    most, least = (extreme(survey.count, key=lambda name: survey.count[name]) for extreme in (max, min))
    return Recipe(
        {"train.balance": "loss"},
        (
            f"rare classes count more in the loss: {survey.count[most]} clips of {most}, "
            f"{survey.count[least]} of {least}",
        ),
    )


def _schedule(survey: Survey, tuned: bool, cuda_gb: float) -> Recipe:
    batch = 16 if survey.clips < 800 else 32 if survey.clips < 4000 else 64
    reasons = []
    values: dict[str, Any] = {}
    if tuned:
        # About 0.1 GB a picture of 224 pixels through a learning MobileNetV2, 16 pictures a clip; the half stays free.
        batch = min(batch, 1 << max(int(cuda_gb / 3.2).bit_length() - 1, 2))
        values |= {"train.precision": "bf16-mixed", "train.lr": 1e-3}
    updates = max(survey.clips * (1.0 if survey.has_val else 0.85) / batch, 1.0)
    for stage, wanted in UPDATES.items():
        low, high = EPOCHS[stage]
        values[f"train.stages.{stage}"] = max(low, min(high, round(wanted / updates)))
    total = sum(values[f"train.stages.{stage}"] for stage in UPDATES)
    reasons.append(
        f"batches of {batch} clips, at most {total} epochs ({' + '.join(str(values[f'train.stages.{s}']) for s in UPDATES)}); "
        "a stage ends when it has not got better for 8"
    )
    return Recipe({**values, "train.batch_size": batch, "train.patience": 8, "train.keep": "best"}, tuple(reasons))
