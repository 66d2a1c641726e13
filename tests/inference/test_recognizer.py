"""A file and its frames get the same answer, whatever their size, their length and their neighbours."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import adaframe
from adaframe.config import Sampling
from adaframe.errors import AdaframeError, CheckpointError, UnreadableVideo, UsageError
from adaframe.evaluation.speed.decode_films import render as render_gop
from adaframe.inference.recognizer import Recognizer, pick_device
from adaframe.model.metadata import Metadata
from adaframe.video import ClipFrames, ClipRequest, read_clip, read_frames

RenderClip = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Recognizer:
    return adaframe.load(tiny_checkpoint, device="cpu")


@pytest.fixture(scope="module")
def clips(render_clip: RenderClip) -> list[Path]:
    return [render_clip(f"second-{seed}.mp4", 1.0, seed=seed) for seed in range(8)]


def test_a_file_and_its_sampled_frames_get_the_same_answer(model: Recognizer, clips: list[Path]) -> None:
    chosen: set[str] = set()
    for clip in clips:
        of_file = model.classify(clip)
        sampled = read_frames(clip, [frame["index"] for frame in of_file.frames])

        of_frames = model.classify_frames(sampled.images, times_s=sampled.times_s)

        assert torch.equal(of_frames.decisions.actions, of_file.decisions.actions)
        assert np.abs(of_frames.logits - of_file.logits).max() < 1e-5
        assert (of_frames.gmacs, of_frames.gmacs_uniform) == (of_file.gmacs, of_file.gmacs_uniform)
        assert [f["action"] for f in of_frames.frames] == [f["action"] for f in of_file.frames]
        chosen |= {f["action"] for f in of_file.frames}
    assert chosen == {"look-32", "look-16", "glance", "skip"}  # else the comparison would say little


def test_frames_of_the_crops_size_are_not_resized_again(model: Recognizer, clips: list[Path]) -> None:
    of_file = model.classify(clips[0])
    assert of_file.crops is not None

    of_crops = model.classify_frames(of_file.crops[0], times_s=np.array([f["time_s"] for f in of_file.frames]))

    assert np.abs(of_crops.logits - of_file.logits).max() < 1e-5
    assert of_crops.crops is not None
    assert (of_crops.crops == of_file.crops).all()


def test_frames_without_times_have_the_models_own_spacing(make_checkpoint: MakeCheckpoint) -> None:
    model = adaframe.load(make_checkpoint("uniform", plan="uniform"))  # every frame in full, so changes count
    frames = np.random.default_rng(3).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)

    nominal = model.classify_frames(frames)

    assert [frame["time_s"] for frame in nominal.frames] == [0.0, 0.25, 0.5, 0.75]  # 4 frames a second
    later = model.classify_frames(frames, times_s=np.arange(4) / 4 + 1e7)  # beyond what float32 tells apart
    assert np.abs(later.logits - nominal.logits).max() < 1e-5
    slower = model.classify_frames(frames, times_s=np.arange(4.0))
    assert np.abs(slower.logits - nominal.logits).max() > 1e-2


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        (np.zeros((4, 32, 32, 3), np.float32), "float32 (4, 32, 32, 3)"),
        (np.zeros((32, 32, 3), np.uint8), "uint8 (32, 32, 3)"),
        (np.zeros((4, 3, 32, 32), np.uint8), "uint8 (4, 3, 32, 32)"),
        (np.zeros((4, 32, 32, 4), np.uint8), "uint8 (4, 32, 32, 4)"),
        (np.zeros((0, 32, 32, 3), np.uint8), "uint8 (0, 32, 32, 3)"),
        (np.zeros((4, 0, 32, 3), np.uint8), "uint8 (4, 0, 32, 3)"),
        (None, "object ()"),
    ],
)
def test_frames_of_another_type_or_shape_are_wrong_usage(model: Recognizer, frames: np.ndarray, found: str) -> None:
    with pytest.raises(UsageError, match="frames must be uint8") as error:
        model.classify_frames(frames)

    assert found in str(error.value)


@pytest.mark.parametrize("times_s", [np.arange(3.0), np.zeros((4, 1))])
def test_times_that_do_not_fit_the_frames_are_wrong_usage(model: Recognizer, times_s: np.ndarray) -> None:
    with pytest.raises(UsageError, match=r"times_s must be \(4,\), one for each frame"):
        model.classify_frames(np.zeros((4, 32, 32, 3), np.uint8), times_s=times_s)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_clip_of_few_frames_is_answered_from_those(
    model: Recognizer, make_checkpoint: MakeCheckpoint, render_clip: RenderClip, frames: int
) -> None:
    clip = render_clip(f"few-{frames}.mp4", frames / 25)
    whole_file = adaframe.load(make_checkpoint("whole", parts={"sampling": Sampling(4, None)}))

    all_of_them, of_the_window = whole_file.classify(clip), model.classify(clip)

    assert [frame["index"] for frame in all_of_them.frames] == list(range(frames))
    assert all_of_them.decisions.valid.tolist() == [[True] * frames + [False] * (4 - frames)]
    costs = model.network.costs
    assert all_of_them.gmacs_uniform * 1e9 == pytest.approx(frames * (costs.looks[0] + costs.project[0]) + costs.head)
    assert len(of_the_window.frames) == 1  # a window of a second wants one frame of its first quarter
    assert "skip" not in (all_of_them.frames[0]["action"], of_the_window.frames[0]["action"])


@pytest.mark.parametrize(
    ("size", "pixel_format"),
    [((48, 64), "gray"), ((64, 48), "yuv420p"), ((33, 47), "yuv444p"), ((200, 16), "yuv420p"), ((16, 200), "yuv420p")],
)
def test_pictures_of_any_size_and_without_colour(
    model: Recognizer, render_clip: RenderClip, size: tuple[int, int], pixel_format: str
) -> None:
    clip = render_clip(f"{size[0]}x{size[1]}-{pixel_format}.mp4", 1.0, size=size, pixel_format=pixel_format)

    prediction = model.classify(clip)

    assert len(prediction.frames) == 4
    assert prediction.warnings == ()
    assert prediction.crops is not None
    assert prediction.crops.shape == (1, 4, 32, 32, 3)
    if pixel_format == "gray":
        assert np.ptp(prediction.crops, axis=-1).max() <= 2


def test_a_long_file_gives_a_timeline_that_covers_it_in_order(model: Recognizer, render_clip: RenderClip) -> None:
    clip = render_clip("three.mp4", 3.0)

    timeline = model.classify(clip).timeline

    assert [(part["start_s"], part["end_s"]) for part in timeline] == [(0, 1), (1, 2), (2, 3)]
    assert all(part["label"] in model.classes and 1 / 3 <= part["confidence"] <= 1 for part in timeline)


def test_windows_can_be_longer_and_may_overlap(model: Recognizer, render_clip: RenderClip) -> None:
    clip = render_clip("three.mp4", 3.0)

    overlapping = model.classify(clip, window_s=2.0, stride_s=0.5).timeline
    one = model.classify(clip, window_s=10.0)

    assert [(part["start_s"], part["end_s"]) for part in overlapping] == [(0, 2), (0.5, 2.5), (1, 3)]
    assert one.timeline == []
    assert [frame["time_s"] for frame in one.frames] == [1.24]  # of 1.25, 3.75, … of ten seconds


def test_the_answer_is_the_mean_over_the_windows(model: Recognizer, render_clip: RenderClip) -> None:
    clip = render_clip("three.mp4", 3.0)
    parts = list(read_parts(model.metadata.request(str(clip))))

    scores, decisions = model.recognise(parts[0].images, parts[0].valid, parts[0].times_s)
    prediction = model.classify(clip)

    assert scores.shape == (3, 3)
    assert np.abs(prediction.logits - scores.mean(dim=0).numpy()).max() < 1e-5
    assert torch.equal(prediction.decisions.actions, decisions.actions)
    best = scores.softmax(dim=1).max(dim=1)
    assert [part["label"] for part in prediction.timeline] == [model.classes[i] for i in best.indices.tolist()]
    assert [part["confidence"] for part in prediction.timeline] == pytest.approx(best.values.tolist(), abs=1e-3)


def read_parts(request: ClipRequest) -> Iterator[ClipFrames]:
    first = read_clip(request)
    yield first
    for window in range(request.max_windows, first.windows_total, request.max_windows):
        yield read_clip(replace(request, first_window=window))


def test_windows_read_in_parts_give_what_one_part_gives(
    model: Recognizer, render_clip: RenderClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = render_clip("seventy.mp4", 7.0, seed=5)
    in_parts = model.classify(clip, window_s=0.1)

    request = Metadata.request
    monkeypatch.setattr(Metadata, "request", lambda *args, **named: replace(request(*args, **named), max_windows=1000))
    at_once = model.classify(clip, window_s=0.1)

    assert len(in_parts.timeline) == 70
    assert in_parts.timeline == at_once.timeline
    assert in_parts.frames == at_once.frames
    assert np.abs(in_parts.logits - at_once.logits).max() < 1e-5
    assert in_parts.gmacs == pytest.approx(at_once.gmacs)
    assert torch.equal(in_parts.decisions.actions, at_once.decisions.actions)


def test_a_part_is_let_go_once_it_is_recognised(model: Recognizer, render_clip: RenderClip) -> None:
    request = replace(model.metadata.request(str(render_clip("three.mp4", 3.0))), max_windows=1)
    seen: list[weakref.ref[np.ndarray]] = []
    kept: list[int] = []

    def parts() -> Iterator[ClipFrames]:
        for part in read_parts(request):
            seen.append(weakref.ref(part.images))
            yield part
            del part
            gc.collect()
            kept.append(sum(reference() is not None for reference in seen))

    prediction = model.classify_parts("three.mp4", parts())

    assert len(prediction.timeline) == 3
    assert max(kept) <= 2  # the first, which is kept to draw, and the one at hand


def test_windows_do_not_influence_each_other(model: Recognizer, clips: list[Path]) -> None:
    parts = [read_clip(model.metadata.request(str(clip))) for clip in clips]
    together = model.recognise(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "valid", "times_s"))
    )

    for row, part in enumerate(parts):
        scores, decisions = model.recognise(part.images, part.valid, part.times_s)
        assert torch.equal(decisions.actions[0], together[1].actions[row])
        assert (scores[0] - together[0][row]).abs().max() < 1e-5


def test_the_cost_is_that_of_what_was_executed(model: Recognizer, clips: list[Path]) -> None:
    costs, macs = model.network.costs, 0
    prediction = model.classify(clips[1])
    for frame in prediction.frames:
        macs += costs.glance + costs.policy  # files are glanced at in full
        if frame["action"] != "skip":
            source = ("look-32", "look-16", "glance").index(frame["action"])
            macs += costs.project[source] + (costs.looks[source] if source < 2 else 0)

    assert prediction.gmacs * 1e9 == pytest.approx(macs + costs.head)
    assert prediction.gmacs_uniform * 1e9 == pytest.approx(4 * (costs.looks[0] + costs.project[0]) + costs.head)


def test_a_smaller_budget_costs_no_more(model: Recognizer, clips: list[Path]) -> None:
    floor = min(point.cost for point in model.metadata.calibration)
    budgets = [1.0, 0.5, 0.3, 0.2, 0.15, 0.1, floor]

    mean = [np.mean([model.classify(clip, budget=budget).gmacs for clip in clips]) for budget in budgets]

    assert mean == sorted(mean, reverse=True)
    assert mean[-1] < mean[0] / 2


def test_the_budget_of_the_call_goes_before_the_recognisers(tiny_checkpoint: Path, clips: list[Path]) -> None:
    floor = 1.01 * min(point.cost for point in adaframe.load(tiny_checkpoint).metadata.calibration)
    frugal = adaframe.load(tiny_checkpoint, budget=floor)
    free = adaframe.load(tiny_checkpoint)

    def macs(model: Recognizer, budget: float | None) -> float:
        return sum(model.classify(clip, budget=budget).gmacs for clip in clips)

    assert macs(frugal, None) == macs(free, floor) < macs(free, None)
    assert macs(frugal, 1.0) == macs(free, 1.0)


def test_a_budget_below_the_floor_is_said_before_the_first_file(tiny_checkpoint: Path, model: Recognizer) -> None:
    floor = min(point.cost for point in model.metadata.calibration)

    with pytest.raises(AdaframeError, match=rf"budget 0\.01 .* cost {floor:.3f} of uniform; try: --budget 0\.\d+"):
        adaframe.load(tiny_checkpoint, budget=0.01)
    with pytest.raises(AdaframeError, match=r"budget 0\.01 "):
        model.classify("not-even-there.mp4", budget=0.01)


def test_several_labels(make_checkpoint: MakeCheckpoint, clips: list[Path]) -> None:
    model = adaframe.load(make_checkpoint("multi", multi_label=True))

    labels = []
    for clip in clips:
        prediction = model.classify(clip)
        confidence = dict(prediction.top)
        expected = {
            name: 1 / (1 + np.exp(-logit)) for name, logit in zip(model.classes, prediction.logits, strict=True)
        }
        assert confidence == pytest.approx(expected, abs=1e-5)
        assert prediction.label == [name for name, share in prediction.top if share >= 0.5]
        labels.append(prediction.label)
    assert len({len(label) for label in labels}) > 1


def test_what_cannot_be_loaded_is_one_clear_error(tmp_path: Path, tiny_checkpoint: Path) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(tiny_checkpoint.read_bytes()[:-100])

    with pytest.raises(CheckpointError, match=r"no\.safetensors: cannot be read"):
        adaframe.load(tmp_path / "no.safetensors")
    with pytest.raises(CheckpointError, match=r"cut\.safetensors: damaged or cut off"):
        adaframe.load(cut)
    with pytest.raises(UsageError, match="device gpu: not known"):
        pick_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="device cuda: not available here; try: --device cpu"):
            adaframe.load(tiny_checkpoint, device="cuda")


def test_a_file_that_cannot_be_used_is_an_error(model: Recognizer, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")

    with pytest.raises(UnreadableVideo, match=r"empty\.mp4: the file is empty"):
        model.classify(tmp_path / "empty.mp4")


@pytest.mark.parametrize(
    "lengths", [{"window_s": 0.0}, {"window_s": -1.0}, {"stride_s": 0.0}, {"stride_s": float("nan")}]
)
def test_windows_of_no_length_are_wrong_usage(model: Recognizer, clips: list[Path], lengths: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"(window|stride)_s must be"):
        model.classify(clips[0], **lengths)  # type: ignore[arg-type]


def test_fast_decoding_looks_at_key_frames(model: Recognizer, tmp_path: Path) -> None:
    path = render_gop(tmp_path / "a.mp4", gop=7, size=(48, 64), seconds=1.0)

    prediction = model.classify(path, decode="fast")

    # Frames 3, 9, 16 and 22 of 25 are sampled.
    assert [frame["index"] for frame in prediction.frames] == [0, 7, 14, 21]
    assert [frame["time_s"] for frame in prediction.frames] == pytest.approx([0.0, 0.28, 0.56, 0.84])
    assert [frame["index"] for frame in model.classify(path).frames] == [3, 9, 16, 22]
