"""What a recognition returns: the line of --json, and the figure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import adaframe
from adaframe.errors import AdaframeError
from adaframe.inference.prediction import Prediction
from adaframe.inference.recognizer import Recognizer

RenderClip = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Recognizer:
    return adaframe.load(tiny_checkpoint, device="cpu")


@pytest.fixture(scope="module")
def short(model: Recognizer, render_clip: RenderClip) -> Prediction:
    return model.classify(render_clip("second.mp4", 1.0, seed=1))


@pytest.fixture(scope="module")
def long(model: Recognizer, render_clip: RenderClip) -> Prediction:
    return model.classify(render_clip("three.mp4", 3.0, seed=2))


def test_a_json_line_has_the_keys_and_types_that_scripts_rely_on(short: Prediction) -> None:
    row = json.loads(json.dumps(short.to_json()))

    types = {key: type(value) for key, value in row.items()}
    assert types == {
        "path": str,
        "label": str,
        "confidence": float,
        "unsure": bool,
        "top": list,
        "frames": list,
        "gmacs": float,
        "gmacs_uniform": float,
        "seconds": dict,
    }
    assert {(name, type(seconds)) for name, seconds in row["seconds"].items()} == {("decode", float), ("model", float)}
    assert all(
        {key: type(value) for key, value in top.items()} == {"label": str, "confidence": float} for top in row["top"]
    )
    for frame in row["frames"]:
        assert {key: type(value) for key, value in frame.items()} == {"index": int, "time_s": float, "action": str}
        assert frame["action"] in ("look-32", "look-16", "glance", "skip")


def test_windows_add_a_timeline_and_nothing_else(short: Prediction, long: Prediction) -> None:
    row = json.loads(json.dumps(long.to_json()))

    assert set(row) - set(short.to_json()) == {"timeline"}
    types = {"start_s": float, "end_s": float, "label": str, "confidence": float}
    assert all({key: type(value) for key, value in part.items()} == types for part in row["timeline"])
    assert len(row["timeline"]) == 3


def test_a_damaged_file_adds_its_warnings(short: Prediction) -> None:
    row = replace(short, warnings=("2 frames are damaged",)).to_json()

    assert row["warnings"] == ["2 frames are damaged"]


def test_top_is_sorted_and_sums_to_one(short: Prediction, model: Recognizer) -> None:
    confidences = [confidence for _, confidence in short.top]

    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) == pytest.approx(1, abs=1e-6)
    assert sorted(label for label, _ in short.top) == sorted(model.classes)
    assert short.top[0] == (short.label, short.confidence)
    assert short.label == model.classes[int(short.logits.argmax())]
    assert short.logits.shape == (3,)


def test_top_k_limits_the_classes(short: Prediction) -> None:
    assert [len(short.to_json(top_k)["top"]) for top_k in (1, 2, 9)] == [1, 2, 3]


def test_the_label_of_several_is_a_list(make_checkpoint: MakeCheckpoint, short: Prediction) -> None:
    model = adaframe.load(make_checkpoint("multi", multi_label=True))
    assert short.crops is not None

    row = json.loads(json.dumps(model.classify_frames(short.crops[0]).to_json()))

    assert isinstance(row["label"], list)
    assert set(row["label"]) == {top["label"] for top in row["top"] if top["confidence"] >= 0.5}
    sure = {top["label"]: top["confidence"] for top in row["top"]}
    expected = min(sure[label] for label in row["label"]) if row["label"] else 1 - max(sure.values())
    assert row["confidence"] == pytest.approx(expected, abs=2e-4)
    assert row["path"] == ""


def test_below_the_threshold_it_is_unsure(tiny_checkpoint: Path, short: Prediction) -> None:
    model = adaframe.load(tiny_checkpoint)
    assert short.crops is not None
    frames, times_s = short.crops[0], np.array([frame["time_s"] for frame in short.frames])

    def unsure(below: float) -> bool:
        judge = Recognizer(model.network, replace(model.metadata, unsure_below=below))
        return judge.classify_frames(frames, times_s=times_s).unsure

    assert not short.unsure  # the checkpoint has no threshold
    assert unsure(short.confidence + 0.01)
    assert not unsure(short.confidence - 0.01)


def test_what_several_windows_cost_is_added_up(long: Prediction, model: Recognizer) -> None:
    costs = model.network.costs

    assert len(long.frames) == 12
    assert long.gmacs_uniform * 1e9 == pytest.approx(12 * (costs.looks[0] + costs.project[0]) + 3 * costs.head)
    looks = {"look-32": costs.looks[0] + 128, "look-16": costs.looks[1] + 128, "glance": 128, "skip": 0}
    macs = sum(looks[frame["action"]] + costs.glance + costs.policy for frame in long.frames) + 3 * costs.head
    assert long.gmacs * 1e9 == pytest.approx(macs)


@pytest.mark.parametrize(
    ("name", "seconds", "window_s", "strip"),
    [("one", 1.0, None, True), ("three", 3.0, None, True), ("four", 4.0, None, False), ("many", 4.0, 0.1, False)],
)
def test_up_to_three_windows_are_a_film_strip_and_more_a_timeline(
    model: Recognizer,
    render_clip: RenderClip,
    tmp_path: Path,
    name: str,
    seconds: float,
    window_s: float | None,
    strip: bool,
) -> None:
    prediction = model.classify(render_clip(f"{name}.mp4", seconds), window_s=window_s)
    assert prediction.windows is not None
    windows = max(1, len(prediction.timeline))
    assert (None if prediction.crops is None else len(prediction.crops)) == (windows if strip else None)
    assert len(prediction.windows.stills) == (0 if strip else min(12, windows))

    prediction.draw(tmp_path / "figure.png")

    with Image.open(tmp_path / "figure.png") as image:
        image.load()
        assert image.format == "PNG"
        assert np.asarray(image.convert("L")).std() > 5


def test_stills_are_frames_from_all_over_the_file(model: Recognizer, render_clip: RenderClip) -> None:
    windows = model.classify(render_clip("many.mp4", 4.0), window_s=0.1).windows

    assert windows is not None
    times_s = [still.time_s for still in windows.stills]
    assert times_s == sorted(times_s)
    assert times_s[0] < 0.4
    assert times_s[-1] > 3.6
    assert windows.stills[0].picture.shape == (32, 32, 3)


def test_what_each_window_cost_adds_up_to_what_all_did(long: Prediction) -> None:
    assert long.windows is not None
    assert long.windows.share.mean() == pytest.approx(long.gmacs / long.gmacs_uniform)


def test_windows_are_unsure_one_by_one(model: Recognizer, render_clip: RenderClip) -> None:
    path = render_clip("three.mp4", 3.0, seed=2)
    sure = sorted(window["confidence"] for window in model.classify(path).timeline)
    judge = Recognizer(model.network, replace(model.metadata, unsure_below=(sure[0] + sure[1]) / 2))

    windows = judge.classify(path).windows

    assert windows is not None
    assert windows.unsure.sum() == 1


def test_pictures_that_were_not_kept_are_said(short: Prediction, tmp_path: Path) -> None:
    with pytest.raises(AdaframeError, match=r"second\.mp4: its pictures were not kept; try: "):
        replace(short, crops=None).draw(tmp_path / "strip.png")


def test_a_film_strip_of_frames_from_memory(model: Recognizer, tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (1, 40, 60, 3), dtype=np.uint8)

    model.classify_frames(frames).draw(tmp_path / "strip.png")

    assert (tmp_path / "strip.png").stat().st_size > 1000


def test_a_figure_that_cannot_be_written_is_an_error(short: Prediction, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(AdaframeError, match=r"strip\.png: cannot be written"):
        short.draw(tmp_path / "file" / "strip.png")
