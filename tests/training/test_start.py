"""What a run starts from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adaframe.config import Config, Glance, Look, Model
from adaframe.config_check import check
from adaframe.errors import CheckpointError, UsageError
from adaframe.training.start import build_network, start_of

TINY = Model(glance=Glance(8, "tiny-2", "none"), looks=(Look("look-16", 16, "tiny-2", "none"),))


@pytest.mark.parametrize(
    ("fold", "start"),
    [("2", "runs/fold-2/model.safetensors"), ("all", "runs/model.safetensors"), ("", "runs/model.safetensors")],
)
def test_each_fold_starts_from_the_model_that_has_not_seen_it(fold: str, start: str) -> None:
    config = Config(init="runs/fold-{fold}/model.safetensors", fold=fold)

    assert start_of(config) == Path(start)
    assert start_of(replace(config, init="a.safetensors")) == Path("a.safetensors")


def test_a_start_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = Config(model=TINY, init=str(tmp_path / "fold-{fold}" / "gone.safetensors"), fold="3")

    with pytest.raises(CheckpointError, match=r"fold-3.gone\.safetensors: there is no such file to start from"):
        build_network(config, 2)


def test_a_policy_learns_alone_only_on_what_something_else_has_taught() -> None:
    train = replace(Config().train, only="policy")
    stages = replace(train.stages, warmup=0)

    check(replace(Config(), init="a.safetensors", train=replace(train, stages=stages)))
    for wrong in (
        replace(Config(), train=replace(train, stages=stages)),
        replace(Config(), init="a.safetensors", train=train),
        replace(Config(), init="a.safetensors", train=replace(train, stages=stages), policy="uniform"),
    ):
        with pytest.raises(UsageError, match=r"train\.only"):
            check(wrong)
