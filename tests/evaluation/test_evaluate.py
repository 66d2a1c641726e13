"""The table says what classify says, and what cannot be is said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adaframe.cli.main import main
from adaframe.errors import AdaframeError, DataError, UsageError
from adaframe.evaluation.evaluate import evaluate
from adaframe.model.metadata import CalibrationPoint

MakeCheckpoint = Callable[..., Path]
RowOf = Callable[[str], dict[str, Any]]
Classified = Callable[..., tuple[float, float, float]]
NumbersOf = Callable[..., dict[str, Any]]
CLASSES = ("run", "sit", "wave")
BUDGETS = (0.2, 0.6)


def test_the_model_at_each_budget_is_what_classify_says(
    data: Path, tiny_checkpoint: Path, row_of: RowOf, classified: Classified
) -> None:
    for budget in BUDGETS:
        row = row_of(f"adaptive at {budget}")

        right, gmacs, gmacs_uniform = classified(tiny_checkpoint, data, budget)
        assert row["accuracy"]["value"] == pytest.approx(right)
        assert row["gmacs"] == pytest.approx(gmacs)
        assert row["gmacs_uniform"] == pytest.approx(gmacs_uniform)
        assert row["of_uniform"]["value"] == pytest.approx(gmacs / gmacs_uniform)
        assert row["model_ms"] > 0
        assert sum(row["actions"].values()) == pytest.approx(1)
    assert row_of("adaptive at 0.2")["gmacs"] < row_of("adaptive at 0.6")["gmacs"]


def test_another_checkpoint_is_trained_alone(data: Path, uniform: Path, row_of: RowOf, classified: Classified) -> None:
    row = row_of("uniform, trained alone")

    right, gmacs, gmacs_uniform = classified(uniform, data)
    assert row["accuracy"]["value"] == pytest.approx(right)
    assert row["gmacs"] == pytest.approx(gmacs) == pytest.approx(gmacs_uniform)
    assert row["note"] == str(uniform)


@pytest.mark.parametrize("plan", ["random:look-16/2", "change:look-16/2"])
def test_a_rule_trained_alone_looks_where_classify_looks(
    data: Path, make_checkpoint: MakeCheckpoint, classified: Classified, numbers_of: NumbersOf, plan: str
) -> None:
    checkpoint = make_checkpoint(plan[:6], plan=plan, seed=5)

    (row,) = numbers_of(checkpoint, root=str(data))["methods"]

    right, gmacs, gmacs_uniform = classified(checkpoint, data)
    assert row["name"] == plan
    assert row["accuracy"]["value"] == pytest.approx(right)
    assert row["gmacs"] == pytest.approx(gmacs)
    assert row["of_uniform"]["value"] == pytest.approx(gmacs / gmacs_uniform)
    assert 0.5 <= gmacs / gmacs_uniform < 0.51  # half of the looks, and the head


def test_a_budget_that_another_model_cannot_keep_to_names_it(
    data: Path, tiny_checkpoint: Path, make_checkpoint: MakeCheckpoint
) -> None:
    dear = make_checkpoint("dear", calibration=(CalibrationPoint(0.0, 0.9, 0.9, 0.5),))

    with pytest.raises(AdaframeError, match=r"dear\.safetensors: budget 0\.5 is below what this model can do"):
        evaluate(checkpoint=str(tiny_checkpoint), root=str(data), budgets=[0.5], against=[str(dear)], device="cpu")


def test_the_command_prints_the_table_to_stdout(
    data: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "--checkpoint", str(tiny_checkpoint), "--data.root", str(data), "--budget", "0.5,1"]

    assert main([*words, "--device", "cpu", "--workers", "1"]) == 0

    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].split()[:2] == ["method", "accuracy"]
    assert [line.split("  ")[0] for line in lines[2:4]] == ["adaptive at 0.5", "adaptive at 1"]
    assert not [
        line for line in captured.err.splitlines() if "done in" not in line
    ]  # progress is told where it is slow


def test_without_a_budget_it_is_what_classify_takes(
    data: Path, make_checkpoint: MakeCheckpoint, classified: Classified, numbers_of: NumbersOf
) -> None:
    # Trained for less than it can do: classify then takes its cheapest.
    points = (CalibrationPoint(0.0, 0.5, 0.5, 0.5), CalibrationPoint(64.0, 0.2, 0.2, 0.5))
    checkpoint = make_checkpoint("low", calibration=points, budget=0.1)

    numbers = numbers_of(checkpoint, root=str(data))

    row = numbers["methods"][0]
    right, gmacs, _ = classified(checkpoint, data)
    assert row["name"] == "adaptive at 0.1"
    assert (row["accuracy"]["value"], row["gmacs"]) == (pytest.approx(right), pytest.approx(gmacs))


def test_figures_of_public_data_sets_stand_below_the_table(
    data: Path, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "--checkpoint", str(tiny_checkpoint), "--data.root", str(data), "--workers", "1"]

    assert main([*words, "--json", str(tmp_path / "a.json")]) == 0

    numbers = json.loads((tmp_path / "a.json").read_text())
    figures = numbers["protocols"]["adaptive at 1"]
    assert figures["top1"] == numbers["methods"][0]["accuracy"]["value"]
    rates = [one["right"] / one["videos"] for one in numbers["per_class"]]
    assert figures["class_mean"] == pytest.approx(np.mean(rates))
    assert re.search(r"method +top-1 % +class mean %\n", capsys.readouterr().out)


def test_several_labels_are_judged_by_map(
    data: Path,
    make_checkpoint: MakeCheckpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    numbers_of: NumbersOf,
) -> None:
    checkpoint = make_checkpoint("multi", multi_label=True)
    clips = sorted((data / "test").rglob("*.mp4"))
    rows = [f"{clip},{'run|sit' if n % 2 else CLASSES[n % 3]},test" for n, clip in enumerate(clips)]
    (tmp_path / "clips.csv").write_text("\n".join(["path,label,split", *rows]))

    numbers = numbers_of(checkpoint, manifest=str(tmp_path / "clips.csv"))

    assert numbers["judged_by"] == "map"
    assert 0 <= numbers["methods"][0]["map"]["value"] <= 1
    assert "mAP" in capsys.readouterr().out


def test_without_splits_all_clips_are_evaluated_and_that_is_said(
    data: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str], numbers_of: NumbersOf
) -> None:
    numbers = numbers_of(tiny_checkpoint, root=str(data / "test"))

    assert (
        "the data set has no splits: evaluating all 10 clips, which the model may have learnt from"
        in capsys.readouterr().err.splitlines()
    )
    assert numbers["videos"] == 10


def test_a_split_that_is_not_there_is_an_error(data: Path, tiny_checkpoint: Path) -> None:
    with pytest.raises(DataError, match="no clip is of split val; try: another --split"):
        evaluate(checkpoint=str(tiny_checkpoint), root=str(data), split="val", device="cpu")


def test_a_class_that_the_model_does_not_know_is_an_error(data: Path, make_checkpoint: MakeCheckpoint) -> None:
    other = make_checkpoint("other", classes=("run", "jump", "wave"))

    with pytest.raises(DataError, match="does not know the class sit; it knows run, jump, wave"):
        evaluate(checkpoint=str(other), root=str(data), device="cpu")


def test_other_classes_cannot_be_compared(data: Path, tiny_checkpoint: Path, make_checkpoint: MakeCheckpoint) -> None:
    other = make_checkpoint("other", classes=("run", "jump", "wave"))

    with pytest.raises(UsageError, match="--against: a checkpoint with other classes"):
        evaluate(checkpoint=str(tiny_checkpoint), root=str(data), against=[str(other)], device="cpu")


def test_a_budget_below_the_floor_is_an_error(data: Path, tiny_checkpoint: Path) -> None:
    with pytest.raises(AdaframeError, match=r"budget 0\.01 is below what this model can do"):
        evaluate(checkpoint=str(tiny_checkpoint), root=str(data), budgets=[0.01], device="cpu", workers=1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_what_the_cpu_gives(data: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    rows = []
    for device in ("cpu", "cuda"):
        out = tmp_path / f"{device}.json"
        evaluate(
            checkpoint=str(tiny_checkpoint),
            root=str(data),
            baselines=True,
            json_path=str(out),
            device=device,
            workers=1,
        )
        rows.append([(m["name"], m["accuracy"], m["of_uniform"]) for m in json.loads(out.read_text())["methods"]])

    assert rows[0] == rows[1]
