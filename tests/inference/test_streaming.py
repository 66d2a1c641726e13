"""A stream's frames are decided about as a file's, by time, with a state that does not grow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import adaframe
from adaframe.config import Policy
from adaframe.errors import UsageError
from adaframe.inference import streaming
from adaframe.inference.frame_answer import FrameAnswer
from adaframe.inference.recognizer import Recognizer
from adaframe.inference.streaming import Streaming

MakeCheckpoint = Callable[..., Path]
SPACING_S = 0.25  # of the tiny model: 4 frames in windows of a second


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Recognizer:
    return adaframe.load(tiny_checkpoint, device="cpu")


def scenes(count: int, seed: int = 0) -> np.ndarray:
    """Coarse coloured patches, uint8, (count, 32, 32, 3)."""
    patches = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    return patches.repeat(8, axis=1).repeat(8, axis=2)


def run(eyes: Streaming, images: np.ndarray, times_s: np.ndarray, source: str = "cam") -> list[FrameAnswer]:
    answers = [eyes.see([(source, image, float(t))])[0] for image, t in zip(images, times_s, strict=True)]
    return [answer for answer in answers if answer is not None]


@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize("beta", [0.0, 4.0])
@pytest.mark.parametrize("start_s", [0.0, 1e6])
def test_over_a_window_decisions_and_scores_are_those_of_a_file(
    make_checkpoint: MakeCheckpoint, beta: float, start_s: float, changes: bool
) -> None:
    policy = Policy(project=4, hidden=4, skips=(1, 2), changes=changes)
    model = adaframe.load(make_checkpoint(f"changes-{changes}", parts={"policy": policy}), device="cpu")
    times, met = np.array([0.0, 0.26, 0.49, 0.77]), set()
    for seed in range(12):
        images = scenes(4, seed)
        summary, decisions = model._summarise(images[None], np.ones((1, 4), bool), times[None], beta)

        answers = run(Streaming(model, beta=beta), images, start_s + times)

        assert [a.action for a in answers] == decisions.names(0)
        with torch.inference_mode():
            expected = torch.softmax(model.network.head.answer(summary)[0], dim=0).numpy()
        assert np.abs(answers[-1].likely - expected).max() < 1e-5
        assert answers[-1].strangeness == pytest.approx(float(model.network.head.strangeness(summary)), rel=1e-4)
        met |= {a.action for a in answers}
    assert {"look-32", "skip"} <= met if beta == 0.0 else "skip" in met  # else the comparison would say little


def test_what_a_stream_executes_is_a_files_compute_without_the_covered_glances(model: Recognizer) -> None:
    costs = model.network.costs
    for seed in range(6):
        images = scenes(4, seed)
        of_file = model.classify_frames(images, budget=1.0)
        expected = float(costs.streamed(of_file.decisions)[0]) - costs.head

        answers = run(Streaming(model), images, np.arange(4) * SPACING_S)

        seen = sum(a.action != "skip" for a in answers)
        assert sum(a.macs for a in answers) == pytest.approx(expected + seen * costs.head)
        assert sum(a.macs_uniform for a in answers) == pytest.approx(4 * costs.uniform_frame)


@pytest.mark.parametrize("plan", ["uniform", "glance", "static:look-16/2"])
def test_a_fixed_plan_is_kept_to(make_checkpoint: MakeCheckpoint, plan: str) -> None:
    model = adaframe.load(make_checkpoint(plan.replace(":", "-").replace("/", "-"), plan=plan), device="cpu")
    images = scenes(4)
    of_file = model.classify_frames(images)

    answers = run(Streaming(model), images, np.arange(4) * SPACING_S)

    expected = [frame["action"] for frame in of_file.frames]
    assert [a.action for a in answers] == expected[-len(answers) :]  # there is no answer before the first look
    assert np.abs(answers[-1].likely - dict_in_order(model, of_file.top)).max() < 1e-5


@pytest.mark.parametrize("plan", ["random:look-16/2", "change:look-16/2"])
def test_a_rule_that_needs_the_whole_window_cannot_stream(make_checkpoint: MakeCheckpoint, plan: str) -> None:
    model = adaframe.load(make_checkpoint(plan.replace(":", "-").replace("/", "-"), plan=plan), device="cpu")

    with pytest.raises(UsageError, match=f"^{plan}: .*whole window cannot stream; try: .*"):
        Streaming(model)


def test_after_a_thousand_frames_the_answer_is_about_the_last_window(make_checkpoint: MakeCheckpoint) -> None:
    model = adaframe.load(make_checkpoint("uniform-long", plan="uniform"), device="cpu")
    images = scenes(1000)

    answers = run(Streaming(model), images, np.arange(1000) * SPACING_S)

    of_window = model.classify_frames(images[-4:])
    assert np.abs(answers[-1].likely - dict_in_order(model, of_window.top)).max() < 1e-5


@pytest.mark.slow
def test_ten_thousand_frames_leave_no_more_behind_than_ten(model: Recognizer) -> None:
    eyes = Streaming(model)
    images = scenes(50)
    norms: list[float] = []

    for n in range(10_000):
        eyes.see([("cam", images[n % 50], n * SPACING_S)])
        (source,) = eyes._sources.values()
        assert source.state is not None
        norms.append(float(source.state[1].norm()))
        assert len(source.recent) <= 4

    assert max(norms[-1000:]) <= max(norms[:1000]) + 1e-4
    assert all(np.isfinite(norms))


@pytest.mark.parametrize("fps", [10, 60])
def test_seconds_count_not_frames(model: Recognizer, fps: int) -> None:
    """Cameras of 10 and 60 frames a second are sampled as one that gives just what the model wants."""
    pictures = scenes(40)
    expected = run(Streaming(model), pictures, np.arange(40) * SPACING_S)
    times = np.arange(int(9.9 * fps)) / fps

    answers = run(Streaming(model), pictures[((times + 0.05) / SPACING_S).astype(int).clip(max=39)], times)

    assert [a.action for a in answers] == [a.action for a in expected]
    assert np.abs(np.stack([a.likely for a in answers]) - np.stack([a.likely for a in expected])).max() < 0.2
    assert sum(a.macs for a in answers) == sum(a.macs for a in expected)


def test_jitter_does_not_cost_frames(model: Recognizer) -> None:
    eyes = Streaming(model)
    times = np.arange(100) * SPACING_S + np.random.default_rng(0).uniform(-0.02, 0.02, 100).clip(min=0.0)

    answers = run(eyes, scenes(100), times)

    assert len(answers) == 100
    assert sum(a.missed for a in answers) == 0


def test_frames_that_a_skip_covers_are_not_resized(model: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    resized: list[int] = []
    resize = streaming.resize_frame
    monkeypatch.setattr(streaming, "resize_frame", lambda *a, **k: (resized.append(1), resize(*a, **k))[1])
    large = scenes(40).repeat(2, axis=1).repeat(2, axis=2)

    answers = run(Streaming(model, beta=64.0), large, np.arange(40) * SPACING_S)

    glanced = sum(a.macs > 0 for a in answers)
    assert len(answers) == 40
    assert 0 < glanced <= 30  # skips of 2 begin after a look in each window
    assert len(resized) == glanced


def test_a_scene_that_stands_still_costs_a_glance_in_each_window(model: Recognizer) -> None:
    still = scenes(1).repeat(80, axis=0)
    noise = np.random.default_rng(0).normal(0, 6, still.shape)
    noisy = (still + noise).clip(0, 255).astype(np.uint8)  # a block of 16×16 has 4 pixels here
    calm = (still + noise * 0.1).clip(0, 255).astype(np.uint8)

    answers, watched = (run(Streaming(model), images, np.arange(80) * SPACING_S) for images in (calm, noisy))

    assert sum(a.macs > 0 for a in answers) == 20  # seconds, and windows
    assert sum(a.macs > 0 for a in watched) > 40  # that is no still picture
    assert {int(a.likely.argmax()) for a in answers[4:]} == {int(answers[3].likely.argmax())}


def test_while_a_picture_stands_still_frames_are_wanted_more_seldom_and_none_is_missed(model: Recognizer) -> None:
    eyes, still = Streaming(model), scenes(1).repeat(12, axis=0)
    run(eyes, still[:4], np.arange(4) * SPACING_S)
    before_s = eyes.due_s("cam")

    (answer,) = run(eyes, still[:1], np.array([1.0]))  # a glance again, as a window is over
    (rest,) = run(eyes, still[:1], np.array([1.25]))
    due_s = eyes.due_s("cam")
    (late,) = run(eyes, still[:1], np.array([1.75]))

    assert before_s == pytest.approx(1.0, abs=0.03)
    assert (answer.macs > 0, rest.action, late.missed) == (True, "skip", 0)
    assert due_s == pytest.approx(1.75, abs=0.03)  # the longest skip is 2 frames


def test_a_picture_that_stands_still_may_be_let_be_for_half_a_window_and_never_beyond_its_end(
    model: Recognizer,
) -> None:
    eyes, still = Streaming(model), scenes(1).repeat(12, axis=0)
    run(eyes, still[:1], np.array([0.0]))
    unknown_s = eyes.late_s("cam")

    run(eyes, still[:1], np.array([0.25]))
    first_s = eyes.late_s("cam")
    (rested,) = run(eyes, still[:1], np.array([0.75]))  # the window ends at 1 s
    (over,) = run(eyes, still[:1], np.array([1.0]))

    assert unknown_s is None
    assert first_s == pytest.approx(0.75)
    assert (rested.action, rested.missed) == ("skip", 0)
    assert over.macs > 0
    assert eyes.late_s("cam") == pytest.approx(1.5)  # still it stands


def test_what_a_skip_covers_of_a_still_picture_is_compared_where_something_stirs(model: Recognizer) -> None:
    answers = []
    for stirs in (False, True):
        eyes, (before, after) = Streaming(model), scenes(2)
        run(eyes, before[None].repeat(2, axis=0), np.arange(2) * SPACING_S)
        if stirs:
            eyes.look_again("cam")
        answers += run(eyes, after[None], np.array([2 * SPACING_S]))

    unseen, seen = answers
    assert unseen.macs == 0
    assert seen.macs > 0
    assert seen.missed == 0


def test_something_small_that_begins_to_move_is_glanced_at_within_the_longest_skip(model: Recognizer) -> None:
    images = scenes(1).repeat(21, axis=0)
    images[12:, 28:, 28:] += 100  # a corner

    answers = run(Streaming(model), images, np.arange(21) * SPACING_S)

    assert any(a.macs > 0 for a in answers[12:14])
    assert sum(a.macs > 0 for a in answers[8:12]) <= 1


def test_still_pictures_can_be_treated_as_any_other(model: Recognizer) -> None:
    images = scenes(1).repeat(4, axis=0)
    of_file = model.classify_frames(images, budget=1.0)

    answers = run(Streaming(model, still=False), images, np.arange(4) * SPACING_S)

    assert [a.action for a in answers] == [frame["action"] for frame in of_file.frames]


def test_a_fixed_plan_leaves_still_pictures_out_only_where_it_is_told_to(make_checkpoint: MakeCheckpoint) -> None:
    model = adaframe.load(make_checkpoint("uniform", plan="uniform"), device="cpu")
    images, times_s = scenes(1).repeat(40, axis=0), np.arange(40) * SPACING_S

    seen = [
        sum(a.action != "skip" for a in run(Streaming(model, still=still), images, times_s)) for still in (None, True)
    ]

    assert seen == [40, 10]  # every frame; one in each window of a second


def test_sources_seen_together_get_what_they_get_alone(model: Recognizer) -> None:
    images = {name: scenes(24, seed) for seed, name in enumerate("abc")}
    alone = {name: run(Streaming(model), images[name], np.arange(24) * SPACING_S) for name in images}
    eyes = Streaming(model)

    for n in range(24):
        together = eyes.see([(name, images[name][n], n * SPACING_S) for name in images])

        for name, answer in zip(images, together, strict=True):
            assert answer is not None
            assert answer.action == alone[name][n].action
            assert np.abs(answer.likely - alone[name][n].likely).max() < 1e-4


@pytest.mark.parametrize("next_s", [100.0, 0.0])
def test_after_a_jump_in_time_nothing_is_left_of_what_was_before(model: Recognizer, next_s: float) -> None:
    after = scenes(4, seed=5)
    fresh = run(Streaming(model), after, np.arange(4) * SPACING_S)
    eyes = Streaming(model)
    run(eyes, scenes(9), np.arange(9) * SPACING_S)

    answers = run(eyes, after, next_s + np.arange(4) * SPACING_S)

    assert [a.action for a in answers] == [a.action for a in fresh]
    assert np.abs(answers[0].likely - fresh[0].likely).max() < 1e-5


def test_a_source_that_is_forgotten_begins_anew(model: Recognizer) -> None:
    after = scenes(4, seed=5)
    fresh = run(Streaming(model), after, np.arange(4) * SPACING_S)
    eyes = Streaming(model)
    run(eyes, scenes(8), np.arange(8) * SPACING_S)

    eyes.forget("cam")

    answers = run(eyes, after, 2.0 + np.arange(4) * SPACING_S)
    assert np.abs(np.stack([a.likely for a in answers]) - np.stack([a.likely for a in fresh])).max() < 1e-5


def test_frames_that_did_not_come_in_time_are_counted(model: Recognizer) -> None:
    answers = run(Streaming(model), scenes(3), np.array([0.0, 0.25, 1.0]))

    assert [a.missed for a in answers] == [0, 0, 2]
    assert [a.macs_uniform for a in answers] == [n * model.network.costs.uniform_frame for n in (1, 1, 3)]


def test_a_lower_rate_samples_fewer_frames(model: Recognizer) -> None:
    answers = run(Streaming(model, rate=0.5), scenes(40), np.arange(40) * SPACING_S)

    assert len(answers) == 20
    assert answers[1].macs_uniform == 2 * model.network.costs.uniform_frame  # of the nominal rate, as before


def dict_in_order(model: Recognizer, top: list[tuple[str, float]]) -> np.ndarray:
    return np.array([dict(top)[name] for name in model.classes])
