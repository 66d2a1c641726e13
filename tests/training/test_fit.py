"""A whole training: what it leaves behind, how it starts, and what it refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import adaframe
from adaframe.cli.configuration import read_config
from adaframe.config import Config
from adaframe.config_io import to_dict
from adaframe.errors import UsageError
from adaframe.evaluation.evaluate import evaluate
from adaframe.model.metadata import read_metadata
from adaframe.training.feeding.material import learnable, load_material
from adaframe.training.fit import check_floor, fit
from adaframe.training.start import build_network, choose_clips

MakeConfig = Callable[..., Config]


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_its_files_and_nothing_half_written(trained: Path) -> None:
    left = {path.name for path in trained.iterdir()} - {".lock"}

    assert left == {
        "model.safetensors",
        "last.ckpt",
        "config.yaml",
        "metrics.csv",
        "report.md",
        "report.json",
        "figures",
    }
    assert "![" in (trained / "report.md").read_text()
    assert (trained / "figures" / "epochs.png").read_bytes().startswith(b"\x89PNG")


def test_the_energy_of_the_run_is_in_what_it_leaves_and_called_an_estimate_without_counters(trained: Path) -> None:
    stored = read_metadata(trained / "model.safetensors").training["energy"]

    assert json.loads((trained / "report.json").read_text())["energy"] == stored
    assert stored["joules"] > 0
    said = (trained / "report.md").read_text().partition("## Energy")[2]
    assert ("an estimate" in said) == (stored["kind"] == "estimate")


def test_metrics_have_a_row_per_epoch_with_stage_loss_accuracy_and_cost(trained: Path) -> None:
    found = rows(trained)

    assert [(r["epoch"], r["stage"]) for r in found] == [("0", "warmup"), ("1", "joint"), ("2", "finetune")]
    for row in found:
        assert float(row["train/loss"]) > 0
        assert 0 <= float(row["train/accuracy"]) <= 1
        assert 0 <= float(row["val/accuracy"]) <= 1
        assert float(row["train/cost"]) > 0
        shares = [float(v) for k, v in row.items() if k.startswith("val/share/")]
        assert sum(shares) == pytest.approx(1, abs=1e-4)


def test_the_configuration_that_is_left_repeats_the_run(trained: Path, make_config: MakeConfig) -> None:
    assert to_dict(read_config(str(trained / "config.yaml"))) == to_dict(make_config())


def test_what_is_left_to_resume_holds_nothing_executable(trained: Path) -> None:
    state = torch.load(trained / "last.ckpt", weights_only=True)

    assert state["epoch"] == 2
    assert "multiplier.value" in state["state_dict"]


def test_the_model_that_is_left_classifies(trained: Path, colours: Path) -> None:
    model = adaframe.load(trained / "model.safetensors", device="cpu")

    prediction = model.classify(colours / "red" / "01.mp4")

    assert prediction.label in ("blue", "red")
    assert prediction.gmacs > 0
    assert sum(confidence for _, confidence in prediction.top) == pytest.approx(1)
    assert model.metadata.training["clips"] + 4 == 14
    assert model.metadata.budget == 0.7


def test_the_model_that_is_left_is_the_network_that_was_trained(trained: Path) -> None:
    learnt = torch.load(trained / "last.ckpt", weights_only=True)["state_dict"]

    saved = load_file(trained / "model.safetensors")

    assert saved
    # What the head knows of its training clips is set when they have been learnt from.
    weights = {name: value for name, value in saved.items() if not name.startswith("head.usual.")}
    assert all(torch.equal(value, learnt[f"network.{name}"]) for name, value in weights.items())


def test_a_simple_task_is_learnt(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(**{"train.stages.warmup": 10, "train.stages.joint": 4, "train.stages.finetune": 2})

    fit(config, out=tmp_path)

    report = json.loads((tmp_path / "report.json").read_text())
    assert report["methods"][0]["accuracy"]["value"] == 1.0
    last = rows(tmp_path)[-1]
    assert float(last["val/share/skip-1"]) + float(last["val/share/skip-2"]) < 1


def test_the_same_seed_gives_the_same_model_and_another_one_another(
    make_config: MakeConfig, trained: Path, tmp_path: Path
) -> None:
    fit(make_config(), out=tmp_path / "again")
    fit(make_config(seed=1), out=tmp_path / "other")

    first, again, other = (
        load_file(d / "model.safetensors") for d in (trained, tmp_path / "again", tmp_path / "other")
    )
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert any(not torch.equal(value, other[name]) for name, value in first.items())


def test_where_only_the_policy_learns_looks_and_head_stay_as_they_were(
    make_config: MakeConfig, trained: Path, tmp_path: Path
) -> None:
    start = trained / "model.safetensors"
    only = {"train.only": "policy", "train.stages.warmup": 0, "train.stages.finetune": 0}

    fit(make_config(init=str(start), seed=5, **only), out=tmp_path)

    before, after = load_file(start), load_file(tmp_path / "model.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("policy.") for name in changed)
    assert not [name for name in changed if not name.startswith(("policy.", "glance.", "head.usual"))]


def test_a_folder_that_holds_a_run_is_refused_before_anything_is_touched(
    trained: Path, make_config: MakeConfig
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in trained.iterdir()}

    with pytest.raises(UsageError, match=f"{trained}: holds a run already; try: --resume"):
        fit(make_config(), out=trained)

    assert {path.name: path.stat().st_mtime_ns for path in trained.iterdir()} == before


def test_resuming_a_run_that_had_ended_writes_its_results_again(
    trained: Path, make_config: MakeConfig, tmp_path: Path
) -> None:
    for name in ("last.ckpt", "metrics.csv"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())

    fit(make_config(), out=tmp_path, resume=True)

    old, new = load_file(trained / "model.safetensors"), load_file(tmp_path / "model.safetensors")
    assert all(torch.equal(value, new[name]) for name, value in old.items())
    assert rows(tmp_path) == rows(trained)
    assert (tmp_path / "report.md").read_text().splitlines()[:3] == (trained / "report.md").read_text().splitlines()[:3]


def test_a_budget_below_the_floor_is_refused_before_anything_is_decoded(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(budget=0.02, **{"data.cache": "auto"})
    network = build_network(config, 2)
    costs = network.costs
    floor = (4 * (costs.glance + costs.policy) + min(costs.sources()) + costs.head) / (
        4 * costs.uniform_frame + costs.head
    )

    with pytest.raises(UsageError, match=f"budget 0.02 is below the floor.* {floor:.3f} of uniform; try: --budget"):
        fit(config, out=tmp_path)

    assert not (tmp_path / "cache").exists()


def test_the_budget_that_the_refusal_names_is_accepted(make_config: MakeConfig) -> None:
    network = build_network(make_config(), 2)
    with pytest.raises(UsageError) as refusal:
        check_floor(make_config(budget=0.02), network)

    named = float(str(refusal.value).partition("--budget ")[2].partition(",")[0])

    check_floor(make_config(budget=named), network)


def test_where_the_glance_costs_more_than_uniform_no_budget_is_proposed(make_config: MakeConfig) -> None:
    config = make_config(**{"model.glance.pixels": 32})

    with pytest.raises(UsageError, match="of uniform; try: a smaller glance"):
        check_floor(config, build_network(config, 2))


def test_a_baseline_has_no_floor(make_config: MakeConfig) -> None:
    config = make_config(policy="glance", budget=0.02)

    check_floor(config, build_network(config, 2))


def test_a_cache_changes_how_fast_not_what_is_validated(make_config: MakeConfig, trained: Path, tmp_path: Path) -> None:
    outcomes = []
    for cache in ("", "auto"):
        out = tmp_path / (cache or "none")
        out.mkdir()
        (out / "last.ckpt").write_bytes((trained / "last.ckpt").read_bytes())
        fit(make_config(**{"data.cache": cache}), out=out, resume=True)
        report = json.loads((out / "report.json").read_text())
        metadata = read_metadata(out / "model.safetensors")
        outcomes.append((report["methods"], [(p.beta, p.cost, p.accuracy) for p in metadata.calibration]))

    assert (tmp_path / "auto" / "cache").is_dir()
    assert not (tmp_path / "none" / "cache").exists()
    assert outcomes[0] == outcomes[1]


def test_several_labels_a_clip_train_and_evaluate(
    make_config: MakeConfig, make_clip: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["path,label,split"]
    for i in range(14):
        colour = ("blue", "red")[i % 2]
        make_clip(tmp_path / f"{i:02d}.mp4", colour, i)
        lines.append(f"{i:02d}.mp4,{colour}{'|late' if i % 3 == 0 else ''},{'val' if i > 9 else 'train'}")
    manifest = tmp_path / "clips.csv"
    manifest.write_text("\n".join(lines) + "\n")

    fit(make_config(**{"data.root": "", "data.manifest": str(manifest)}), out=tmp_path / "out")
    model = adaframe.load(tmp_path / "out" / "model.safetensors", device="cpu")
    prediction = model.classify(tmp_path / "00.mp4")
    capsys.readouterr()
    evaluate(checkpoint=str(tmp_path / "out" / "model.safetensors"), manifest=str(manifest), split="val", device="cpu")

    assert model.metadata.multi_label
    assert model.classes == ("blue", "late", "red")
    assert isinstance(prediction.label, list)
    expected = 1 / (1 + np.exp(-prediction.logits))
    assert dict(prediction.top) == pytest.approx(dict(zip(model.classes, expected.tolist(), strict=True)), abs=1e-6)
    assert "mAP" in (tmp_path / "out" / "report.md").read_text()
    assert "mAP" in capsys.readouterr().out


def folded(tmp_path: Path, make_clip: Callable[..., Path], *, folds: int = 3, clips: int = 12) -> Path:
    lines = ["path,label,fold"]
    for i in range(clips):
        colour = ("blue", "red")[i % 2]
        make_clip(tmp_path / f"{i:02d}.mp4", colour, i)
        lines.append(f"{i:02d}.mp4,{colour},{i // 2 % folds + 1}")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "clips.csv"


def test_one_fold_is_reported_on_clips_that_were_not_learnt_from(
    make_config: MakeConfig, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    config = make_config(fold="2", **{"data.root": "", "data.manifest": str(folded(tmp_path, make_clip))})

    with load_material(config, learnable(config), tmp_path / "out") as material:
        learnt, watched = choose_clips(config, material)
    fit(config, out=tmp_path / "out")

    held_out = {n for n in range(12) if n // 2 % 3 == 1}
    assert learnt
    assert watched
    assert not set(learnt) & set(watched)
    assert set(learnt) | set(watched) == set(range(12)) - held_out
    assert json.loads((tmp_path / "out" / "report.json").read_text())["videos"] == len(held_out)
    assert "4 clips of fold 2" in (tmp_path / "out" / "report.md").read_text()


def test_an_unknown_fold_is_refused_and_the_known_ones_are_named(
    make_config: MakeConfig, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    config = make_config(fold="7", **{"data.root": "", "data.manifest": str(folded(tmp_path, make_clip))})

    with pytest.raises(UsageError, match="fold 7: the data set has no such fold; its folds: 1, 2, 3"):
        fit(config, out=tmp_path / "out")


def test_without_validation_clips_the_report_says_that_it_shows_the_training_clips(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    fit(make_config(**{"data.val_fraction": 0.0}), out=tmp_path)

    assert "These are the clips it learnt from" in (tmp_path / "report.md").read_text()
    assert [r["epoch"] for r in rows(tmp_path)] == ["0", "1", "2"]


def test_test_clips_are_never_looked_at(
    make_config: MakeConfig, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    make_folder(tmp_path / "data" / "train", clips=8)
    (tmp_path / "data" / "test" / "blue").mkdir(parents=True)
    (tmp_path / "data" / "test" / "blue" / "broken.mp4").write_bytes(b"no video")

    config = make_config(**{"data.root": str(tmp_path / "data")})
    with load_material(config, learnable(config), tmp_path) as material:
        assert {clip.split for clip in material.data_set.clips} == {"train"}
        assert material.bad == {}
