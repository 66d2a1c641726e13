"""Methods and models have names of their own in a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from adaframe.cli.main import main
from adaframe.evaluation.names import file_names

MakeCheckpoint = Callable[..., Path]


def test_files_get_the_shortest_names_that_tell_them_apart() -> None:
    assert file_names(["runs/a/model.safetensors", "b.safetensors"]) == ["a", "b"]
    assert file_names(["x/a/model.safetensors", "y/a/model.safetensors"]) == ["x/a", "y/a"]
    assert file_names(["a.safetensors", "a.safetensors"]) == ["a #1", "a #2"]


def test_several_models_are_in_one_table_under_names_of_their_own(
    data: Path, tiny_checkpoint: Path, make_checkpoint: MakeCheckpoint, uniform: Path, tmp_path: Path
) -> None:
    others = [make_checkpoint(f"other-{seed}", seed=seed) for seed in (2, 3)]
    same_plan = make_checkpoint("uniform-too", plan="uniform", seed=4)
    words = ["evaluate", "--checkpoint", str(tiny_checkpoint), "--data.root", str(data), "--budget", "0.6,0.3"]
    words += ["--against", f"{others[0]},{others[1]}", str(uniform), str(same_plan), "--report", str(tmp_path)]

    assert main([*words, "--device", "cpu", "--workers", "1"]) == 0

    facts = json.loads((tmp_path / "report.json").read_text())
    assert [(m["name"], m["model"]) for m in facts["methods"] if m["name"].startswith("adaptive")] == [
        ("adaptive at 0.6", ""),
        ("adaptive at 0.3", ""),
        ("adaptive at 0.6 (other-2)", "other-2"),
        ("adaptive at 0.3 (other-2)", "other-2"),
        ("adaptive at 0.6 (other-3)", "other-3"),
        ("adaptive at 0.3 (other-3)", "other-3"),
    ]
    plans = {m["name"] for m in facts["methods"] if m["name"].startswith("uniform")}
    assert plans == {"uniform, trained alone", "uniform, trained alone (uniform-too)"}
    assert all(m["difference"]["accuracy"] for m in facts["methods"] if m["name"] != facts["reference"])
    paths = [str(path) for path in (tiny_checkpoint, *others, uniform, same_plan)]
    assert [model["path"] for model in facts["made"]["models"]] == paths
    assert "as the mean of 2 operating points" in facts["sentence"]  # the first model's
    assert facts["sentence"].count("other-") == 0
