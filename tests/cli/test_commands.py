"""The commands only parse, call and print: what they pass on."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from adaframe import bundled
from adaframe.cli.main import main
from adaframe.evaluation.many_views import ManyViews


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What the functions behind the commands were called with, by their name."""
    seen: dict[str, Any] = {}

    def stand_in(module: str, name: str, answer: Any = None) -> None:
        def function(*args: Any, **named: Any) -> Any:
            seen[name] = (*args, named) if args else named
            return answer

        fake = types.ModuleType(module)
        setattr(fake, name, function)
        monkeypatch.setitem(sys.modules, module, fake)

    stand_in("adaframe.training.fit", "fit")
    stand_in("adaframe.evaluation.evaluate", "evaluate")
    stand_in("adaframe.evaluation.speed.bench", "bench")
    stand_in("adaframe.inference.describe", "describe", "a description")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "example.safetensors").write_bytes(b"")
    monkeypatch.setattr(bundled, "_PACKAGE", tmp_path / "adaframe")
    return seen


def test_train_passes_the_configuration_on(calls: dict[str, Any]) -> None:
    assert main(["train", "--data.root", "DIR", "--seed", "3", "--out", "results", "--resume"]) == 0

    config, named = calls["fit"]
    assert (config.data.root, config.seed) == ("DIR", 3)
    assert (named["out"], named["resume"]) == (Path("results"), True)
    # Without a configuration, what no flag gives is picked.
    assert {"data.root", "seed"} <= named["given"]
    assert "budget" not in named["given"]


def test_train_picks_nothing_beside_a_configuration(calls: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("budget: 0.4\n")

    assert main(["train", "--config", str(tmp_path / "mine.yaml"), "--data.root", "DIR"]) == 0

    assert calls["fit"][1]["given"] is None


def test_train_resumes_by_the_configuration_of_the_run(calls: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("budget: 0.4\ndata: {root: DIR}\n")

    assert main(["train", "--resume", "--out", str(tmp_path)]) == 0

    config, named = calls["fit"]
    assert (config.budget, config.data.root, named["given"]) == (0.4, "DIR", None)


def test_evaluate_passes_its_flags_on(calls: dict[str, Any]) -> None:
    words = (
        "evaluate --checkpoint m.safetensors --data.root DIR --data.manifest FILE --split val --budget 0.25,1 "
        "--baselines --against a.safetensors b.safetensors --json out.json --report REPORT --device cpu --workers 2 "
        "--decode fast --clips 10 --crops 3"
    )

    assert main(words.split()) == 0

    assert calls["evaluate"] == {
        "checkpoint": "m.safetensors",
        "root": "DIR",
        "manifest": "FILE",
        "split": "val",
        "budgets": [0.25, 1.0],
        "baselines": True,
        "against": ["a.safetensors", "b.safetensors"],
        "json_path": "out.json",
        "report": "REPORT",
        "device": "cpu",
        "workers": 2,
        "decode": "fast",
        "many": ManyViews(10, 3),
        "energy": None,
    }


def test_evaluate_takes_the_test_clips_and_the_example_by_default(calls: dict[str, Any], tmp_path: Path) -> None:
    assert main(["evaluate", "--data.root", "DIR"]) == 0

    seen = calls["evaluate"]
    assert (seen["split"], seen["budgets"], seen["baselines"]) == ("test", None, False)
    assert seen["checkpoint"] == str(tmp_path / "checkpoints" / "example.safetensors")


def test_info_prints_the_description(calls: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "m.safetensors"]) == 0

    assert calls["describe"][0] == "m.safetensors"
    assert capsys.readouterr().out == "a description\n"


def test_bench_takes_a_checkpoint_or_a_configuration(calls: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "demo.yaml").write_text("budget: 0.25")

    assert main(["bench", "--videos", "2", "--threads", "1", "--json", "out.json"]) == 0
    by_checkpoint = calls["bench"]
    assert main(["bench", "--config", "demo"]) == 0
    by_config = calls["bench"]

    assert (by_checkpoint["videos"], by_checkpoint["threads"], by_checkpoint["json_path"]) == (2, 1, "out.json")
    assert by_checkpoint["checkpoint"] == str(tmp_path / "checkpoints" / "example.safetensors")
    assert by_checkpoint["config"] is None
    assert by_config["checkpoint"] is None
    assert by_config["config"].budget == 0.25


def test_bench_takes_several_budgets_batches_sizes_and_ways_to_decode(calls: dict[str, Any]) -> None:
    words = "bench --batch 4 --budget 0.5 --size 64x48,32x32 --decode exact,fast --figure f.png"

    assert main(words.split()) == 0
    few = calls["bench"]
    assert main(["bench", "--decode", "none"]) == 0
    many = calls["bench"]
    assert main(["bench", "--video", "a.mp4", "b.mp4"]) == 0

    assert (few["batches"], few["budgets"], few["sizes"]) == ([4], [0.5], [(64, 48), (32, 32)])
    assert (few["decodes"], few["figure_path"], few["files"]) == (["exact", "fast"], "f.png", [])
    assert (many["batches"], many["budgets"], many["decodes"]) == ([1, 8], [0.25, 0.5, 0.75], [])
    assert calls["bench"]["files"] == ["a.mp4", "b.mp4"]


@pytest.mark.parametrize(
    "words", ["--size 63x48", "--size 8x8", "--size big", "--decode quick", "--batch 0", "--budget 2"]
)
def test_bench_refuses_what_it_cannot_do(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *words.split()]) == 2

    assert words.split()[0] in capsys.readouterr().err


def test_prepare_writes_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("run/a.mp4", "jump/b.mp4"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")

    assert main(["prepare", "folder", "--source", str(tmp_path), "--out", str(tmp_path / "m.csv")]) == 0

    assert "2 clips (1 jump, 1 run)" in capsys.readouterr().out
    assert (tmp_path / "m.csv").read_text() == "path,label\njump/b.mp4,jump\nrun/a.mp4,run\n"


def test_prepare_hands_its_options_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr("adaframe.cli.prepare.prepare", lambda name, **options: calls.append(options) or [name])

    assert main(["prepare", "ucf101", "--source", "a", "--out", "b.csv"]) == 0
    flags = ["--annotations", "c", "--split-number", "2", "--segments", "--verify", "--workers", "3"]
    assert main(["prepare", "ucf101", "--source", "a", "--out", "b.csv", *flags]) == 0

    given = {"source": Path("a"), "out": Path("b.csv"), "verify": False, "workers": 0}
    assert calls[0] == given
    more = {"annotations": Path("c"), "split_number": 2, "segments": True, "verify": True, "workers": 3}
    assert calls[1] == given | more


def test_prepare_refuses_an_option_that_the_data_set_has_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["prepare", "folder", "--source", str(tmp_path), "--out", "m.csv", "--split-number", "2"]

    assert main(argv) == 2

    assert capsys.readouterr().err == (
        "adaframe: error: --split-number is not for folder, which has one official split; it is for: hmdb51, ucf101\n"
    )


def test_prepare_says_what_it_cannot_find(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", "folder", "--source", str(tmp_path / "none"), "--out", str(tmp_path / "m.csv")]) == 1

    assert capsys.readouterr().err == f"adaframe: error: {tmp_path}/none: there is no such folder\n"
