"""What is picked for which clips."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adaframe.config import Config, Look
from adaframe.config_check import check
from adaframe.data.survey import Survey
from adaframe.training.picking.recipe import Recipe, apply, pick

FEW = Survey(
    clips=300,
    count={"a": 100, "b": 100, "c": 100},
    groups=300,
    has_val=False,
    seconds=(1.0, 2.0, 3.0),
    short_side=(48.0, 120.0, 240.0),
    decode_s=0.1,
    looked_at=48,
    unreadable=0,
)


def picked(survey: Survey = FEW, **more: Any) -> Config:
    config = apply(pick(survey, **more), Config(), ())
    check(config)
    return config


@pytest.mark.parametrize("clips", [4, 60, 300, 3000, 100_000])
@pytest.mark.parametrize("side", [16.0, 48.0, 112.0, 240.0, 2160.0])
@pytest.mark.parametrize("cuda_gb", [0.0, 4.0, 80.0])
def test_whatever_the_clips_the_configuration_is_a_valid_one(clips: int, side: float, cuda_gb: float) -> None:
    survey = replace(FEW, clips=clips, short_side=(side, side, side))

    config = picked(survey, cuda_gb=cuda_gb)

    assert config.train.batch_size >= 4
    assert config.train.stages.joint > 0
    assert all(look.weights == "bundled" for look in config.model.looks)


def test_few_clips_leave_the_backbone_as_it_is_and_many_on_a_gpu_teach_it() -> None:
    assert picked().train.trainable == "none"
    assert picked(cuda_gb=24.0).train.trainable == "none"
    assert picked(replace(FEW, clips=5000)).train.trainable == "none"
    assert picked(replace(FEW, clips=5000), cuda_gb=24.0).train.trainable == "all"


def test_frozen_backbones_get_pictures_that_nothing_resamples_so_that_features_can_be_kept() -> None:
    config = picked()

    assert config.model.preprocess.resize == config.model.preprocess.crop
    assert config.model.preprocess.fit == "squash"
    assert (config.data.scale, config.data.jitter) == (1.0, 0.0)


def test_looks_are_no_larger_than_most_clips_show() -> None:
    small, large = picked(), picked(replace(FEW, short_side=(200.0, 360.0, 720.0)))

    assert [look.pixels for look in small.model.looks] == [96, 64]
    assert [look.pixels for look in large.model.looks] == [160, 96]


def test_windows_are_as_long_as_the_median_clip_and_long_clips_are_seen_whole() -> None:
    assert picked().model.sampling.window_s == 2.0
    assert picked(replace(FEW, seconds=(5.0, 30.0, 240.0))).model.sampling.window_s is None


@pytest.mark.parametrize(("rare", "balance"), [(90, "none"), (20, "loss")])
def test_unbalanced_classes_are_balanced_and_it_is_said(rare: int, balance: str) -> None:
    recipe = pick(replace(FEW, count={"common": 100, "rare": rare}))

    assert recipe.values["train.balance"] == balance
    assert any("20 of rare" in reason for reason in recipe.reasons) == (balance == "loss")


def test_clips_are_not_mirrored_where_a_label_speaks_of_left_or_right() -> None:
    sided = replace(FEW, count={"turning left": 100, "turning around": 100})

    assert picked().data.flip
    assert not picked(sided).data.flip
    assert any("(turning left)" in reason for reason in pick(sided).reasons)


def test_clips_are_held_out_only_where_the_data_set_has_no_validation_split() -> None:
    assert picked().data.val_fraction == 0.2
    assert "data.val_fraction" not in pick(replace(FEW, has_val=True)).values


def test_more_clips_take_fewer_epochs() -> None:
    few, many = picked().train.stages, picked(replace(FEW, clips=20_000)).train.stages

    assert few.warmup > many.warmup >= 4


def test_what_the_user_gave_stays() -> None:
    config = replace(Config(), budget=0.3, train=replace(Config().train, batch_size=7))

    applied = apply(Recipe({"train.batch_size": 16, "train.lr": 0.5}, ()), config, {"train.batch_size", "budget"})

    assert (applied.train.batch_size, applied.train.lr, applied.budget) == (7, 0.5, 0.3)


def test_looks_given_as_plain_values_become_looks() -> None:
    assert all(isinstance(look, Look) for look in picked().model.looks)
