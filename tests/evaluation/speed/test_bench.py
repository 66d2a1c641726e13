"""Speed on this machine, side by side in one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from adaframe.cli.configuration import read_config
from adaframe.config import Config, Glance, Look, Model, Policy, Preprocess, Sampling
from adaframe.energy.places import parse_places
from adaframe.errors import UsageError
from adaframe.evaluation.speed.bench import bench
from adaframe.evaluation.speed.decode_films import render
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


def quick(**options: Any) -> None:
    """One round at one batch size and budget, without videos, on the CPU."""
    bench(**{"videos": 2, "batches": (2,), "budgets": (0.5,), "repeats": 1, "decodes": (), "device": "cpu", **options})


def test_all_that_is_asked_for_is_measured_in_one_run_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = render(tmp_path / "mine.mp4", gop=5, size=(48, 64), seconds=0.8)

    quick(
        config=Config(model=MODEL),
        videos=3,
        batches=(1, 2),
        budgets=(0.4, 0.7),
        repeats=2,
        files=[video],
        decodes=("exact", "fast"),
        json_path=tmp_path / "b.json",
        figure_path=tmp_path / "b.png",
    )

    written = json.loads((tmp_path / "b.json").read_text())
    assert (written["videos"], written["rounds"], written["frames"]) == (3, 2, 8)
    assert [some["batch"] for some in written["batches"]] == [1, 2]
    names = ["uniform", "adaptive at 0.4", "adaptive at 0.7", "dense", "glance"]
    for some in written["batches"]:
        assert [m["name"] for m in some["methods"]] == names
        assert all(m["ms"]["median"] > 0 for m in some["methods"])
        assert [m["gmacs_of_uniform"] for m in some["methods"][1:3]] == pytest.approx([0.4, 0.7], abs=0.05)
    assert [(file["video"], file["decode"]) for file in written["files"]] == [
        ("mine.mp4", "exact"),
        ("mine.mp4", "fast"),
    ]
    printed = capsys.readouterr().out
    assert written["machine"] in printed
    assert "3 videos of 8 frames, 2 at once" in printed
    assert "mine.mp4  fast" in printed
    with Image.open(tmp_path / "b.png") as figure:
        assert figure.size[0] > figure.size[1] > 500


def test_videos_are_rendered_at_the_sizes_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adaframe.evaluation.speed.bench._SECONDS", 0.4)

    quick(config=Config(model=MODEL), sizes=((64, 48), (32, 32)), decodes=("exact",), json_path=tmp_path / "b.json")

    files = json.loads((tmp_path / "b.json").read_text())["files"]
    assert [file["video"] for file in files] == ["64x48.mp4", "32x32.mp4"]


def test_a_checkpoint_is_measured_without_videos(tmp_path: Path) -> None:
    network = Network(MODEL, classes=3)
    save_checkpoint(
        tmp_path / "m.safetensors", network, Metadata(MODEL, "adaptive", tuple("abc"), False, network.costs)
    )

    quick(checkpoint=tmp_path / "m.safetensors", json_path=tmp_path / "b.json", figure_path=tmp_path / "b.png")

    written = json.loads((tmp_path / "b.json").read_text())
    assert (len(written["batches"]), written["files"]) == (1, [])
    assert (tmp_path / "b.png").stat().st_size > 10_000


def test_a_baseline_has_nothing_to_compare(tmp_path: Path) -> None:
    network = Network(MODEL, classes=3, plan="uniform")
    save_checkpoint(tmp_path / "m.safetensors", network, Metadata(MODEL, "uniform", tuple("abc"), False, network.costs))

    with pytest.raises(UsageError, match=r"m\.safetensors: a baseline \(uniform\).*try: an adaptive"):
        quick(checkpoint=tmp_path / "m.safetensors")


def test_threads_are_those_asked_for_and_then_as_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = torch.get_num_threads()

    quick(config=Config(model=MODEL), threads=3)

    assert "3 threads" in capsys.readouterr().out
    assert torch.get_num_threads() == before


def test_the_bundled_configuration_has_the_backbones_of_the_paper() -> None:
    model = read_config("bench-resnet").model

    assert [(k.backbone, k.pixels) for k in model.looks] == [("resnet50", 224), ("resnet34", 168), ("resnet18", 112)]
    assert (model.glance.backbone, model.glance.pixels, model.glance.answers) == ("mobilenet_v2", 84, True)
    assert {part.weights for part in (model.glance, *model.looks)} == {"none"}
    assert (model.policy.hidden, model.policy.skips, model.sampling.frames) == (512, (1, 2, 4), 16)


def test_joules_stand_in_the_table_and_in_the_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adaframe.energy.meter.find_counters", lambda device: None)
    monkeypatch.setattr("adaframe.evaluation.speed.bench.SECONDS", 0.3)

    quick(
        config=Config(model=MODEL),
        energy=parse_places(["machine", "asic-45nm"], carbon=100.0),
        json_path=tmp_path / "b.json",
    )

    methods = {m["name"]: m for m in json.loads((tmp_path / "b.json").read_text())["batches"][0]["methods"]}
    here, paper = methods["uniform"]["energy"]
    assert (here["where"], here["kind"]) == ("this machine", "estimate")
    assert here["joules"] > 0
    assert paper["parts"]["arithmetic"] == pytest.approx(methods["uniform"]["gmacs"] * 1e9 * 0.23e-12)
    assert paper["gco2e"] == pytest.approx(paper["joules"] / 3.6e6 * 100.0)
    # Nothing on paper is known of what has no decisions to go by.
    assert [one["where"] for one in methods["dense"]["energy"]] == ["this machine"]
    printed = capsys.readouterr().out
    assert "J/video, asic-45nm (estimate)" in printed
    assert "this machine: an estimate" in printed
