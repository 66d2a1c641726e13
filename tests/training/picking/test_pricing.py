"""What a run's budget counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from adaframe.config import Config
from adaframe.errors import AdaframeError, UsageError
from adaframe.inference.recognizer import load
from adaframe.model.latency import LatencyTable, PartTime, read_table, write_table
from adaframe.model.metadata import read_metadata
from adaframe.training.fit import fit
from adaframe.training.picking.pricing import prices_of, with_table
from adaframe.training.start import build_network

MakeConfig = Callable[..., Config]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Of the tiny network: the small look takes three times as long as the large one; a glance next to nothing."""
    table = LatencyTable(
        machine="a machine",
        device="cpu",
        threads=1,
        torch="2",
        date="2026-01-01T00:00:00+00:00",
        batch=1,
        frames=4,
        rounds=1,
        glance=PartTime("glance", "tiny-2", 8, 1, (4,), (0.04,)),
        looks=(
            PartTime("look-32", "tiny-2", 32, 2, (1, 4), (2.0, 5.0)),
            PartTime("look-16", "tiny-2", 16, 1, (1, 4), (3.0, 12.0)),
        ),
        policy_ms=0.01,
        head_ms=0.5,
    )
    write_table(table, tmp_path / "table.json")
    return tmp_path / "table.json"


def test_a_run_whose_budget_counts_milliseconds_keeps_to_them_and_so_does_its_model(
    make_config: MakeConfig, table: Path, tmp_path: Path
) -> None:
    config = make_config(cost="latency", cost_table=str(table), budget=0.8)

    fit(config, out=tmp_path / "run")

    metadata = read_metadata(tmp_path / "run" / "model.safetensors")
    expected = prices_of(config, build_network(config, 2))
    assert metadata.prices == expected == metadata.counted
    assert metadata.costs.counted == "macs"
    # What the calibration says of a bias is what the model takes in milliseconds, not in MACs.
    points = {point.beta: point.cost for point in metadata.calibration}
    assert points[metadata.beta_for(0.8)] <= 0.8
    assert min(points.values()) >= expected.floor(4) - 1e-5
    report = (tmp_path / "run" / "report.md").read_text()
    assert "The budget counts milliseconds (by a machine" in report
    assert "cost (of uniform's milliseconds)" in report
    assert "could not be made" not in report
    with pytest.raises(AdaframeError, match="of uniform's milliseconds; try"):
        metadata.beta_for(0.01)


def test_a_loaded_model_is_biased_against_milliseconds_and_still_tells_macs(
    make_config: MakeConfig, table: Path, tmp_path: Path, colours: Path
) -> None:
    config = make_config(cost="latency", cost_table=str(table))
    fit(config, out=tmp_path / "run")

    model = load(tmp_path / "run" / "model.safetensors", device="cpu")

    network = model.network
    assert network.price == network.prices.price(network.actions) != network.costs.price(network.actions)
    prediction = model.classify(next(colours.rglob("*.mp4")))
    assert prediction.gmacs_uniform == pytest.approx(float(network.costs.uniform(torch.tensor([4]))) / 1e9)


def test_without_a_table_one_is_measured_and_left_in_the_runs_folder(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(cost="latency")

    found = with_table(config, tmp_path, resume=False)

    assert found == replace(config, cost_table=str(tmp_path / "latency.json"))
    measured = read_table(tmp_path / "latency.json")
    measured.check(config.model, "here")
    # A run that goes on counts by what it began with.
    assert with_table(config, tmp_path, resume=True) == found
    assert read_table(tmp_path / "latency.json") == measured


def test_joules_come_from_a_hardware_model(make_config: MakeConfig) -> None:
    prices = build_network(make_config(cost="energy", cost_hardware="asic-45nm"), 2).prices

    assert (prices.counted, prices.by) == ("energy", "asic-45nm")


def test_a_baseline_has_no_budget_to_count(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(cost="latency", policy="uniform")

    assert with_table(config, tmp_path, resume=False) == config
    assert build_network(config, 2).prices.counted == "macs"


def test_a_table_of_another_model_is_refused_before_anything_is_decoded(
    make_config: MakeConfig, table: Path, tmp_path: Path
) -> None:
    changes = {"model.glance.pixels": 16, "data.cache": "auto"}

    with pytest.raises(UsageError, match="measured for another model"):
        fit(make_config(cost="latency", cost_table=str(table), **changes), out=tmp_path / "run")

    assert not (tmp_path / "run" / "cache").exists()


def test_milliseconds_need_a_table_where_none_is_measured(make_config: MakeConfig) -> None:
    with pytest.raises(UsageError, match="needs a cost_table; try: adaframe bench"):
        build_network(make_config(cost="latency"), 2)


def test_what_a_budget_counts_changes_what_is_learnt(make_config: MakeConfig, table: Path, tmp_path: Path) -> None:
    fit(make_config(budget=0.8), out=tmp_path / "macs")
    fit(make_config(budget=0.8, cost="latency", cost_table=str(table)), out=tmp_path / "latency")

    macs, latency = (load_file(tmp_path / name / "model.safetensors") for name in ("macs", "latency"))
    assert not torch.equal(macs["policy.logits.weight"], latency["policy.logits.weight"])
    assert read_metadata(tmp_path / "macs" / "model.safetensors").prices is None
