"""Every clip is looked at once, whole, and as far as it can be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import adaframe
from adaframe.cli.main import main
from adaframe.config import Sampling
from adaframe.errors import DataError
from adaframe.evaluation import looking, views
from adaframe.evaluation.evaluate import evaluate

RenderClip = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]
Classified = Callable[..., tuple[float, float, float]]
NumbersOf = Callable[..., dict[str, Any]]
CLASSES = ("run", "sit", "wave")


def test_a_clip_of_more_windows_than_a_part_is_looked_at_whole(
    render_clip: RenderClip,
    make_checkpoint: MakeCheckpoint,
    tmp_path: Path,
    classified: Classified,
    numbers_of: NumbersOf,
) -> None:
    checkpoint = make_checkpoint("dense", parts={"sampling": Sampling(4, 0.1)})
    for seed, name in enumerate(CLASSES):
        render_clip(tmp_path / "data" / "test" / name / "clip.mp4", 4.0 if seed == 0 else 0.2, seed=seed)

    numbers = numbers_of(checkpoint, root=str(tmp_path / "data"))

    row = numbers["methods"][0]
    right, gmacs, gmacs_uniform = classified(checkpoint, tmp_path / "data")
    assert (row["gmacs"], row["gmacs_uniform"]) == (pytest.approx(gmacs), pytest.approx(gmacs_uniform))
    assert row["accuracy"]["value"] == pytest.approx(right)


def test_only_the_marked_part_of_a_file_is_looked_at(
    render_clip: RenderClip, tiny_checkpoint: Path, tmp_path: Path, numbers_of: NumbersOf
) -> None:
    render_clip(tmp_path / "long.mp4", 4.0)
    rows = [f"long.mp4,{name},test,{start},{start + 1}" for start, name in enumerate(CLASSES)]
    (tmp_path / "clips.csv").write_text("\n".join(["path,label,split,start_s,end_s", *rows]))

    numbers = numbers_of(tiny_checkpoint, manifest=str(tmp_path / "clips.csv"))

    costs = adaframe.load(tiny_checkpoint).metadata.costs
    assert numbers["videos"] == 3
    assert numbers["methods"][0]["gmacs_uniform"] * 1e9 == pytest.approx(4 * costs.uniform_frame + costs.head)


def test_a_clip_that_cannot_be_read_is_left_out_and_said(
    data: Path,
    render_clip: RenderClip,
    tiny_checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    classified: Classified,
    numbers_of: NumbersOf,
) -> None:
    for seed, name in enumerate(CLASSES):
        render_clip(tmp_path / "data" / "test" / name / "clip.mp4", 1.0, seed=seed)
    bad = tmp_path / "data" / "test" / "run" / "bad.mp4"
    bad.write_bytes(b"")

    numbers = numbers_of(tiny_checkpoint, root=str(tmp_path / "data"))

    row = numbers["methods"][0]
    assert [line for line in capsys.readouterr().err.splitlines() if "done in" not in line] == [
        f"left out: {bad}: the file is empty (0 bytes); try: copy or download it again"
    ]
    bad.unlink()
    right, gmacs, _ = classified(tiny_checkpoint, tmp_path / "data")
    assert (row["accuracy"]["value"], row["gmacs"]) == (pytest.approx(right), pytest.approx(gmacs))


def test_nothing_that_can_be_read_is_an_error(tiny_checkpoint: Path, tmp_path: Path) -> None:
    for name in CLASSES:
        (tmp_path / "test" / name).mkdir(parents=True)
        (tmp_path / "test" / name / "bad.mp4").write_bytes(b"")

    with pytest.raises(DataError, match="none of the clips can be read"):
        evaluate(checkpoint=str(tiny_checkpoint), root=str(tmp_path), device="cpu", workers=1)


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
