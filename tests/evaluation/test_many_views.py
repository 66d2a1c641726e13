"""Crops of a picture, what is asked of a file for them, and what becomes of them in an evaluation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import adaframe
from adaframe.cli.main import main
from adaframe.config import Preprocess, Sampling
from adaframe.errors import UsageError
from adaframe.evaluation.many_views import OWN_WINDOWS, ManyViews, places
from adaframe.video import ClipRequest, read_clip

RenderClip = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]
WIDE = np.arange(2 * 4 * 6, dtype=np.uint8).reshape(1, 2, 4, 6, 1).repeat(3, axis=4)  # W 1, T 2, 4 × 6 pixels


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (8, 14, [(1, 0), (1, 4), (1, 8)]),  # wide: left, centre, right, half-way down
        (14, 8, [(0, 1), (4, 1), (8, 1)]),  # tall: top, centre, bottom
        (6, 6, [(0, 0)]),  # nothing to move: the picture itself, once
    ],
)
def test_three_crops_lie_along_the_longer_side(height: int, width: int, expected: list[tuple[int, int]]) -> None:
    assert places(height, width, 6, 3) == expected


def test_ten_crops_are_the_corners_and_the_centre_each_mirrored_too() -> None:
    crops = list(ManyViews(crops=10).cut(WIDE, 2))

    assert places(4, 6, 2, 10) == [(0, 0), (0, 4), (2, 0), (2, 4), (1, 2)]
    assert len(crops) == 10
    assert crops[0][0, 0, :, :, 0].tolist() == [[0, 1], [6, 7]]
    assert crops[1][0, 0, :, :, 0].tolist() == [[1, 0], [7, 6]]
    assert crops[8][0, 0, :, :, 0].tolist() == [[8, 9], [14, 15]]


def test_every_frame_of_every_window_is_cut_at_the_same_place() -> None:
    left, centre, right = ManyViews(crops=3).cut(WIDE, 4)

    assert left.shape == centre.shape == right.shape == (1, 2, 4, 4, 3)
    assert (left[0, 1] - left[0, 0] == 24).all()
    assert (right[..., 0, 0] - left[..., 0, 0] == 2).all()


@pytest.mark.parametrize("size", [(48, 100), (100, 48)])
def test_the_middle_one_of_three_crops_is_the_crop_of_one(render_clip, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    path: Path = render_clip(f"crops-{size[0]}.mp4", 1.0, size=size)
    request = ClipRequest(str(path), Sampling(frames=2), Preprocess(resize=40, crop=32))

    (one,) = OWN_WINDOWS.cut(read_clip(OWN_WINDOWS.request(request)).images, 32)
    three = list(ManyViews(crops=3).cut(read_clip(ManyViews(crops=3).request(request)).images, 32))

    distances = [float(np.abs(crop.astype(int) - one.astype(int)).mean()) for crop in three]
    assert distances[1] < 1  # resized once before the cut and once around it: the same to within rounding
    assert min(distances[0], distances[2]) > 20


def test_a_model_that_sees_the_whole_picture_has_nothing_to_crop() -> None:
    whole = Preprocess(resize=32, crop=32, fit="squash")

    with pytest.raises(UsageError, match=r"m\.safetensors: sees the whole picture.*try: --crops 1"):
        ManyViews(crops=3).check(whole, "m.safetensors")
    ManyViews(clips=2).check(whole, "m.safetensors")
    ManyViews(crops=3).check(Preprocess(resize=40, crop=32, fit="squash"), "m.safetensors")


def test_options_say_what_is_not_the_default() -> None:
    assert OWN_WINDOWS.words() == []
    assert ManyViews(10, 3).words() == ["--clips", "10", "--crops", "3"]


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
