"""report.md of a training."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from adaframe.config import Config, Data, Model
from adaframe.data.clips import Clip, DataSet
from adaframe.errors import UnreadableVideo
from adaframe.evaluation.report import epochs
from adaframe.model.cost import Costs
from adaframe.model.metadata import CalibrationPoint, Metadata
from adaframe.training.calibration import Outcome
from adaframe.training.report.markdown import as_results, at_budget, calibration_table, groups_of, report_validation

METRICS = """epoch,stage,train/accuracy,train/cost,train/loss,val/accuracy,val/cost,val/loss,val/share/look-224
0,warmup,0.5,1,0.7,0.5,1,0.7,1
1,joint,0.75,0.5,0.5,0.5,0.5,0.6,1
"""


def answered(cost: float, *, right: int = 3, of: int = 4) -> Outcome:
    ones = np.ones(of)
    scores = np.array([[0.9, 0.1]] * right + [[0.1, 0.9]] * (of - right))
    return Outcome(
        np.arange(of), scores, np.eye(2)[[0] * of], ones * cost, ones * cost, ones * cost, ones, {"look": 1.0}
    )


def run(tmp_path: Path, *, budget: float = 0.7) -> Any:
    clips = tuple(Clip(f"{n}.mp4", ("a",), group="film" if n < 2 else "") for n in range(4))
    material = SimpleNamespace(data_set=DataSet(clips, ("a", "b"), multi_label=False), bad={}, readable=[0, 1, 2, 3])
    (tmp_path / "metrics.csv").write_text(METRICS)
    return SimpleNamespace(config=Config(budget=budget), material=material, out=tmp_path)


def metadata(plan: str = "adaptive") -> Metadata:
    points = (CalibrationPoint(0.0, 0.9, 0.8, 0.75), CalibrationPoint(2.0, 0.3, 0.2, 0.5))
    costs = Costs(1, 1, (10,), (1,), 1)
    return Metadata(Model(), plan, ("a", "b"), False, costs, points if plan == "adaptive" else ())


def test_the_point_of_a_budget_is_the_least_bias_that_keeps_to_it() -> None:
    points = [(0.0, answered(0.9)), (1.0, answered(0.5)), (2.0, answered(0.3))]

    found = at_budget(points, 0.5)

    assert found is not None
    assert found[0] == 1.0
    assert at_budget(points, 0.2) is None


def test_each_budget_that_is_kept_has_a_line_and_the_others_none(tmp_path: Path) -> None:
    points = [(0.0, answered(0.9)), (2.0, answered(0.3, right=2))]

    report_validation(run(tmp_path), points, metadata(), [0, 1, 2, 3], "held-out clips", strips=False)

    methods = json.loads((tmp_path / "report.json").read_text())["methods"]
    assert [(m["name"], m["accuracy"]["value"], m["note"]) for m in methods] == [
        ("adaptive at 1", 0.75, "beta 0"),
        ("adaptive at 0.7", 0.5, "beta 2"),
        ("adaptive at 0.5", 0.5, "beta 2"),
    ]
    text = (tmp_path / "report.md").read_text()
    assert "| 2 | 0.300 | 0.200 | 50.0% |" in text
    assert "learnt from" not in text


def test_the_report_begins_with_how_right_on_what_and_at_which_cost(tmp_path: Path) -> None:
    points = [(0.0, answered(0.9)), (2.0, answered(0.3, right=2))]

    report_validation(run(tmp_path), points, metadata(), [0, 1, 2, 3], "held-out clips", strips=False)

    verdict = (tmp_path / "report.md").read_text().splitlines()[2]
    assert verdict.startswith(
        "On 4 held-out clips in 3 groups, by which its epoch was chosen, it is right for **50.0 %** ("
    )
    assert "always the commonest class: 100.0 %" in verdict
    assert "At the budget of 0.7 it executes **0.300** of uniform's compute (0.300 of 1.00 GMACs a clip" in verdict


def test_the_report_says_how_to_use_the_model(tmp_path: Path) -> None:
    report_validation(run(tmp_path), [(0.0, answered(0.5))], metadata(), [0], "held-out clips", strips=False)

    text = (tmp_path / "report.md").read_text()
    assert f"adaframe classify 0.mp4 --checkpoint {tmp_path}/model.safetensors\n" in text
    # The data set has no test clips: its own would flatter the model.
    assert f"--checkpoint {tmp_path}/model.safetensors --data.root NEW-CLIPS --baselines" in text


def test_the_split_to_evaluate_on_is_the_one_that_training_did_not_touch(tmp_path: Path) -> None:
    lines = ["path,label,split"]
    for number, split in enumerate(("train", "val", "test")):
        for label in "ab":
            (tmp_path / f"{number}{label}.mp4").touch()
            lines.append(f"{number}{label}.mp4,{label},{split}")
    (tmp_path / "clips.csv").write_text("\n".join(lines))
    begun = run(tmp_path)
    begun.config = Config(data=Data(manifest=str(tmp_path / "clips.csv")))

    report_validation(begun, [(0.0, answered(0.5))], metadata(), [0], "held-out clips", strips=False)

    text = (tmp_path / "report.md").read_text()
    assert f"--data.manifest {tmp_path}/clips.csv --split test --baselines" in text
    assert "| class | held-out clips | test (not touched) |" in text
    assert "| b | 0 | 1 |" in text


def test_what_was_picked_automatically_is_listed_where_something_was(tmp_path: Path) -> None:
    points, picked = [(0.0, answered(0.5))], ["batch_size 8: 50 clips are few", "lr 0.001: as for frozen backbones"]

    report_validation(run(tmp_path), points, metadata(), [0], "held-out clips", strips=False, picked=picked)
    with_some = (tmp_path / "report.md").read_text()
    report_validation(run(tmp_path), points, metadata(), [0], "held-out clips", strips=False)

    assert "## Picked automatically\n\n- batch_size 8: 50 clips are few\n- lr 0.001: as for" in with_some
    assert "Picked" not in (tmp_path / "report.md").read_text()


def test_every_figure_that_the_report_shows_is_there_and_described(tmp_path: Path) -> None:
    points = [(0.0, answered(0.9)), (2.0, answered(0.3, right=2))]

    report_validation(run(tmp_path), points, metadata(), [0], "held-out clips", strips=False)

    shown = re.findall(r"!\[(.+)\]\((.+)\)", (tmp_path / "report.md").read_text())
    assert [path for _, path in shown] == [f"figures/{name}.png" for name in ("accuracy-cost", "confusion", "epochs")]
    for _, path in shown:
        assert (tmp_path / path).read_bytes().startswith(b"\x89PNG")


def test_a_figure_that_fails_is_a_note_and_the_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no font")

    monkeypatch.setattr(epochs, "epochs_figure", broken)
    points = [(0.0, answered(0.9)), (2.0, answered(0.3, right=2))]

    report_validation(run(tmp_path), points, metadata(), [0], "held-out clips", strips=False)

    text = (tmp_path / "report.md").read_text()
    assert "## How it learnt\n\n*This part could not be made: no font*" in text
    assert "![confusion matrix" in text
    assert "report: How it learnt: could not be made (no font)" in capsys.readouterr().err


def test_clips_that_cannot_be_read_are_named_with_the_data(tmp_path: Path) -> None:
    begun = run(tmp_path)
    begun.material.bad = {3: UnreadableVideo("3.mp4", "no frame could be decoded")}

    report_validation(
        begun,
        [(0.0, answered(0.5))],
        metadata(),
        [0],
        "held-out clips",
        parts={"learnt from": [1, 2], "held out": [0]},
        strips=False,
    )

    text = (tmp_path / "report.md").read_text()
    assert "| class | learnt from | held out |\n| --- | ---: | ---: |\n| a | 2 | 1 |\n| b | 0 | 0 |" in text
    assert "1 of 4 clips cannot be read" in text
    assert "- `3.mp4`: no frame could be decoded" in text


def test_where_no_bias_keeps_to_a_budget_the_cheapest_is_shown(tmp_path: Path) -> None:
    points = [(0.0, answered(1.2)), (8.0, answered(1.1))]

    report_validation(run(tmp_path), points, metadata(), [0], "held-out clips", strips=False)

    (method,) = json.loads((tmp_path / "report.json").read_text())["methods"]
    assert method["name"] == "cheapest"
    assert method["note"] == "no bias keeps to the budget"
    assert "**No setting keeps to the budget of 0.7**: the cheapest" in (tmp_path / "report.md").read_text()


def test_a_baseline_has_one_line_and_no_calibration(tmp_path: Path) -> None:
    report_validation(run(tmp_path), [(0.0, answered(1.0))], metadata("uniform"), [0], "held-out clips", strips=False)

    (method,) = json.loads((tmp_path / "report.json").read_text())["methods"]
    assert method["name"] == "uniform"
    text = (tmp_path / "report.md").read_text()
    assert "Its plan is fixed (uniform), and executes 1.00 GMACs a clip." in text
    assert "Calibration" not in text
    assert not (tmp_path / "figures" / "accuracy-cost.png").exists()


def test_without_held_out_clips_a_warning_stands_above_the_figures(tmp_path: Path) -> None:
    report_validation(run(tmp_path), [(0.0, answered(0.5))], metadata(), [], "training clips")

    assert "**These are the clips it learnt from**" in (tmp_path / "report.md").read_text()


def test_clips_of_a_group_are_one_cluster_and_the_others_each_their_own(tmp_path: Path) -> None:
    assert groups_of(run(tmp_path), answered(0.5)) == ["film", "film", "2.mp4", "3.mp4"]


def test_results_keep_scores_and_costs() -> None:
    found = as_results("x", answered(0.4), ["a", "b", "c", "d"], note="n")

    assert found.targets.dtype == bool
    assert found.gmacs.tolist() == [0.4] * 4
    assert found.gmacs_uniform == 1.0
    assert found.actions == {"look": 1.0}
    assert found.note == "n"


@pytest.mark.parametrize(("plan", "lines"), [("adaptive", 4), ("uniform", 1)])
def test_the_table_has_a_row_per_point(plan: str, lines: int) -> None:
    assert len(calibration_table(metadata(plan)).splitlines()) == lines
