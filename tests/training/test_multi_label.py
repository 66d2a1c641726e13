"""Several labels a clip, or none: from the manifest to classify and evaluate."""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path

import av
import numpy as np
import pytest

import adaframe
from adaframe.cli.main import main
from adaframe.config import Config
from adaframe.evaluation.metrics import mean_average_precision
from adaframe.evaluation.studies.folds import read_run
from adaframe.model.metadata import read_metadata
from adaframe.training.fit import fit

MakeConfig = Callable[..., Config]


def render(path: Path, *, bright: bool, square: bool, seed: int) -> None:
    """Eight frames of noise: bright or dark, with a coloured square in the middle or without."""
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": "10", "preset": "ultrafast"})
        stream.width = stream.height = 32
        stream.pix_fmt, stream.thread_count = "yuv420p", 1
        base, (left, top) = (170 if bright else 60) + int(rng.integers(-20, 21)), rng.integers(4, 13, 2)
        for _ in range(8):
            picture = base + rng.normal(0, 6, (32, 32, 3))
            if square:
                picture[top : top + 14, left : left + 14] = (220, 30, 200)
            frame = av.VideoFrame.from_ndarray(np.clip(picture, 0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def render_set(folder: Path, *, train: int = 36, val: int = 16, folds: int = 0) -> Path:
    """All four combinations of `bright` and `square` equally often; `rare` holds for two training clips alone."""
    lines = ["path,label,split" if not folds else "path,label,fold"]
    for n in range(train + val):
        bright, square = bool(n % 2), bool(n // 2 % 2)
        render(folder / f"{n:02d}.mp4", bright=bright, square=square, seed=n)
        labels = ["bright"] * bright + ["square"] * square + ["rare"] * (n in (4, 8))
        lines.append(f"{n:02d}.mp4,{'|'.join(labels)},{n // 4 % folds if folds else 'train' if n < train else 'val'}")
    manifest = folder / "clips.csv"
    manifest.write_text("\n".join(lines) + "\n")
    return manifest


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_set(tmp_path_factory.mktemp("labels"))


@pytest.fixture(scope="module")
def run(
    make_config: MakeConfig, manifest: Path, tmp_path_factory: pytest.TempPathFactory, one_thread: None
) -> tuple[Path, str]:
    """The folder of a run of six epochs at most, and what it said."""
    out = tmp_path_factory.mktemp("run")
    stages = {"train.stages.warmup": 4, "train.stages.joint": 1, "train.stages.finetune": 1}
    said = io.StringIO()
    with redirect_stderr(said), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit(make_config(**{"data.root": "", "data.manifest": str(manifest), "train.lr": 0.02, **stages}), out=out)
    return out, said.getvalue()


@pytest.mark.slow
def test_labels_that_are_there_to_be_seen_are_learnt(run: tuple[Path, str]) -> None:
    out, _ = run

    methods = json.loads((out / "report.json").read_text())["methods"]

    assert [m["accuracy"] for m in methods] == [None] * len(methods)
    assert methods[0]["map"]["value"] > 0.8  # half of the clips have each label: chance is 0.5


@pytest.mark.slow
def test_epochs_are_judged_by_map_of_all_clips(run: tuple[Path, str]) -> None:
    out, said = run

    with (out / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    epochs = [line for line in said.splitlines() if line.startswith("epoch")]
    assert len(epochs) == len(rows) >= 3
    assert all(re.search(r"  mAP \d+% val \d+%  ", line) and "accuracy" not in line for line in epochs)
    assert not {"train/accuracy", "val/accuracy"} & set(rows[0])
    assert all(row["val/map"] == row["val/headline"] and 0 <= float(row["train/map"]) <= 1 for row in rows)
    # What the saved model reaches without a bias, it reached in an epoch.
    saved = read_metadata(out / "model.safetensors").calibration[0]
    assert min(abs(float(row["val/map"]) - saved.accuracy) for row in rows) < 1e-4


@pytest.mark.slow
def test_a_label_that_no_validation_clip_has_is_named(run: tuple[Path, str]) -> None:
    out, said = run

    text = (out / "report.md").read_text()

    assert "no validation clip shows rare: nothing will be known of that" in said
    assert "Labels in 16 videos: bright 8, square 8; 4 without any. No video has rare: left out of mAP." in text


@pytest.mark.slow
def test_the_report_has_average_precision_by_label_and_no_confusion_matrix(run: tuple[Path, str]) -> None:
    out, _ = run

    text = (out / "report.md").read_text()

    assert re.search(
        r"On 16 held-out clips, by which its epoch was chosen, its mAP is \*\*\d+\.\d %\*\* .*a random order: 50\.0 %",
        text,
    )
    assert "| class | videos | average precision | recall | precision | named |" in text
    assert re.search(r"\| rare \| 0 \| – \| – \|", text)
    assert not (out / "figures" / "confusion.png").exists()
    assert "![film strip of " in text


@pytest.mark.slow
def test_classify_names_several_labels_or_none(
    run: tuple[Path, str], manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = [str(manifest.parent / f"{n}.mp4") for n in range(36, 52)]
    checkpoint = str(run[0] / "model.safetensors")

    code = main(["classify", *clips, "--checkpoint", checkpoint, "--json"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    main(["classify", *clips, "--checkpoint", checkpoint])
    table = capsys.readouterr().out.splitlines()

    assert code == 0
    assert {len(row["label"]) for row in rows} >= {0, 1}
    for row, line in zip(rows, table, strict=True):
        sure = {top["label"]: top["confidence"] for top in row["top"]}
        assert set(sure) == {"bright", "square", "rare"}
        assert row["label"] == [label for label, share in sure.items() if share >= 0.5]
        expected = min(sure[label] for label in row["label"]) if row["label"] else 1 - max(sure.values())
        assert row["confidence"] == pytest.approx(expected, abs=2e-4)
        assert (" + ".join(row["label"]) or "none of the classes") in line
    assert any(abs(sum(top["confidence"] for top in row["top"]) - 1) > 0.05 for row in rows)


@pytest.mark.slow
def test_evaluate_says_map_and_how_many_clips_have_each_label(
    run: tuple[Path, str], manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = str(run[0] / "model.safetensors")

    words = ["evaluate", "--checkpoint", checkpoint, "--data.manifest", str(manifest), "--split", "val"]
    code = main([*words, "--json", str(tmp_path / "a.json"), "--report", str(tmp_path / "report")])
    out = capsys.readouterr().out

    assert code == 0
    header, _, line = out.splitlines()[:3]
    assert "mAP %" in header
    assert "accuracy" not in header
    assert re.search(r"\d+\.\d \[\d+\.\d, \d+\.\d\]", line)
    assert "labels in 16 videos: bright 8, square 8; 4 without any. No video has rare: left out of mAP." in out
    facts = json.loads((tmp_path / "a.json").read_text())
    assert [(c["name"], c["videos"]) for c in facts["per_class"]] == [("bright", 8), ("rare", 0), ("square", 8)]
    assert "| average precision |" in (tmp_path / "report" / "report.md").read_text()


@pytest.mark.slow
def test_info_says_that_several_labels_may_hold(run: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["info", str(run[0] / "model.safetensors")])

    out = capsys.readouterr().out
    assert "3, multi-label (several may hold at once): bright, rare, square" in out
    assert re.search(r"on a stream +mAP\n", out)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::adaframe.data.clips.DataWarning")
def test_folds_of_several_labels_are_judged_by_map(make_config: MakeConfig, tmp_path: Path) -> None:
    manifest = render_set(tmp_path, train=24, val=0, folds=3)
    stages = {"train.stages.warmup": 1, "train.stages.joint": 1, "train.stages.finetune": 0}

    fit(make_config(**{"data.root": "", "data.manifest": str(manifest), "fold": "all", **stages}), out=tmp_path / "out")

    text = (tmp_path / "out" / "report.md").read_text()
    assert "On 24 clips, each answered by the model that did not learn from its fold (3 folds), its mAP is" in text
    assert "mAP:\n\n| method | fold 0 | fold 1 | fold 2 | mean ± sd |" in text
    methods = read_run(tmp_path / "out")
    assert all(m.multi_label for m in methods)
    pooled = mean_average_precision(methods[0].scores, methods[0].targets)
    assert f"| {methods[0].name} | {100 * pooled:.1f} [" in text
    assert 0 <= read_metadata(tmp_path / "out" / "model.safetensors").training["out_of_fold_map"] <= 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::adaframe.data.clips.DataWarning")
def test_validation_clips_without_any_label_stop_nothing(make_config: MakeConfig, tmp_path: Path) -> None:
    manifest = render_set(tmp_path, train=8, val=0)
    lines = manifest.read_text().splitlines()
    for n in range(3):
        render(tmp_path / f"bare{n}.mp4", bright=False, square=False, seed=90 + n)
    manifest.write_text("\n".join([*lines, *(f"bare{n}.mp4,,val" for n in range(3))]))

    fit(make_config(**{"data.root": "", "data.manifest": str(manifest)}), out=tmp_path / "out")

    with (tmp_path / "out" / "metrics.csv").open(newline="") as file:
        assert {(row["val/map"], row["val/headline"]) for row in csv.DictReader(file)} == {("nan", "0")}
    text = (tmp_path / "out" / "report.md").read_text()
    assert "On 3 held-out clips, by which its epoch was chosen, nothing can be said: none of them has a label." in text
    assert "could not be made" not in text
    assert adaframe.load(tmp_path / "out" / "model.safetensors", device="cpu").classify(tmp_path / "bare0.mp4").path
