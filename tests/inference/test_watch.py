"""Sources and a model -> moments and events, also when sources come and go."""

from __future__ import annotations

import importlib.util
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import adaframe
from adaframe.errors import AdaframeError, UnreadableVideo, UsageError
from adaframe.inference.moment import Event, Moment
from adaframe.inference.recognizer import Recognizer
from adaframe.inference.watch import watch
from adaframe.video.live_frame import LiveFrame, Outage

MakeCheckpoint = Callable[..., Path]
RenderClip = Callable[..., Path]


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


fake = _load("fake_cameras")


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Recognizer:
    return adaframe.load(tiny_checkpoint, device="cpu")


def scenes(count: int, seed: int = 0) -> np.ndarray:
    patches = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    return patches.repeat(12, axis=1).repeat(16, axis=2)


def told(items: Iterator[Moment | Event]) -> tuple[list[Moment], list[Event]]:
    everything = list(items)
    return [i for i in everything if isinstance(i, Moment)], [i for i in everything if isinstance(i, Event)]


def pictures_of_a_label(model: Recognizer, label: str) -> np.ndarray:
    """A picture that the model, seeing nothing else, gives this label."""
    for seed in range(200):
        image = scenes(1, seed)
        answer = model.classify_frames(image)
        if answer.label == label and answer.top[0][1] - answer.top[1][1] > 0.2:
            return image[0]
    raise AssertionError(label)


def test_there_is_a_moment_for_each_sampled_frame(model: Recognizer) -> None:
    cameras = fake.FakeCameras(fake.shots(scenes(40), 8.0))

    moments, _ = told(watch(model, ["cam"], cameras=cameras, every_frame=True))

    assert [m.stream_s for m in moments] == [n / 4 for n in range(20)]  # the model samples 4 a second
    assert moments[3].time == fake.at(0.75)
    assert {m.source for m in moments} == {"cam"}
    assert {m.action for m in moments} <= {"look-32", "look-16", "glance", "skip"}
    assert {m.dropped for m in moments} == {0}
    assert all(0 <= m.saved <= 1 for m in moments)
    assert moments[-1].image is not None
    assert moments[-1].image.shape == (48, 64, 3)
    assert cameras.closed
    row = json.loads(json.dumps(moments[-1].to_json()))
    assert list(row)[:3] == ["source", "time", "stream_s"]


def test_saved_and_compute_are_of_what_was_executed(model: Recognizer, make_checkpoint: MakeCheckpoint) -> None:
    uniform = adaframe.load(make_checkpoint("uniform", plan="uniform"), device="cpu")
    moments, _ = told(watch(uniform, ["cam"], cameras=fake.FakeCameras(fake.shots(scenes(80), 4.0)), every_frame=True))
    assert moments[-1].saved == pytest.approx(0.0)
    assert moments[-1].gmacs_per_s == pytest.approx(4 * uniform.network.costs.uniform_frame / 1e9, rel=0.01)

    same, _ = told(watch(model, ["cam"], cameras=fake.FakeCameras(fake.shots(scenes(80), 4.0)), every_frame=True))
    assert 0.1 < same[-1].saved < 1.0
    assert same[-1].gmacs_per_s == pytest.approx((1 - same[-1].saved) * moments[-1].gmacs_per_s, rel=0.05)


def test_labels_begin_and_end(model: Recognizer) -> None:
    first, second = (pictures_of_a_label(model, label) for label in ("run", "wave"))
    images = [first] * 40 + [second] * 40

    moments, events = told(watch(model, ["cam"], cameras=fake.FakeCameras(fake.shots(images, 4.0)), every_frame=True))

    kinds = [(e.event, e.label) for e in events if e.label != "sit"]
    assert kinds == [("start", "run"), ("end", "run"), ("start", "wave"), ("end", "wave")]
    begin, end = events[0], next(e for e in events if e.event == "end")
    assert begin.stream_s == 1.0  # half a window, then half a second
    assert end.began == begin.time
    assert 10.0 < end.stream_s < 12.5
    assert 0 < end.peak <= 1
    assert moments[-1].label == "wave"
    # The state that a moment shows is the one that its events made.
    assert [m.label for m in moments if m.stream_s == begin.stream_s] == ["run"]


def test_what_is_lost_ends_at_once_and_begins_anew_when_it_is_back(model: Recognizer) -> None:
    image = pictures_of_a_label(model, "run")
    before, after = fake.shots([image] * 20, 4.0), fake.shots([image] * 20, 4.0, start_s=6.0)
    lost, back = Outage("lost", "cam", fake.at(5.5), "no frame for 5 s"), Outage("back", "cam", fake.at(6.0))

    items = list(watch(model, ["cam"], cameras=fake.FakeCameras([*before, lost, back, *after]), every_frame=True))

    events = [i for i in items if isinstance(i, Event)]
    assert [e.event for e in events] == ["start", "end", "lost", "back", "start", "end"]
    assert events[1].time == before[-1].time
    assert events[2].why == "no frame for 5 s"
    assert events[4].stream_s == 7.0  # of an answer that is about what came afterwards
    between = items[items.index(events[2]) : items.index(events[3])]
    assert between == [events[2]]


def test_cameras_are_told_apart_and_looked_at_together(model: Recognizer) -> None:
    names, n = ("left", "right"), 12
    streams = {name: fake.shots(scenes(n, seed), 4.0, source=name) for seed, name in enumerate(names)}
    together = fake.FakeCameras([[streams[name][i] for name in names] for i in range(n)])

    moments, _ = told(watch(model, names, cameras=together, every_frame=True))

    for name in names:
        alone, _ = told(watch(model, [name], cameras=fake.FakeCameras(streams[name]), every_frame=True))
        mine = [m for m in moments if m.source == name]
        assert [m.action for m in mine] == [m.action for m in alone]
        assert [m.confidence for m in mine] == pytest.approx([m.confidence for m in alone], abs=1e-4)


def test_frames_that_went_by_are_counted_but_not_those_that_a_slow_camera_never_gave(model: Recognizer) -> None:
    images = scenes(40)
    busy = [shot for shot in fake.shots(images, 8.0) if shot.number < 8 or shot.number >= 16]
    slow = fake.shots(images[:10], 2.0)

    of_busy, _ = told(watch(model, ["cam"], cameras=fake.FakeCameras(busy), every_frame=True))
    of_slow, _ = told(watch(model, ["cam"], cameras=fake.FakeCameras(slow), every_frame=True))

    assert (of_busy[0].dropped, of_busy[-1].dropped) == (0, 4)
    assert of_slow[-1].dropped == 0


def test_the_model_may_be_loaded_meanwhile(tiny_checkpoint: Path) -> None:
    cameras = fake.FakeCameras(fake.shots(scenes(4), 4.0))

    moments, _ = told(watch(lambda: adaframe.load(tiny_checkpoint), ["cam"], cameras=cameras, every_frame=True))

    assert len(moments) == 4


def test_it_ends_when_asked_or_after_some_seconds(model: Recognizer) -> None:
    endless = (shot for shot in itertools.cycle(fake.shots(scenes(4), 4.0)))
    asked = iter([False] * 3 + [True])
    cameras = fake.FakeCameras(endless)
    told(watch(model, ["cam"], cameras=cameras, every_frame=True, stop=lambda: next(asked)))
    assert cameras.closed

    cameras = fake.FakeCameras(endless)
    told(watch(model, ["cam"], cameras=cameras, every_frame=True, max_seconds=0.05))
    assert cameras.closed


def test_one_that_stops_listening_closes_the_cameras_and_gives_the_threads_back(model: Recognizer) -> None:
    threads = torch.get_num_threads()
    cameras = fake.FakeCameras(fake.shots(scenes(40), 4.0))
    moments = watch(model, ["cam"], cameras=cameras, every_frame=True)
    next(iter(moments))

    moments.close()  # type: ignore[attr-defined]

    assert cameras.closed
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_load": 0.3, "latency_ms": 100.0}, "cannot both"),
        ({"max_load": 0.0}, "max_load must be above 0"),
        ({"latency_ms": float("nan")}, "latency_ms must be above 0"),
    ],
)
def test_targets_that_make_no_sense_are_wrong_usage(model: Recognizer, options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        next(watch(model, ["cam"], cameras=fake.FakeCameras([]), **options))


def test_a_source_named_twice_is_wrong_usage(model: Recognizer) -> None:
    with pytest.raises(UsageError, match="twice"):
        next(watch(model, ["cam", "cam"], cameras=fake.FakeCameras([])))


def test_a_budget_below_what_the_model_can_do_is_said_at_once(model: Recognizer) -> None:
    with pytest.raises(AdaframeError, match="below what this model can do"):
        next(watch(model, ["cam"], budget=1e-6, cameras=fake.FakeCameras([])))


class Failing(fake.FakeCameras):  # type: ignore[name-defined, misc]
    """Cameras of which one cannot be used."""

    def take(self, timeout_s: float) -> list[LiveFrame | Outage]:
        news = super().take(timeout_s)
        if news and news[0].source == "bad.mp4":
            self.ended = self.only
            raise UnreadableVideo("bad.mp4", "no picture")
        return news

    only = False


def test_a_source_that_cannot_be_used_is_an_error_alone_and_lost_among_others(model: Recognizer) -> None:
    good, bad = fake.shots(scenes(4), 4.0), fake.shots(scenes(1), 4.0, source="bad.mp4")
    moments, events = told(watch(model, ["cam", "bad.mp4"], cameras=Failing([*bad, *good]), every_frame=True))
    assert len(moments) == 4
    assert [(e.event, e.source) for e in events[:1]] == [("lost", "bad.mp4")]
    assert (events[0].why, events[0].retried) == ("no picture", False)
    assert events[0].to_json()["retried"] is False

    alone = Failing(bad)
    alone.only = True
    with pytest.raises(UnreadableVideo, match="no picture"):
        list(watch(model, ["bad.mp4"], cameras=alone))


def test_a_file_is_played_as_live_and_its_frames_that_are_not_due_are_not_dropped_ones(
    model: Recognizer, render_clip: RenderClip
) -> None:
    clip = render_clip("live.mp4", 2.0, fps=30)

    moments, events = told(model.stream(str(clip)))

    assert 6 <= len(moments) <= 9
    assert moments[-1].stream_s > 1.5
    assert all(0 <= m.delay_s < 5 for m in moments)
    assert {e.event for e in events} <= {"start", "end"}


def test_every_frame_of_a_file_in_no_time(model: Recognizer, render_clip: RenderClip) -> None:
    clip = render_clip("long.mp4", 6.0, fps=30)

    moments, _ = told(model.stream([str(clip)], every_frame=True))

    assert [m.stream_s for m in moments] == pytest.approx([n / 4 for n in range(24)], abs=0.04)
    assert moments[-1].dropped == 0
