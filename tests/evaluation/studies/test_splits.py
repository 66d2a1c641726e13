"""A data set's official splits, from its lists to the mean over them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adaframe.cli.main import main as adaframe_main
from adaframe.errors import DataError
from adaframe.evaluation.studies.splits import cells, check, main, notes, read_split

ACTIONS = ("ApplyEyeMakeup", "Archery", "YoYo")


def report(folder: Path, methods: dict[str, tuple[float, float]], **facts: Any) -> Path:
    """A folder with what the table needs of a report: accuracy and cost by method."""
    folder.mkdir()
    rows = [
        {"name": name, "accuracy": {"value": a}, "map": None, "of_uniform": {"value": cost}}
        for name, (a, cost) in methods.items()
    ]
    made = {"source": [f"{folder.name}.csv"], "split": "test"}
    plain = {"methods": rows, "judged_by": "accuracy", "classes": 51, "views": 1.0, "made": made}
    top5 = {name: {"top5": a + 0.1} for name, (a, _) in methods.items()}
    (folder / "report.json").write_text(json.dumps({**plain, "protocols": top5, **facts}))
    return folder


def test_the_mean_over_splits_stands_beside_each_ones_figure(tmp_path: Path) -> None:
    folders = [
        report(tmp_path / f"split-{n}", {"adaptive at 0.5": (a, cost), "uniform": (0.9, 1.0)})
        for n, a, cost in ((1, 0.6, 0.3), (2, 0.7, 0.4), (3, 0.86, 0.5))
    ]

    assert cells([read_split(folder) for folder in folders]) == [
        ["method", "accuracy %: mean", "split-1", "split-2", "split-3", "top-5 %: mean", "of uniform"],
        ["adaptive at 0.5", "72.0", "60.0", "70.0", "86.0", "82.0", "40.0 %"],
        ["uniform", "90.0", "90.0", "90.0", "90.0", "100.0", "100.0 %"],
    ]


def test_plans_that_not_every_split_has_are_left_out_and_named(tmp_path: Path) -> None:
    one = report(tmp_path / "1", {"adaptive at 0.5": (0.6, 0.3), "static look-96 on 5 of 16": (0.5, 0.3)})
    two = report(tmp_path / "2", {"adaptive at 0.5": (0.7, 0.3), "static look-96 on 6 of 16": (0.5, 0.3)}, views=6.0)
    splits = [read_split(one), read_split(two)]

    assert [line[0] for line in cells(splits)] == ["method", "adaptive at 0.5"]
    said = "\n".join(notes(splits))
    assert "Left out, as not every split has them: static look-96 on 5 of 16, static look-96 on 6 of 16." in said
    assert "Views of a video, on average: 1, 6." in said


def test_reports_that_are_no_splits_of_one_data_set_are_refused(tmp_path: Path) -> None:
    first = read_split(report(tmp_path / "a", {"adaptive": (0.6, 0.3)}))
    other = read_split(report(tmp_path / "b", {"adaptive": (0.6, 0.3)}, classes=101))

    with pytest.raises(DataError, match="is about the same clips as"):
        check([first, first])
    with pytest.raises(DataError, match=r"classes 101, but .* 51"):
        check([first, other])


def test_a_folder_without_a_report_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1

    assert f"{tmp_path}: holds no report" in capsys.readouterr().err


def test_three_splits_of_ucf101_in_miniature(
    render_clip: Callable[..., Path],
    make_checkpoint: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Given three actions of three films each, of which each split tests another one, as published.
    lists = tmp_path / "ucf" / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    (lists / "classInd.txt").write_text("".join(f"{n} {name}\n" for n, name in enumerate(ACTIONS, start=1)))
    for n, name in enumerate(ACTIONS, start=1):
        for film in (1, 2, 3):
            clip = f"{name}/v_{name}_g0{film}_c01.avi"
            render_clip(tmp_path / "ucf" / "UCF-101" / clip, 0.4, seed=10 * n + film)
            for split in (1, 2, 3):
                kind, number = ("test", "") if split == film else ("train", f" {n}")
                with (lists / f"{kind}list0{split}.txt").open("a") as lines:
                    lines.write(f"{clip}{number}\n")

    # When each split is prepared and evaluated, with a model of its own,
    reports = []
    for split in (1, 2, 3):
        manifest, folder = tmp_path / f"ucf101_{split}.csv", tmp_path / f"split-{split}"
        source = ["--source", str(tmp_path / "ucf"), "--split-number", str(split)]
        assert adaframe_main(["prepare", "ucf101", *source, "--out", str(manifest)]) == 0
        model = make_checkpoint(f"split-{split}", classes=ACTIONS, seed=split)
        words = ["--checkpoint", str(model), "--data.manifest", str(manifest), "--report", str(folder)]
        assert adaframe_main(["evaluate", *words, "--device", "cpu", "--workers", "1"]) == 0
        reports.append(folder)
    capsys.readouterr()

    # Then the table has the plain mean of the three accuracies.
    assert main([str(folder) for folder in reports]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("adaptive at 1"))
    each = [json.loads((r / "report.json").read_text())["methods"][0]["accuracy"]["value"] for r in reports]
    assert line.split()[3:7] == [f"{100 * value:.1f}" for value in (sum(each) / 3, *each)]
