"""The table says what classify says, about every method that it names."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import adaframe
from adaframe.cli.main import main
from adaframe.config import Head, Policy, Preprocess, Sampling
from adaframe.errors import AdaframeError, DataError, UsageError
from adaframe.evaluation import evaluate as module
from adaframe.evaluation import looking, views
from adaframe.evaluation.evaluate import evaluate
from adaframe.evaluation.timing import Timed
from adaframe.model.metadata import CalibrationPoint
from adaframe.model.packing import Packed
from adaframe.video import read_clip

RenderClip = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]
CLASSES = ("run", "sit", "wave")
BUDGETS = (0.2, 0.6)


@pytest.fixture(scope="module")
def data(render_clip: RenderClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine test clips of a second, one of three seconds, and three clips to train on."""
    root = tmp_path_factory.mktemp("data")
    for seed in range(10):
        render_clip(root / "test" / CLASSES[seed % 3] / f"clip-{seed}.mp4", 3.0 if seed == 9 else 1.0, seed=seed)
    for seed in range(20, 23):
        render_clip(root / "train" / CLASSES[seed % 3] / f"clip-{seed}.mp4", 0.2, seed=seed)
    return root


@pytest.fixture(scope="module")
def uniform(make_checkpoint: MakeCheckpoint) -> Path:
    return make_checkpoint("trained-uniform", plan="uniform", seed=1)


@pytest.fixture(scope="module")
def run(
    data: Path, tiny_checkpoint: Path, uniform: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path]:
    """The JSON and the report's folder of one run with everything on."""
    out = tmp_path_factory.mktemp("out")
    evaluate(
        checkpoint=str(tiny_checkpoint),
        root=str(data),
        budgets=BUDGETS,
        baselines=True,
        against=[str(uniform)],
        json_path=str(out / "numbers.json"),
        report=str(out / "report"),
        device="cpu",
        workers=1,
    )
    return json.loads((out / "numbers.json").read_text()), out / "report"


def method(numbers: dict[str, Any], name: str) -> dict[str, Any]:
    found = [one for one in numbers["methods"] if one["name"] == name]
    assert len(found) == 1, [one["name"] for one in numbers["methods"]]
    return found[0]


def alone(checkpoint: Path, data: Path, budget: float | None = None) -> tuple[float, float, float]:
    """Accuracy, mean GMACs and mean GMACs of uniform, by classifying clip by clip."""
    model = adaframe.load(checkpoint, device="cpu", budget=budget)
    clips = sorted((data / "test").rglob("*.mp4"))
    answers = [model.classify(clip) for clip in clips]
    right = [answer.label == clip.parent.name for answer, clip in zip(answers, clips, strict=True)]
    return (
        float(np.mean(right)),
        float(np.mean([answer.gmacs for answer in answers])),
        float(np.mean([answer.gmacs_uniform for answer in answers])),
    )


def test_the_model_at_each_budget_is_what_classify_says(
    run: tuple[dict[str, Any], Path], data: Path, tiny_checkpoint: Path
) -> None:
    for budget in BUDGETS:
        row = method(run[0], f"adaptive at {budget}")

        right, gmacs, gmacs_uniform = alone(tiny_checkpoint, data, budget)
        assert row["accuracy"]["value"] == pytest.approx(right)
        assert row["gmacs"] == pytest.approx(gmacs)
        assert row["gmacs_uniform"] == pytest.approx(gmacs_uniform)
        assert row["of_uniform"]["value"] == pytest.approx(gmacs / gmacs_uniform)
        assert row["model_ms"] > 0
        assert sum(row["actions"].values()) == pytest.approx(1)
    assert method(run[0], "adaptive at 0.2")["gmacs"] < method(run[0], "adaptive at 0.6")["gmacs"]


def test_another_checkpoint_is_trained_alone(run: tuple[dict[str, Any], Path], data: Path, uniform: Path) -> None:
    row = method(run[0], "uniform, trained alone")

    right, gmacs, gmacs_uniform = alone(uniform, data)
    assert row["accuracy"]["value"] == pytest.approx(right)
    assert row["gmacs"] == pytest.approx(gmacs) == pytest.approx(gmacs_uniform)
    assert row["note"] == str(uniform)


def test_every_kind_of_baseline_is_there(run: tuple[dict[str, Any], Path]) -> None:
    names = [one["name"] for one in run[0]["methods"]]

    assert len(set(names)) == len(names)
    expected = {"adaptive at 0.2", "adaptive at 0.6", "uniform, same weights", "uniform, trained alone"}
    expected |= {f"{kind} at {budget}" for kind in ("random", "change rule") for budget in BUDGETS}
    expected |= {"glance", "glance on 2 of 4", "glance on 1 of 4", "static look-16"}
    expected |= {f"static {look} on {n} of 4" for look in ("look-32", "look-16") for n in (1, 2)}
    assert expected <= set(names)
    assert run[0]["videos"] == 10
    assert run[0]["reference"] in ("uniform, same weights", "uniform, trained alone")


def test_uniform_looks_at_everything_without_a_glance(run: tuple[dict[str, Any], Path]) -> None:
    row = method(run[0], "uniform, same weights")

    assert row["of_uniform"]["value"] == pytest.approx(1)
    assert {name for name, share in row["actions"].items() if share} == {"look-32"}


def test_baselines_of_equal_cost_are_not_starved(run: tuple[dict[str, Any], Path], tiny_checkpoint: Path) -> None:
    costs = adaframe.load(tiny_checkpoint).metadata.costs
    look = (costs.looks[0] + costs.project[0]) / 1e9
    static = [one for one in run[0]["methods"] if one["name"].startswith("static look-32 on")]
    for budget in BUDGETS:
        adaptive = method(run[0], f"adaptive at {budget}")["gmacs"]
        for kind in ("random", "change rule"):
            # All ten clips together: to within half a look.
            assert method(run[0], f"{kind} at {budget}")["gmacs"] == pytest.approx(adaptive, abs=look / 10 / 2 + 1e-15)
        windows = 12 / 10  # of a clip; each has a look more than would do, at most
        assert any(adaptive <= one["gmacs"] <= adaptive + windows * look for one in static)


def test_the_report_is_written_and_its_command_repeats_it(run: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    numbers, folder = run

    names = {path.name for path in folder.iterdir()}
    assert {"accuracy-cost.png", "report.html", "report.json", "report.md"} <= names
    with Image.open(folder / "accuracy-cost.png") as image:
        image.load()
    text = (folder / "report.md").read_text()
    assert all(one["name"] in text for one in numbers["methods"])
    command = next(line for line in text.splitlines() if line.startswith("adaframe evaluate "))
    assert main([*shlex.split(command)[1:], "--json", str(tmp_path / "again.json"), "--device", "cpu"]) == 0
    again = json.loads((tmp_path / "again.json").read_text())
    for one in [*numbers["methods"], *again["methods"]]:
        del one["model_ms"]
    assert again == numbers


def test_the_page_has_everything_in_it(run: tuple[dict[str, Any], Path], tiny_checkpoint: Path) -> None:
    folder = run[1]
    page = (folder / "report.html").read_text()
    made = json.loads((folder / "report.json").read_text())["made"]

    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == [
        "Methods",
        "Paired differences",
        "Accuracy and cost",
        "What was done with the frames",
        "As public data sets are scored",
        "Class by class",
        "Where they disagree",
        "Limits",
        "How this was made",
        "The command",
    ]
    strips = sorted(path.name for path in (folder / "strips").iterdir())
    assert strips  # these two do disagree
    assert page.count('src="data:image/') == 1 + len(strips)
    assert not re.search(r"(src|href)=.?(https?:|//|file:)", page)
    assert made["models"][0]["sha256"] == hashlib.sha256(tiny_checkpoint.read_bytes()).hexdigest()
    assert made["models"][0]["sha256"] in page
    assert (made["split"], made["clips"], made["left_out"], made["grouped"]) == ("test", 10, 0, False)
    assert made["versions"]["torch"] == torch.__version__.partition("+")[0]


def test_a_strip_shows_a_clip_over_which_they_disagree(run: tuple[dict[str, Any], Path], data: Path) -> None:
    text = (run[1] / "report.md").read_text().split("## Where they disagree")[1].split("## Limits")[0]

    right, wrong = text.split("### ")[1:]
    shown = re.findall(
        r"\*\*(clip-\d).mp4\*\* is (\w+). adaptive at 0.2: (\w+) \(\d+ %\); .*: (\w+) \(\d+ %\)\.", right
    )
    shown_wrong = re.findall(
        r"\*\*(clip-\d).mp4\*\* is (\w+). adaptive at 0.2: (\w+) \(\d+ %\); .*: (\w+) \(\d+ %\)\.", wrong
    )
    assert len(shown) + len(shown_wrong) == text.count("![film strip") > 0
    assert all(is_ == adaptive != static for _, is_, adaptive, static in shown)
    assert all(is_ == static != adaptive for _, is_, adaptive, static in shown_wrong)
    assert all((data / "test" / is_ / f"{name}.mp4").exists() for name, is_, *_ in shown + shown_wrong)


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


def test_files_get_the_shortest_names_that_tell_them_apart() -> None:
    assert module.file_names(["runs/a/model.safetensors", "b.safetensors"]) == ["a", "b"]
    assert module.file_names(["x/a/model.safetensors", "y/a/model.safetensors"]) == ["x/a", "y/a"]
    assert module.file_names(["a.safetensors", "a.safetensors"]) == ["a #1", "a #2"]


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


def test_the_time_is_that_of_a_video_not_of_a_window(
    data: Path, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "time_methods", lambda methods: [5.0 for _ in methods])

    evaluate(
        checkpoint=str(tiny_checkpoint), root=str(data), json_path=str(tmp_path / "a.json"), device="cpu", workers=1
    )

    numbers = json.loads((tmp_path / "a.json").read_text())
    assert numbers["methods"][0]["model_ms"] == pytest.approx(5 * 12 / 10)  # ten clips of twelve windows


def test_what_is_timed_is_what_is_counted(
    data: Path, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = adaframe.load(tiny_checkpoint).metadata.costs
    macs_of_picture = {32: costs.looks[0], 16: costs.looks[1], 8: costs.glance}
    executed: list[int] = []

    def count(layer: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(layer, (torch.nn.Conv2d, Packed)) and layer.weight.shape[1] == 3:  # a backbone begins
            executed[-1] += len(inputs[0]) * macs_of_picture[inputs[0].shape[-1]]

    def run_once(methods: list[Timed]) -> list[float]:
        for one in methods:
            executed.append(0)
            with torch.inference_mode():
                one.run()
        return [1.0] * len(methods)

    monkeypatch.setattr(module, "time_methods", run_once)
    monkeypatch.setattr(looking, "TIMED_WINDOWS", 100)  # all of them
    hook = torch.nn.modules.module.register_module_forward_pre_hook(count)
    try:
        out = tmp_path / "a.json"
        executed.append(0)  # while the clips are looked at
        evaluate(
            checkpoint=str(tiny_checkpoint),
            root=str(data),
            budgets=BUDGETS,
            baselines=True,
            json_path=str(out),
            device="cpu",
            workers=1,
        )
    finally:
        hook.remove()

    rows = json.loads(out.read_text())["methods"]
    counted = []
    for row in rows:
        # Ten clips of twelve windows of four frames; the projections and the policy's steps are no pictures.
        seen = round(48 * sum(row["actions"].get(name, 0) for name in ("look-32", "look-16", "glance")))
        steps = 48 if row["name"].startswith("adaptive") else 0
        counted.append(round(row["gmacs"] * 1e10) - 12 * costs.head - seen * costs.project[0] - steps * costs.policy)
    assert sorted(executed[1:]) == sorted(counted)
    assert len(set(counted)) > 5


def test_a_clip_of_more_windows_than_a_part_is_looked_at_whole(
    render_clip: RenderClip, make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    checkpoint = make_checkpoint("dense", parts={"sampling": Sampling(4, 0.1)})
    for seed, name in enumerate(CLASSES):
        render_clip(tmp_path / "data" / "test" / name / "clip.mp4", 4.0 if seed == 0 else 0.2, seed=seed)

    evaluate(
        checkpoint=str(checkpoint),
        root=str(tmp_path / "data"),
        json_path=str(tmp_path / "a.json"),
        device="cpu",
        workers=1,
    )

    row = json.loads((tmp_path / "a.json").read_text())["methods"][0]
    right, gmacs, gmacs_uniform = alone(checkpoint, tmp_path / "data")
    assert (row["gmacs"], row["gmacs_uniform"]) == (pytest.approx(gmacs), pytest.approx(gmacs_uniform))
    assert row["accuracy"]["value"] == pytest.approx(right)


@pytest.mark.parametrize(
    "parts",
    [
        {"head": Head(width=0)},  # features are only normalised: nothing projects them
        {"policy": Policy(project=4, hidden=4, skips=())},
    ],
    ids=["no-projection", "no-skips"],
)
def test_baselines_of_models_of_other_make(
    data: Path, make_checkpoint: MakeCheckpoint, tmp_path: Path, parts: dict[str, Any]
) -> None:
    checkpoint = make_checkpoint(f"other-{'-'.join(parts)}", parts=parts)

    evaluate(
        checkpoint=str(checkpoint),
        root=str(data),
        baselines=True,
        json_path=str(tmp_path / "a.json"),
        device="cpu",
        workers=1,
    )

    numbers = json.loads((tmp_path / "a.json").read_text())
    assert {"uniform, same weights", "random at 1", "static look-32 on 1 of 4", "glance"} <= {
        one["name"] for one in numbers["methods"]
    }


def test_without_a_budget_it_is_what_classify_takes(
    data: Path, make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    # Trained for less than it can do: classify then takes its cheapest.
    points = (CalibrationPoint(0.0, 0.5, 0.5, 0.5), CalibrationPoint(64.0, 0.2, 0.2, 0.5))
    checkpoint = make_checkpoint("low", calibration=points, budget=0.1)

    evaluate(checkpoint=str(checkpoint), root=str(data), json_path=str(tmp_path / "a.json"), device="cpu", workers=1)

    row = json.loads((tmp_path / "a.json").read_text())["methods"][0]
    right, gmacs, _ = alone(checkpoint, data)
    assert row["name"] == "adaptive at 0.1"
    assert (row["accuracy"]["value"], row["gmacs"]) == (pytest.approx(right), pytest.approx(gmacs))


@pytest.mark.parametrize("window_s", [None, 0.4])
def test_several_clips_and_crops_are_averaged_and_all_are_counted(
    data: Path, make_checkpoint: MakeCheckpoint, tmp_path: Path, window_s: float | None
) -> None:
    parts = {"sampling": Sampling(4, window_s), "preprocess": Preprocess(resize=36, crop=32)}
    checkpoint = make_checkpoint(f"views-{window_s}", parts=parts)
    words = ["evaluate", "--checkpoint", str(checkpoint), "--data.root", str(data), "--clips", "2", "--crops", "3"]

    assert main([*words, "--json", str(tmp_path / "a.json"), "--report", str(tmp_path), "--workers", "1"]) == 0

    model = adaframe.load(checkpoint)
    right, spent = [], []
    for clip in sorted((data / "test").rglob("*.mp4")):  # 48 × 64 pixels, so 36 × 48 once resized
        frames = read_clip(replace(model.metadata.request(str(clip)), clips=2, crop=False))
        crops = [frames.images[:, :, 2:34, left : left + 32] for left in (0, 8, 16)]
        views = [model.recognise(crop, frames.valid, frames.times_s) for crop in crops]
        scores = torch.cat([scores for scores, _ in views])
        assert scores.shape == (6, 3)
        right.append(model.classes[int(scores.mean(dim=0).argmax())] == clip.parent.name)
        spent.append(sum(float(model.network.costs.executed(d).sum()) for _, d in views) / 1e9)
    numbers = json.loads((tmp_path / "a.json").read_text())
    row = numbers["methods"][0]
    assert row["accuracy"]["value"] == pytest.approx(np.mean(right))
    assert row["gmacs"] == pytest.approx(np.mean(spent))
    assert row["gmacs_uniform"] == pytest.approx(6 * model.metadata.costs.uniform(torch.tensor([4])).item() / 1e9)
    assert numbers["views"] == 6
    text = (tmp_path / "report.md").read_text()
    assert "averages over 6 views of a video" in text
    assert "--clips 2 --crops 3" in text
    assert "Strips are of the model's own windows and the central crop alone." in text


def test_baselines_get_the_same_views(data: Path, make_checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    checkpoint = make_checkpoint("views-all", parts={"preprocess": Preprocess(resize=36, crop=32)})
    words = ["evaluate", "--checkpoint", str(checkpoint), "--data.root", str(data), "--crops", "3", "--baselines"]

    assert main([*words, "--json", str(tmp_path / "a.json"), "--workers", "1"]) == 0

    rows = json.loads((tmp_path / "a.json").read_text())["methods"]
    assert {"uniform, same weights", "glance"} <= {row["name"] for row in rows}
    assert {row["gmacs_uniform"] for row in rows} == {rows[0]["gmacs_uniform"]}
    uniform = next(row for row in rows if row["name"].startswith("uniform"))
    assert uniform["gmacs"] == pytest.approx(uniform["gmacs_uniform"])


def test_a_model_that_sees_the_whole_picture_cannot_be_cropped(
    data: Path, make_checkpoint: MakeCheckpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = make_checkpoint("whole", parts={"preprocess": Preprocess(resize=32, crop=32, fit="squash")})

    assert main(["evaluate", "--checkpoint", str(checkpoint), "--data.root", str(data), "--crops", "3"]) == 2

    assert "sees the whole picture" in capsys.readouterr().err


def test_mirrored_crops_of_classes_with_sides_are_warned_of(
    render_clip: RenderClip, make_checkpoint: MakeCheckpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classes = ("push left", "push right", "wave")
    parts = {"preprocess": Preprocess(resize=36, crop=32)}
    checkpoint = make_checkpoint("sides", classes=classes, parts=parts)
    for seed, name in enumerate(classes):
        render_clip(tmp_path / "test" / name / "clip.mp4", 0.4, seed=seed)

    words = ["evaluate", "--checkpoint", str(checkpoint), "--data.root", str(tmp_path), "--workers", "1"]
    assert main([*words, "--crops", "10", "--json", str(tmp_path / "a.json")]) == 0

    assert "2 labels speak of left or right (push left, …); try: --crops 3" in capsys.readouterr().err
    assert json.loads((tmp_path / "a.json").read_text())["views"] == 10


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
    data: Path, make_checkpoint: MakeCheckpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = make_checkpoint("multi", multi_label=True)
    clips = sorted((data / "test").rglob("*.mp4"))
    rows = [f"{clip},{'run|sit' if n % 2 else CLASSES[n % 3]},test" for n, clip in enumerate(clips)]
    (tmp_path / "clips.csv").write_text("\n".join(["path,label,split", *rows]))

    evaluate(
        checkpoint=str(checkpoint),
        manifest=str(tmp_path / "clips.csv"),
        json_path=str(tmp_path / "a.json"),
        device="cpu",
        workers=1,
    )

    numbers = json.loads((tmp_path / "a.json").read_text())
    assert numbers["judged_by"] == "map"
    assert 0 <= numbers["methods"][0]["map"]["value"] <= 1
    assert "mAP" in capsys.readouterr().out


def test_only_the_marked_part_of_a_file_is_looked_at(
    render_clip: RenderClip, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    render_clip(tmp_path / "long.mp4", 4.0)
    rows = [f"long.mp4,{name},test,{start},{start + 1}" for start, name in enumerate(CLASSES)]
    (tmp_path / "clips.csv").write_text("\n".join(["path,label,split,start_s,end_s", *rows]))

    evaluate(
        checkpoint=str(tiny_checkpoint),
        manifest=str(tmp_path / "clips.csv"),
        json_path=str(tmp_path / "a.json"),
        device="cpu",
        workers=1,
    )

    numbers = json.loads((tmp_path / "a.json").read_text())
    costs = adaframe.load(tiny_checkpoint).metadata.costs
    assert numbers["videos"] == 3
    assert numbers["methods"][0]["gmacs_uniform"] * 1e9 == pytest.approx(4 * costs.uniform_frame + costs.head)


def test_a_clip_that_cannot_be_read_is_left_out_and_said(
    data: Path, render_clip: RenderClip, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, name in enumerate(CLASSES):
        render_clip(tmp_path / "data" / "test" / name / "clip.mp4", 1.0, seed=seed)
    bad = tmp_path / "data" / "test" / "run" / "bad.mp4"
    bad.write_bytes(b"")

    evaluate(
        checkpoint=str(tiny_checkpoint), root=str(tmp_path / "data"), json_path=str(tmp_path / "a.json"), device="cpu"
    )

    row = json.loads((tmp_path / "a.json").read_text())["methods"][0]
    assert [line for line in capsys.readouterr().err.splitlines() if "done in" not in line] == [
        f"left out: {bad}: the file is empty (0 bytes); try: copy or download it again"
    ]
    bad.unlink()
    right, gmacs, _ = alone(tiny_checkpoint, tmp_path / "data")
    assert (row["accuracy"]["value"], row["gmacs"]) == (pytest.approx(right), pytest.approx(gmacs))


def test_nothing_that_can_be_read_is_an_error(tiny_checkpoint: Path, tmp_path: Path) -> None:
    for name in CLASSES:
        (tmp_path / "test" / name).mkdir(parents=True)
        (tmp_path / "test" / name / "bad.mp4").write_bytes(b"")

    with pytest.raises(DataError, match="none of the clips can be read"):
        evaluate(checkpoint=str(tiny_checkpoint), root=str(tmp_path), device="cpu", workers=1)


def test_without_splits_all_clips_are_evaluated_and_that_is_said(
    data: Path, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(
        checkpoint=str(tiny_checkpoint),
        root=str(data / "test"),
        json_path=str(tmp_path / "a.json"),
        device="cpu",
        workers=1,
    )

    assert "the data set has no splits: evaluating all 10 clips" in capsys.readouterr().err.splitlines()
    assert json.loads((tmp_path / "a.json").read_text())["videos"] == 10


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


def test_more_features_than_memory_are_warned_of_before_they_are_there(
    data: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A machine of one page of memory.
    pages = {"SC_PHYS_PAGES": 1, "SC_PAGE_SIZE": 1 << 12}
    monkeypatch.setattr(looking.os, "sysconf", pages.__getitem__)

    evaluate(checkpoint=str(tiny_checkpoint), root=str(data), baselines=True, device="cpu", workers=1)

    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: features")]
    assert len(said) == 1
    assert said[0].endswith("try: fewer --clips and --crops, or a manifest of fewer clips")


def test_without_baselines_features_are_let_go_and_nothing_else_changes(
    data: Path,
    tiny_checkpoint: Path,
    uniform: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    words = ["evaluate", "--checkpoint", str(tiny_checkpoint), "--data.root", str(data), "--budget", "0.2,0.6"]
    words += ["--against", str(uniform), "--clips", "2", "--device", "cpu", "--workers", "1"]
    held: list[int] = []
    make = looking.settled

    def settle(view: views.View, methods: Sequence[views.Method]) -> views.View:
        held.append(len(view.valid))
        return make(view, methods)

    monkeypatch.setattr(looking, "settled", settle)
    rows = []
    for limit in (0, 1 << 30):
        monkeypatch.setattr(looking, "SETTLED_FROM", limit)
        assert main([*words, "--json", str(tmp_path / f"{limit}.json")]) == 0
        rows.append(json.loads((tmp_path / f"{limit}.json").read_text())["methods"])
        for row in rows[-1]:
            del row["model_ms"]

    assert rows[0] == rows[1]
    assert len(rows[0]) == 3
    # Two models; clip by clip, and all together. A clip of a second, as long as the window, has one view.
    assert held == [1, 1] * 3 + [2, 2] + [1, 1] * 6 + [11, 11]


def test_the_way_to_decode_is_that_of_all_methods(
    data: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    class Pool(looking.DecodePool):
        def submit(self, function: Any, *args: Any) -> Any:
            asked.append(args[0].decode)
            return super().submit(function, *args)

    monkeypatch.setattr(looking, "DecodePool", Pool)
    evaluate(
        checkpoint=str(tiny_checkpoint), root=str(data), report=str(tmp_path), device="cpu", workers=1, decode="fast"
    )

    assert asked.count("fast") == len(asked) >= 10
    assert "--decode fast" in (tmp_path / "report.md").read_text()
