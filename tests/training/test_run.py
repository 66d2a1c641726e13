"""One training in one folder: where it starts from, and the checkpoint that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import adaframe
from adaframe.config import Config
from adaframe.errors import CheckpointError, DataError
from adaframe.evaluation.metrics import unsure_threshold
from adaframe.model.checkpoint import load_network
from adaframe.model.metadata import read_metadata
from adaframe.training.calibration import BETAS, Outcome
from adaframe.training.feeding.material import learnable, load_material
from adaframe.training.fit import fit
from adaframe.training.run import Run
from adaframe.training.start import build_network, choose_clips
from adaframe.training.unsure import confidences, unsure_limits

MakeConfig = Callable[..., Config]


def updates(out: Path) -> int:
    return int(torch.load(out / "last.ckpt", weights_only=True)["global_step"])


def test_resuming_with_another_model_says_so(trained: Path, make_config: MakeConfig, tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").write_bytes((trained / "last.ckpt").read_bytes())

    with pytest.raises(CheckpointError, match=r"last\.ckpt: does not fit this run"):
        fit(make_config(**{"model.head.width": 12}), out=tmp_path, resume=True)


@pytest.mark.parametrize("half", [False, True])
def test_weights_may_be_stored_in_half_the_size(
    trained: Path, make_config: MakeConfig, tmp_path: Path, half: bool
) -> None:
    for name in ("last.ckpt", "metrics.csv"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())

    fit(make_config(**{"train.save_half": half}), out=tmp_path, resume=True)

    kinds = {v.dtype for v in load_file(tmp_path / "model.safetensors").values() if v.is_floating_point()}
    assert kinds == ({torch.float16} if half else {torch.float32})


@pytest.mark.parametrize(
    ("policy", "looks", "glances"),
    [
        ("uniform", 1, False),
        ("static:look-16/2", 1, False),
        ("random:look-16/2", 1, False),
        ("change:look-16/2", 1, False),
        ("glance", 0, True),
    ],
)
def test_a_baseline_makes_the_same_updates_and_saves_only_what_it_uses(
    make_config: MakeConfig, trained: Path, tmp_path: Path, colours: Path, policy: str, looks: int, glances: bool
) -> None:
    fit(make_config(policy=policy), out=tmp_path)

    assert updates(tmp_path) == updates(trained) > 3
    network, metadata = load_network(tmp_path / "model.safetensors")
    assert network.policy is None
    assert (network.glance is not None) == glances
    assert len(network.looks) == looks
    assert metadata.plan == policy
    assert metadata.calibration == ()
    assert metadata.costs.policy == 0
    prediction = adaframe.load(tmp_path / "model.safetensors", device="cpu").classify(colours / "red" / "01.mp4")
    expected = {"uniform": ["look-32"] * 4, "static:look-16/2": ["skip", "look-16"] * 2, "glance": ["glance"] * 4}
    taken = [f["action"] for f in prediction.frames]
    # A rule takes as many looks as the static plan, at frames of its own.
    assert taken == expected[policy] if policy in expected else sorted(taken) == ["look-16"] * 2 + ["skip"] * 2
    assert bool(prediction.decisions.glanced.any()) == glances


def test_a_run_may_start_from_a_model_with_other_classes(
    make_config: MakeConfig,
    make_folder: Callable[..., Path],
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = make_folder(tmp_path / "three", clips=12, classes=("blue", "red", "green"))
    start = load_file(trained / "model.safetensors")
    config = make_config(**{"data.root": str(root), "init": str(trained / "model.safetensors")})

    network = build_network(config, 3)
    fit(config, out=tmp_path / "out")

    assert all(torch.equal(network.state_dict()[k], v) for k, v in start.items() if not k.startswith("head.classify"))
    assert network.head.classify.out_features == 3
    assert (
        f"started from {trained / 'model.safetensors'}: {len(start) - 2} of {len(start)} tensors"
        in capsys.readouterr().err
    )
    assert read_metadata(tmp_path / "out" / "model.safetensors").classes == ("blue", "green", "red")


def test_a_start_that_is_no_checkpoint_is_refused(make_config: MakeConfig, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"last\.ckpt"):
        fit(make_config(init=str(trained / "last.ckpt")), out=tmp_path)


def test_training_clips_of_one_class_are_refused(
    make_config: MakeConfig, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    for i, (split, colour) in enumerate([("train", "blue"), ("train", "blue"), ("val", "red"), ("val", "blue")]):
        make_clip(tmp_path / "data" / split / colour / f"{i}.mp4", colour, i)

    with pytest.raises(DataError, match="training clips are all of one class"):
        fit(make_config(**{"data.root": str(tmp_path / "data")}), out=tmp_path / "out")


def outcome(cost: float, scores: list[list[float]], labels: list[int]) -> Outcome:
    n = len(scores)
    ones = np.ones(n)
    return Outcome(np.arange(n), np.array(scores), np.eye(2)[labels], ones * cost, ones * cost, ones, ones, {})


def test_the_unsure_threshold_leaves_at_most_a_tenth_of_the_right_answers_unsure(
    make_config: MakeConfig, trained: Path
) -> None:
    rng = np.random.default_rng(0)
    confident = 0.5 + 0.5 * rng.random(60)
    scores = np.stack([confident, 1 - confident], axis=1)
    labels = (rng.random(60) < 0.3).astype(int)
    sure = [[1.0, 0.0]] * 60
    points = [
        (0.0, outcome(0.9, sure, [0] * 60)),
        (1.0, outcome(0.5, scores.tolist(), labels.tolist())),
        (2.0, outcome(0.2, sure, [0] * 60)),
    ]

    confidence, right = confidences(points, budget=0.6)
    threshold = unsure_threshold(confidence, right)

    assert confidence.tolist() == confident.tolist()  # of the bias that keeps to the budget
    assert right.tolist() == (labels == 0).tolist()
    share = (confidence[right] < threshold).mean()
    assert 0.05 < share <= 0.1


def test_the_stored_threshold_is_that_of_the_validation_clips(
    trained: Path, make_config: MakeConfig, make_recogniser: Callable[..., Any], tmp_path: Path
) -> None:
    config = make_config()
    network, metadata = load_network(trained / "model.safetensors")
    module = make_recogniser(network)
    with load_material(config, learnable(config), tmp_path) as material:
        _, held_out = choose_clips(config, material)
        outcomes = Run(config, material, tmp_path).outcomes(module, held_out)

    confidence, right = confidences(outcomes, config.budget)

    # Of so few clips a tenth is none at all: the least confident right answer is just sure enough.
    assert len(confidence) == len(held_out)
    assert [beta for beta, _ in outcomes] == list(BETAS)
    assert metadata.unsure_below == pytest.approx(confidence[right].min(), abs=1e-6)


def test_where_no_bias_keeps_to_the_budget_the_cheapest_answers_count() -> None:
    points = [(0.0, outcome(0.9, [[0.9, 0.1]], [0])), (1.0, outcome(0.8, [[0.4, 0.6]], [0]))]

    confidence, right = confidences(points, budget=0.5)

    assert confidence.tolist() == [0.6]
    assert right.tolist() == [False]


def test_a_validation_split_is_what_is_held_out(
    make_config: MakeConfig, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    for i in range(8):
        colour, split = ("blue", "red")[i % 2], ("train", "val")[i // 4]
        make_clip(tmp_path / "data" / split / colour / f"{i}.mp4", colour, i)
    config = make_config(**{"data.root": str(tmp_path / "data")})

    with load_material(config, learnable(config), tmp_path) as material:
        learnt, held_out = choose_clips(config, material)

    assert {Path(material.data_set.clips[n].path).stem for n in learnt} == set("0123")
    assert {Path(material.data_set.clips[n].path).stem for n in held_out} == set("4567")


def test_without_a_validation_split_a_share_of_each_class_is_held_out(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config()

    with load_material(config, learnable(config), tmp_path) as material:
        learnt, held_out = choose_clips(config, material)
        other, _ = choose_clips(make_config(seed=3), material)

    assert sorted([*learnt, *held_out]) == list(range(14))
    assert material.targets[held_out].sum(axis=0).tolist() == [2, 2]
    assert sorted(learnt) != sorted(other)


def test_at_most_a_tenth_of_the_right_answers_come_out_unsure() -> None:
    generator = np.random.default_rng(0)
    confidence, strange = generator.uniform(0.5, 1.0, 200), generator.uniform(0.5, 2.0, 200)
    right = generator.random(200) < 0.8

    below, above = unsure_limits(confidence, right, strange)
    unsure = (confidence < below) | (strange > above)

    assert 0.08 <= unsure[right].mean() <= 0.10
    assert 0 < (strange > above)[right].mean() <= 0.05


def test_without_a_measure_of_strangeness_confidence_decides_alone() -> None:
    confidence, right = np.linspace(0.5, 1.0, 50), np.ones(50, dtype=bool)

    below, above = unsure_limits(confidence, right, None)

    assert (confidence < below).mean() == pytest.approx(0.10)
    assert above == 0.0


def test_where_nothing_was_right_nothing_is_said_of_it() -> None:
    assert unsure_limits(np.ones(3), np.zeros(3, dtype=bool), np.ones(3)) == (0.0, 0.0)
