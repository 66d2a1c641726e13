"""What a run starts from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adaframe.config import Config
from adaframe.config_check import check
from adaframe.errors import UsageError
from adaframe.training.start import start_of


@pytest.mark.parametrize(
    ("fold", "start"),
    [("2", "runs/fold-2/model.safetensors"), ("all", "runs/model.safetensors"), ("", "runs/model.safetensors")],
)
def test_each_fold_starts_from_the_model_that_has_not_seen_it(fold: str, start: str) -> None:
    config = Config(init="runs/fold-{fold}/model.safetensors", fold=fold)

    assert start_of(config) == Path(start)
    assert start_of(replace(config, init="a.safetensors")) == Path("a.safetensors")


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
