"""Milliseconds of a model's parts as a table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from adaframe.config import Glance, Look, Model, Sampling
from adaframe.errors import UsageError
from adaframe.model.actions import Actions
from adaframe.model.cost import Costs
from adaframe.model.latency import LatencyTable, PartTime, fitted, read_table, write_table

MODEL = Model(
    glance=Glance(8, "tiny-1", "none", answers=True),
    looks=(Look("big", 32, "tiny-4", "none"), Look("small", 16, "tiny-2", "none")),
    sampling=Sampling(4),
)
TABLE = LatencyTable(
    machine="a machine",
    device="cpu",
    threads=1,
    torch="2",
    date="2026-01-01T00:00:00+00:00",
    batch=2,
    frames=4,
    rounds=3,
    glance=PartTime("glance", "tiny-1", 8, 10, (4,), (2.0,)),
    # 1 ms once, and 2 a picture; the small one has a quarter of the MACs, and takes 3 a picture.
    looks=(
        PartTime("big", "tiny-4", 32, 400, (1, 2, 4), (3.0, 5.0, 9.0)),
        PartTime("small", "tiny-2", 16, 100, (1, 4), (3, 12)),
    ),
    policy_ms=0.25,
    head_ms=0.5,
)
MACS = Costs(glance=10, policy=1, looks=(400, 100), project=(1, 1, 1), head=3)
ACTIONS = Actions(looks=("big", "small"), glance_answers=True, skips=(1, 2))


def test_a_line_through_times_that_lie_on_one() -> None:
    assert fitted((1, 2, 4), (3.0, 5.0, 9.0)) == pytest.approx((1.0, 2.0))


def test_nothing_takes_less_than_no_time() -> None:
    # Lines through these would start below 0, and fall.
    assert fitted((1, 4), (1.0, 8.0))[0] == 0.0
    assert fitted((1, 4), (5.0, 4.0)) == pytest.approx((4.39, 0.0), abs=0.01)


def test_a_budget_by_the_table_counts_milliseconds() -> None:
    costs = TABLE.costs(MACS)

    assert (costs.counted, costs.unit, costs.of_uniform) == ("latency", "milliseconds", "uniform's milliseconds")
    # Four frames of 2 ms, one start, the head.
    assert float(costs.uniform(torch.tensor([4]))) == pytest.approx(4 * 2 + 1 + 0.5)
    assert "a machine, 2 at once, 2026-01-01" in costs.by


def test_a_look_that_is_cheap_in_macs_and_dear_in_milliseconds_has_the_higher_price() -> None:
    in_macs, in_ms = MACS.price(ACTIONS), TABLE.costs(MACS).price(ACTIONS)

    assert in_macs[1] < in_macs[0]
    assert in_ms[1] == pytest.approx(1.5)
    assert in_ms[0] == pytest.approx(1.0)


def test_a_longer_skip_saves_no_milliseconds_on_a_file() -> None:
    costs = TABLE.costs(MACS)

    # A glance of 0.5 ms and a policy step of 0.25, beside a frame of 2 ms.
    assert costs.per_action(ACTIONS)[3:] == pytest.approx((0.375, 0.375))
    assert costs.price(ACTIONS)[3:] == (0.0, 0.0)
    assert MACS.price(ACTIONS)[4] < MACS.price(ACTIONS)[3] == 0.0


def test_uniform_stays_what_it_is_whatever_is_counted() -> None:
    # The small look takes longer, but uniform is the one with the most MACs.
    assert TABLE.costs(MACS).strongest == MACS.strongest == 0


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "t.json")

    assert read_table(tmp_path / "t.json") == TABLE


def test_a_table_of_another_model_is_refused() -> None:
    TABLE.check(MODEL, "t.json")

    with pytest.raises(
        UsageError, match=r"t\.json: measured for another model .*tiny-2 at 16; 4 frames.*try: adaframe"
    ):
        TABLE.check(replace(MODEL, looks=MODEL.looks[:1]), "t.json")
    with pytest.raises(UsageError, match="another model"):
        TABLE.check(replace(MODEL, sampling=Sampling(8)), "t.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("{}", "is no table of latencies"),
        (json.dumps({"format": "adaframe-latency-1", "machine": "x"}), "the key .device. is missing"),
    ],
)
def test_what_is_no_table_is_told(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(text)

    with pytest.raises(UsageError, match=said):
        read_table(tmp_path / "t.json")


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"No such file.*try: adaframe bench --latency-table"):
        read_table(tmp_path / "t.json")


def test_times_that_cannot_be_are_told(tmp_path: Path) -> None:
    write_table(replace(TABLE, glance=replace(TABLE.glance, ms=(0.0,))), tmp_path / "t.json")

    with pytest.raises(UsageError, match="glance: needs as many times above 0"):
        read_table(tmp_path / "t.json")
