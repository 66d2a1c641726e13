"""Speed on this machine, side by side in one run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from adaframe.cli.configuration import read_config
from adaframe.config import Config, Glance, Look, Model, Policy, Preprocess, Sampling
from adaframe.errors import UsageError
from adaframe.evaluation.bench import bench, model_methods
from adaframe.model.checkpoint import save_checkpoint
from adaframe.model.metadata import Metadata
from adaframe.model.network import Network

MODEL = Model(
    glance=Glance(8, "tiny-1", "none", answers=True),
    looks=(Look("look-32", 32, "tiny-4", "none"), Look("look-16", 16, "tiny-4", "none")),
    policy=Policy(project=4, hidden=4, skips=(1, 2)),
    sampling=Sampling(8, window_s=0.4),
    preprocess=Preprocess(32, 32),
)


@pytest.mark.parametrize("name", ["uniform", "adaptive", "dense", "glance"])
@pytest.mark.parametrize("answers", [True, False])
def test_what_is_reported_as_executed_is_what_runs(name: str, answers: bool) -> None:
    model = replace(MODEL, glance=replace(MODEL.glance, answers=answers))
    methods, _ = model_methods(Network(model, classes=3).eval(), 5, 2, 0.5)
    method = next(m for m in methods if m.name == name)

    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        method.run()

    assert counter.get_total_flops() / 2 == pytest.approx(method.gmacs * 1e9 * 5, rel=1e-9)


def test_adaptive_takes_the_share_of_uniform_that_was_asked_for() -> None:
    methods, shares = model_methods(Network(MODEL, classes=3).eval(), 8, 8, 0.5)
    gmacs = {method.name: method.gmacs for method in methods}

    assert gmacs["adaptive"] / gmacs["uniform"] == pytest.approx(0.5, abs=0.02)
    assert gmacs["glance"] < gmacs["adaptive"] < gmacs["uniform"] < gmacs["dense"]
    assert sum(shares.values()) == pytest.approx(1.0)


def test_a_configuration_is_measured_and_written_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench(config=Config(model=MODEL), videos=3, batch=2, repeats=2, json_path=tmp_path / "b.json", device="cpu")

    written = json.loads((tmp_path / "b.json").read_text())
    assert [m["name"] for m in written["methods"]] == ["uniform", "adaptive", "dense", "glance", "decode"]
    assert (written["videos"], written["batch"], written["rounds"], written["frames"]) == (3, 2, 2, 8)
    assert all(m["ms"]["median"] > 0 for m in written["methods"])
    printed = capsys.readouterr().out
    assert written["machine"] in printed
    assert f"efficiency {written['efficiency']['median']:.2f}" in printed


def test_a_checkpoint_is_measured_at_a_budget(tmp_path: Path) -> None:
    network = Network(MODEL, classes=3)
    save_checkpoint(
        tmp_path / "m.safetensors", network, Metadata(MODEL, "adaptive", tuple("abc"), False, network.costs)
    )

    for budget in (0.4, 0.7):
        out = tmp_path / f"{budget}.json"
        bench(
            checkpoint=tmp_path / "m.safetensors",
            videos=8,
            repeats=1,
            budget=budget,
            json_path=out,
            device="cpu",
        )
    fractions = [json.loads((tmp_path / f"{b}.json").read_text())["methods"][1]["gmacs_of_uniform"] for b in (0.4, 0.7)]

    assert fractions == pytest.approx([0.4, 0.7], abs=0.03)


def test_a_baseline_has_nothing_to_compare(tmp_path: Path) -> None:
    network = Network(MODEL, classes=3, plan="uniform")
    save_checkpoint(tmp_path / "m.safetensors", network, Metadata(MODEL, "uniform", tuple("abc"), False, network.costs))

    with pytest.raises(UsageError, match=r"m\.safetensors: a baseline \(uniform\).*try: an adaptive"):
        bench(checkpoint=tmp_path / "m.safetensors", repeats=1)


def test_threads_are_those_asked_for_and_then_as_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = torch.get_num_threads()

    bench(config=Config(model=MODEL), videos=1, repeats=1, threads=3, device="cpu")

    assert "3 threads" in capsys.readouterr().out
    assert torch.get_num_threads() == before


def test_the_bundled_configuration_has_the_backbones_of_the_paper() -> None:
    model = read_config("bench-resnet").model

    assert [(k.backbone, k.pixels) for k in model.looks] == [("resnet50", 224), ("resnet34", 168), ("resnet18", 112)]
    assert (model.glance.backbone, model.glance.pixels, model.glance.answers) == ("mobilenet_v2", 84, True)
    assert {part.weights for part in (model.glance, *model.looks)} == {"none"}
    assert (model.policy.hidden, model.policy.skips, model.sampling.frames) == (512, (1, 2, 4), 16)
