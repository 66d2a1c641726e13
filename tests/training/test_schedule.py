"""The stages of training."""

from __future__ import annotations

import pytest

from adaframe.config import Stages
from adaframe.training.schedule import Schedule

SCHEDULE = Schedule(Stages(warmup=2, joint=4, finetune=3), temperature=(5.0, 0.5))


def test_epochs_belong_to_stages_in_order() -> None:
    assert SCHEDULE.epochs == 9
    assert [SCHEDULE.stage(epoch) for epoch in range(9)] == ["warmup"] * 2 + ["joint"] * 4 + ["finetune"] * 3


def test_stages_may_be_left_out() -> None:
    joint_only = Schedule(Stages(warmup=0, joint=2, finetune=0), temperature=(5.0, 0.5))
    no_joint = Schedule(Stages(warmup=1, joint=0, finetune=1), temperature=(5.0, 0.5))

    assert [joint_only.stage(epoch) for epoch in range(2)] == ["joint", "joint"]
    assert [no_joint.stage(epoch) for epoch in range(2)] == ["warmup", "finetune"]
    assert no_joint.temperature_at(2) == pytest.approx(0.5)


def test_the_temperature_falls_geometrically_over_the_joint_stage() -> None:
    assert SCHEDULE.temperature_at(0) == pytest.approx(5.0)
    assert SCHEDULE.temperature_at(2) == pytest.approx(5.0)
    assert SCHEDULE.temperature_at(4) == pytest.approx((5.0 * 0.5) ** 0.5)
    assert SCHEDULE.temperature_at(6) == pytest.approx(0.5)
    assert SCHEDULE.temperature_at(9) == pytest.approx(0.5)


def test_progress_is_the_place_in_the_joint_stage() -> None:
    assert [SCHEDULE.progress(epoch) for epoch in (0, 2, 3, 6, 9)] == [0.0, 0.0, 0.25, 1.0, 1.0]


@pytest.mark.parametrize("stages", [Stages(2, 4, 3), Stages(10, 10, 5), Stages(0, 1, 0), Stages(3, 0, 0)])
def test_the_learning_rate_ends_at_a_hundredth_and_is_never_zero(stages: Stages) -> None:
    schedule = Schedule(stages, temperature=(5.0, 0.5))
    rates = [schedule.learning_rate(schedule.epochs * i / 200) for i in range(201)]

    assert min(rates) > 0
    assert 0.9 < max(rates) <= 1.0
    assert rates[-1] == pytest.approx(0.01)


def test_the_learning_rate_rises_again_where_the_policy_begins_to_learn() -> None:
    schedule = Schedule(Stages(10, 7, 2), temperature=(5.0, 0.5))

    assert schedule.learning_rate(9.99) < 0.11
    assert schedule.learning_rate(10.0) == pytest.approx(0.7)
