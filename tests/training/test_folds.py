"""Cross-validation: every clip is answered once, by a model that did not learn from its fold."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import adaframe
from adaframe.config import Config, Glance, Look
from adaframe.errors import UsageError
from adaframe.model.metadata import CalibrationPoint, Metadata, read_metadata
from adaframe.training import folds
from adaframe.training.calibration import Outcome
from adaframe.training.feeding.material import learnable, load_material
from adaframe.training.fit import fit
from adaframe.training.run import Run
from adaframe.training.start import choose_clips

MakeConfig = Callable[..., Config]
FOLDS = {n: str(n // 2 % 3 + 9) for n in range(18)}  # 9, 10 and 11: by value, not by spelling


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory, make_clip: Callable[..., Path]) -> Path:
    """18 clips in three folds, with two clips to a group."""
    folder = tmp_path_factory.mktemp("folds")
    lines = ["path,label,fold,group"]
    for n, fold in FOLDS.items():
        colour = ("blue", "red")[n % 2]
        make_clip(folder / f"{n:02d}.mp4", colour, n)
        lines.append(f"{n:02d}.mp4,{colour},{fold},{'film' + str(n // 6) + colour + fold}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    return folder / "clips.csv"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    from torchvision.models import mobilenet_v2

    torch.manual_seed(3)
    network = mobilenet_v2(weights=None)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network(torch.randn(16, 3, 4, 4).repeat_interleave(8, dim=2).repeat_interleave(8, dim=3))
    path = tmp_path_factory.mktemp("weights") / "mobilenet.pth"
    torch.save(network.state_dict(), path)
    return str(path)


def changes(manifest: Path, **more: Any) -> dict[str, Any]:
    return {"data.root": "", "data.manifest": str(manifest), "fold": "all", **more}


@pytest.fixture(scope="module")
def run(make_config: MakeConfig, manifest: Path, weights: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over all folds on frozen features, which brings all baselines."""
    out = tmp_path_factory.mktemp("all")
    frozen = {
        "model.glance": Glance(16, "mobilenet_v2", weights),
        "model.looks": (Look("look-32", 32, "mobilenet_v2", weights),),
        "train.trainable": "none",
        "data.flip": False,  # half the features to compute
    }
    fit(make_config(**changes(manifest, **frozen)), out=out)
    return out


def test_each_fold_and_the_whole_have_a_model_and_a_report(run: Path) -> None:
    for folder in (run, run / "fold-9", run / "fold-10", run / "fold-11"):
        for name in (
            "model.safetensors",
            "last.ckpt",
            "config.yaml",
            "metrics.csv",
            "report.md",
            "figures/confusion.png",
        ):
            assert (folder / name).is_file(), folder / name
    assert adaframe.load(run / "model.safetensors", device="cpu").classes == ("blue", "red")


def test_every_clip_is_answered_exactly_once(run: Path, manifest: Path) -> None:
    methods = json.loads((run / "out_of_fold.json").read_text())

    assert {"adaptive at 1", "adaptive at 0.7", "uniform, same weights", "frozen features + linear layer"} <= {
        m["name"] for m in methods
    }
    rules = {m["name"]: np.mean(m["gmacs"]) for m in methods if m["name"].endswith(" at 0.7")}
    assert sorted(rules) == ["adaptive at 0.7", "change rule at 0.7", "random at 0.7"]
    frame = methods[0]["gmacs_uniform"] / 4
    assert all(abs(cost - rules["adaptive at 0.7"]) <= frame for cost in rules.values())  # all at its cost, to a look
    for method in methods:
        assert sorted(method["clips"]) == [str(manifest.parent / f"{n:02d}.mp4") for n in FOLDS]
        assert len(method["scores"]) == len(method["groups"]) == len(method["gmacs"]) == len(FOLDS)
        labels = [int(Path(clip).stem) % 2 for clip in method["clips"]]
        assert np.argmax(method["targets"], axis=1).tolist() == labels


def test_a_clip_is_answered_by_the_model_of_its_fold(run: Path) -> None:
    methods = {m["name"]: m for m in json.loads((run / "out_of_fold.json").read_text())}
    method = methods["adaptive at 1"]

    assert [FOLDS[int(Path(clip).stem)] for clip in method["clips"]] == ["9"] * 6 + ["10"] * 6 + ["11"] * 6
    for n in (0, 7, 17):
        model = adaframe.load(
            run / f"fold-{FOLDS[int(Path(method['clips'][n]).stem)]}" / "model.safetensors", device="cpu"
        )
        prediction = model.classify(method["clips"][n], budget=1.0)
        exact = np.exp(prediction.logits) / np.exp(prediction.logits).sum()
        np.testing.assert_allclose(exact, method["scores"][n], atol=0.02)


def test_the_report_has_a_table_by_fold_in_their_order(run: Path) -> None:
    text = (run / "report.md").read_text()
    methods = {m["name"]: m for m in json.loads((run / "out_of_fold.json").read_text())}

    assert "| method | fold 9 | fold 10 | fold 11 | mean ± sd |" in text
    row = re.search(r"^\| adaptive at 1 \| (\S+)% \| (\S+)% \| (\S+)% \| (\S+)% ± (\S+)% \|$", text, re.MULTILINE)
    assert row is not None
    method = methods["adaptive at 1"]
    right = np.argmax(method["scores"], axis=1) == np.argmax(method["targets"], axis=1)
    by_fold = [100 * right[6 * k : 6 * k + 6].mean() for k in range(3)]
    expected = [*by_fold, np.mean(by_fold), np.std(by_fold, ddof=1)]
    assert [float(cell) for cell in row.groups()] == pytest.approx(expected, abs=0.06)
    assert re.search(r"On 18 clips.*, each answered by the model that did not learn from its fold \(3 folds\)", text)


def test_the_final_model_learns_from_all_clips_and_says_what_unseen_ones_gave(run: Path) -> None:
    metadata = read_metadata(run / "model.safetensors")

    assert metadata.training["clips"] == 18
    assert metadata.training["folds"] == 3
    assert 0 <= metadata.training["out_of_fold_accuracy"] <= 1
    assert read_metadata(run / "fold-9" / "model.safetensors").training["clips"] < 12


def test_no_clip_of_a_fold_is_learnt_from_or_watched(make_config: MakeConfig, manifest: Path, tmp_path: Path) -> None:
    config = make_config(**changes(manifest))

    with load_material(config, learnable(config), tmp_path) as material:
        for fold in set(FOLDS.values()):
            learnt, watched = choose_clips(replace(config, fold=fold), material)
            others = {n for n, f in FOLDS.items() if f != fold}
            assert learnt
            assert watched
            assert set(learnt) | set(watched) == others
            groups = [{material.data_set.clips[n].group for n in side} for side in (learnt, watched)]
            assert not groups[0] & groups[1]


def test_folds_that_have_ended_are_not_trained_again(
    make_config: MakeConfig, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that was killed in its last fold goes on there, to the same end."""
    config = make_config(**changes(manifest, **{"train.stages.finetune": 0}))
    fit(config, out=tmp_path)
    before = (tmp_path / "out_of_fold.json").read_text()
    for name in ("last.ckpt", "model.safetensors", "out_of_fold.json", "fold-11/last.ckpt", "fold-11/metrics.csv"):
        (tmp_path / name).unlink()
    capsys.readouterr()

    fit(config, out=tmp_path, resume=True)

    assert (tmp_path / "out_of_fold.json").read_text() == before
    for fold in ("9", "11"):
        with (tmp_path / f"fold-{fold}" / "metrics.csv").open(newline="") as file:
            assert [r["epoch"] for r in csv.DictReader(file)] == ["0", "1"]
    said = capsys.readouterr().err.splitlines()
    trained = [line.split()[1] for line in said if line.startswith(("fold", "epoch"))]
    assert trained == ["9", "10", "11", "1/2", "2/2", "1/2", "2/2"]


def test_folds_that_were_begun_are_not_overwritten(make_config: MakeConfig, manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "fold-9").mkdir()
    (tmp_path / "fold-9" / "last.ckpt").write_bytes(b"learnt")

    with pytest.raises(UsageError, match="holds a run already; try: --resume"):
        fit(make_config(**changes(manifest)), out=tmp_path)


def test_without_folds_all_of_them_is_refused(make_config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fold all: the data set has fewer than two folds; try: a manifest"):
        fit(make_config(fold="all"), out=tmp_path)


@pytest.mark.parametrize("policy", ["uniform", "adaptive"])
def test_networks_from_scratch_and_baselines_have_folds_too(
    make_config: MakeConfig, manifest: Path, tmp_path: Path, policy: str
) -> None:
    one_epoch = {"train.stages.joint": 0, "train.stages.finetune": 0, "policy": policy, "model.policy.skips": ()}

    fit(make_config(**changes(manifest, budget=1.0, **one_epoch)), out=tmp_path)

    names = [m["name"] for m in json.loads((tmp_path / "out_of_fold.json").read_text())]
    assert (names == ["uniform"]) == (policy == "uniform")
    assert read_metadata(tmp_path / "model.safetensors").plan == policy


def answered(cost: float, clips: list[int]) -> Outcome:
    ones = np.ones(len(clips))
    scores = np.array([[0.9, 0.1]] * len(clips))
    return Outcome(
        np.array(clips), scores, np.eye(2)[[0] * len(clips)], ones * cost, ones * cost, ones * cost, ones, {"a": cost}
    )


def test_joining_keeps_clips_and_weighs_shares_by_them() -> None:
    found = folds.joined([answered(0.2, [0, 1, 2]), answered(0.6, [5])])

    assert found.clips.tolist() == [0, 1, 2, 5]
    assert found.cost.tolist() == [0.2, 0.2, 0.2, 0.6]
    assert found.actions["a"] == pytest.approx(0.3)


def test_budgets_are_met_on_unseen_clips_by_the_calibration_of_seen_ones(make_config: MakeConfig) -> None:
    points = (CalibrationPoint(0.0, 0.9, 0.9, 1.0), CalibrationPoint(2.0, 0.4, 0.4, 0.5))
    metadata = Metadata(make_config().model, "adaptive", ("a", "b"), False, None, points)  # type: ignore[arg-type]
    # On unseen clips every bias happens to cost more.
    outcomes = {0.0: answered(0.95, [0]), 2.0: answered(0.55, [0])}

    found = dict(folds._at_budgets(make_config(budget=0.3), metadata, outcomes.__getitem__))

    # 0.5 needs a bias of 2 by the calibration; 0.3 and 0.25 are out of reach.
    assert {name: float(o.cost.mean()) for name, o in found.items()} == {"adaptive at 1": 0.95, "adaptive at 0.5": 0.55}


def test_a_budget_that_one_fold_cannot_keep_to_is_left_out(
    make_config: MakeConfig, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = folds._at_budgets

    def rarely(config: Config, metadata: Metadata, answer: Callable[[float], Outcome]) -> list[tuple[str, Outcome]]:
        kept = found(config, metadata, answer)
        return [*kept, ("adaptive at 0.01", answer(128.0))] if config.fold == "all" and len(calls) == 1 else kept

    calls: list[str] = []
    monkeypatch.setattr(folds, "_at_budgets", lambda *args: calls.append("") or rarely(*args))  # type: ignore[func-returns-value]
    fit(make_config(**changes(manifest, **{"train.stages.joint": 0, "train.stages.finetune": 0})), out=tmp_path)

    methods = json.loads((tmp_path / "out_of_fold.json").read_text())
    assert len(calls) == 3
    assert "adaptive at 0.01" not in {m["name"] for m in methods}
    assert all(len(m["clips"]) == 18 for m in methods)


@pytest.mark.parametrize(
    ("skips", "titles"),
    [
        ((), ["uniform, same weights", "static look-16"]),
        (
            (1,),
            [
                "uniform, same weights",
                "static look-32 on 2 of 4",
                "static look-32 on 1 of 4",
                "static look-16",
                "static look-16 on 2 of 4",
                "static look-16 on 1 of 4",
            ],
        ),
    ],
)
def test_the_same_weights_are_tried_under_the_plans_that_the_model_can_follow(
    make_config: MakeConfig,
    make_recogniser: Callable[..., Any],
    tmp_path: Path,
    skips: tuple[int, ...],
    titles: list[str],
) -> None:
    config = make_config(**{"model.policy.skips": skips})
    module = make_recogniser(**{"model.policy.skips": skips})

    with load_material(config, learnable(config), tmp_path) as material:
        found = folds._same_weights(Run(config, material, tmp_path), module, [0, 1, 2])

    assert [name for name, _ in found] == titles
    assert found[0][1].cost.tolist() == [1.0] * 3
    assert all(o.actions["look-32"] + o.actions["look-16"] in (0.25, 0.5, 1.0) for _, o in found)
