"""Nested selection: what is reported about a fold was chosen and trained without it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from adaframe.config import Config, Glance, Look
from adaframe.config_io import to_yaml
from adaframe.errors import UsageError
from adaframe.evaluation.metrics import Results
from adaframe.training.run import Run
from adaframe.training.selection import without
from adaframe.training.selection.__main__ import main, select
from adaframe.training.selection.study import Variant

FOLDS = ("1", "2", "3")


class Noted:
    """Trainings that answer rightly by a table, and note what they are asked for."""

    budget = 0.5

    def __init__(self, right: dict[str, dict[str, float]]) -> None:
        self.right = right
        self.trained: list[tuple[str, tuple[str, ...]]] = []
        self.asked: list[tuple[str, tuple[str, ...], str]] = []

    def complete(self, variant: Variant, left_out: Sequence[tuple[str, ...]]) -> None:
        self.trained += [(variant.name, folds) for folds in left_out]

    def answers(self, variant: Variant, left_out: tuple[str, ...], fold: str) -> Results:
        self.asked.append((variant.name, left_out, fold))
        right = np.arange(20) < 20 * self.right[variant.name][fold]
        return Results(
            name=variant.name,
            scores=np.where(right[:, None], [[1.0, 0.0]], [[0.0, 1.0]]),
            targets=np.tile([True, False], (20, 1)),
            gmacs=np.full(20, 0.1),
            gmacs_uniform=1.0,
            model_ms=None,
            groups=tuple(f"{fold}-{n}" for n in range(20)),
            actions={},
        )


def test_a_folds_own_answers_have_no_part_in_what_is_chosen_for_it() -> None:
    # Good on one fold alone, and useless elsewhere: only the other two folds' choices may see that.
    variants = [Variant("plain", Config()), Variant("lucky", Config(seed=1))]
    trainings = Noted({"plain": dict.fromkeys(FOLDS, 0.5), "lucky": {"1": 1.0, "2": 0.4, "3": 0.4}})

    chosen, standings = select(variants, trainings, FOLDS)  # type: ignore[arg-type]

    assert chosen == {"1": "plain", "2": "lucky", "3": "lucky"}
    assert [s.value for s in standings["1"]] == [0.5, 0.4]
    assert [s.value for s in standings["2"]] == [0.5, 0.7]


def test_a_score_comes_from_models_that_learnt_from_neither_fold_and_one_training_serves_both() -> None:
    trainings = Noted({"plain": dict.fromkeys(FOLDS, 0.5)})

    select([Variant("plain", Config())], trainings, FOLDS)  # type: ignore[arg-type]

    assert trainings.trained == [("plain", ("1", "2")), ("plain", ("1", "3")), ("plain", ("2", "3"))]
    asked = [(left_out, fold) for _, left_out, fold in trainings.asked]
    assert sorted(asked) == sorted((pair, fold) for _, pair in trainings.trained for fold in pair)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory, make_clip: Callable[..., Path]) -> Path:
    """12 clips in three folds, each of a group of its own."""
    folder = tmp_path_factory.mktemp("folds")
    lines = ["path,label,fold"]
    for n in range(12):
        colour = ("blue", "red")[n % 2]
        make_clip(folder / f"{n:02d}.mp4", colour, n, frames=4)
        lines.append(f"{n:02d}.mp4,{colour},{FOLDS[n // 2 % 3]}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    return folder / "clips.csv"


@pytest.fixture
def study(make_config: Callable[..., Config], tmp_path: Path) -> Path:
    """Two variants whose backbone is frozen."""
    from torchvision.models import mobilenet_v2

    torch.manual_seed(3)
    weights = str(tmp_path / "mobilenet.pth")
    torch.save(mobilenet_v2(weights=None).state_dict(), weights)
    config = make_config(
        **{
            "model.glance": Glance(16, "mobilenet_v2", weights),
            "model.looks": (Look("look-32", 32, "mobilenet_v2", weights),),
            "train.trainable": "none",
            "data.flip": False,
        }
    )
    config = replace(config, data=replace(config.data, val_fraction=0.0))
    (tmp_path / "base.yaml").write_text(to_yaml(config))
    path = tmp_path / "study.yaml"
    path.write_text("base: base.yaml\nvariants:\n- name: plain\n- {name: faster, set: {train.lr: 0.1}}\n")
    return path


@pytest.mark.slow
def test_a_study_is_chosen_answered_once_and_not_trained_again(
    study: Path, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt: list[list[int]] = []
    train = Run.train
    monkeypatch.setattr(
        Run, "train", lambda run, net, clips, *a, **k: learnt.append(clips) or train(run, net, clips, *a, **k)
    )
    out = study.parent / "out"
    command = [str(study), "--data.manifest", str(manifest), "--out", str(out)]

    assert main(command) == 0
    inner = [set(clips) for clips in learnt]
    learnt.clear()
    assert main([*command, "--locked"]) == 0
    outer = [set(clips) for clips in learnt]
    learnt.clear()
    assert main([*command, "--locked"]) == 0

    fold_of = [FOLDS[n // 2 % 3] for n in range(12)]
    assert [{fold_of[n] for n in clips} for clips in inner] == [{"3"}, {"2"}, {"1"}] * 2
    assert [{fold_of[n] for n in clips} for clips in outer[:3]] == [{"2", "3"}, {"1", "3"}, {"1", "2"}]
    assert learnt == []
    facts = json.loads((out / "selection.json").read_text())
    assert [row["name"] for row in facts["variants"]] == ["plain", "faster"]
    assert [m["name"] for m in facts["locked"]["methods"]] == [
        "nested choice",
        "plain",
        "frozen features + linear layer",
    ]
    assert facts["locked"]["videos"] == 12
    assert set(facts["chosen"]) == set(FOLDS)
    text = (out / "selection.md").read_text()
    assert "| plain |" in text
    assert "Nested choice minus plain: " in text


def test_a_list_that_changes_after_the_locked_evaluation_is_refused(
    study: Path, manifest: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = study.parent / "out"
    out.mkdir()
    (out / "locked.json").write_text(json.dumps(["another"]))
    monkeypatch.setattr(without.Trainings, "complete", lambda *_: pytest.fail("trained"))

    assert main([str(study), "--data.manifest", str(manifest), "--out", str(out)]) == 2

    assert "made for other variants" in capsys.readouterr().err


def test_a_folder_with_trainings_from_other_clips_is_refused(
    study: Path, manifest: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(without.Trainings, "complete", lambda *_: (_ for _ in ()).throw(UsageError("no training")))
    out = study.parent / "out"
    (manifest.parent / "fewer.csv").write_text("\n".join(manifest.read_text().splitlines()[:-1]) + "\n")
    command = [str(study), "--out", str(out), "--data.manifest"]

    main([*command, str(manifest)])
    first = capsys.readouterr().err
    main([*command, str(manifest)])
    again = capsys.readouterr().err
    main([*command, str(manifest.parent / "fewer.csv")])

    assert "no training" in first
    assert again == first
    assert "made from other clips" in capsys.readouterr().err


def test_two_folds_are_too_few(study: Path, manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = manifest.read_text().replace(",3\n", ",1\n")
    (manifest.parent / "two.csv").write_text(rows)

    assert (
        main([str(study), "--data.manifest", str(manifest.parent / "two.csv"), "--out", str(study.parent / "o")]) == 2
    )

    assert "needs three folds or more" in capsys.readouterr().err


def test_more_is_biased_away_where_answers_would_cost_more_than_the_budget() -> None:
    # Costs 0.9, 0.6 and 0.45 GMACs under the first three biases; uniform costs 1.
    class Answered:
        def __init__(self, gmacs: float) -> None:
            self.gmacs = np.full(3, gmacs)

    class FakeRun:
        def answers(self, module: object, clips: list[int]) -> Callable[[float], Answered]:
            return lambda beta: Answered({0.0: 0.9, 0.1: 0.6, 0.2: 0.45}[beta])

    class FakeModule:
        class network:
            plan = None

    def found(budget: float) -> float:
        trainings = without.Trainings(Path(), None, 1.0, budget)  # type: ignore[arg-type]
        return trainings._within_budget(FakeRun(), FakeModule(), [0], [1])[0]  # type: ignore[arg-type]

    assert [found(1.0), found(0.7), found(0.5)] == [0.0, 0.1, 0.2]
