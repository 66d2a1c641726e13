"""Decoding fast by two steps: what the second one reads is answered as exactly as ever, and all stays in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adaframe
from adaframe.errors import DecoderFailure, VideoError
from adaframe.evaluation.speed.decode_films import render
from adaframe.inference import many_files
from adaframe.inference.many_files import recognise_paths
from adaframe.inference.prediction import Prediction
from adaframe.inference.recognizer import Recognizer
from adaframe.video import ClipFrames, ClipRequest, DecodePool, read_clip

MakeCheckpoint = Callable[..., Path]


def with_limit(checkpoint: Path, unsure_below: float) -> Recognizer:
    model = adaframe.load(checkpoint, device="cpu")
    model.metadata = replace(model.metadata, unsure_below=unsure_below)
    return model


@pytest.fixture(scope="module")
def never_sure(tiny_checkpoint: Path) -> Recognizer:
    return with_limit(tiny_checkpoint, 1.0)


@pytest.fixture(scope="module")
def sure(make_checkpoint: MakeCheckpoint) -> Recognizer:
    """Sees every frame in full, so that no look is closer than another; sure from a confidence of a half."""
    return with_limit(make_checkpoint("steps-uniform", plan="uniform"), 1e-6)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A key frame a second (one for four sampled frames), two and none but the first; one file of forty windows."""
    folder = tmp_path_factory.mktemp("steps")
    kinds = [(25, 3.0), (12, 2.0), (250, 3.0), (25, 40.0)]
    return [
        str(render(folder / f"{n}.mp4", gop=gop, size=(48, 64), seconds=seconds))
        for n, (gop, seconds) in enumerate(kinds)
    ]


@dataclass
class Here:
    """Decodes in this process, when asked for; keeps what was asked for. `slow`: only when waited for."""

    slow: Callable[[ClipRequest], bool] = lambda request: False
    fails: Callable[[ClipRequest], bool] = lambda request: False
    workers: int = 1
    asked: list[ClipRequest] = field(default_factory=list)

    def submit(self, function: Any, request: ClipRequest) -> Later:
        self.asked.append(request)
        return Later(self, request)


@dataclass
class Later:
    pool: Here
    request: ClipRequest

    def done(self) -> bool:
        return not self.pool.slow(self.request)

    def result(self) -> ClipFrames:
        if self.pool.fails(self.request):
            raise DecoderFailure(self.request.path, "the decoder crashed (SIGSEGV)")
        return read_clip(self.request)

    def cancel(self) -> None:
        pass


def answers(model: Recognizer, films: Sequence[str], pool: Here, decode: str) -> list[Prediction]:
    found = recognise_paths(lambda: model, model.metadata, films, pool, decode=decode)  # type: ignore[arg-type]
    predictions = list(found)
    assert not [answer for answer in predictions if isinstance(answer, VideoError)]
    return predictions  # type: ignore[return-value]


def test_a_model_that_is_never_sure_answers_as_from_exact_frames(never_sure: Recognizer, films: list[str]) -> None:
    pool = Here()

    exact, fast = (answers(never_sure, films, pool, decode) for decode in ("exact", "fast"))

    for one, other in zip(exact, fast, strict=True):
        assert Path(one.path).stem != "1" or one.frames != other.frames  # two key frames of four are enough
        if Path(one.path).stem == "1":
            continue
        assert np.abs(one.logits - other.logits).max() < 1e-4
        assert (one.frames, one.timeline, one.label) == (other.frames, other.timeline, other.label)
        assert other.gmacs > one.gmacs  # the first step is paid too
        assert other.gmacs_uniform == pytest.approx(one.gmacs_uniform)
        assert (one.crops is None) == (other.crops is None)
        assert one.crops is None or (other.crops == one.crops).all()


def test_one_file_by_itself_is_answered_as_among_others(sure: Recognizer, films: list[str]) -> None:
    together = answers(sure, films, Here(), "fast")

    for path, among in zip(films, together, strict=True):
        alone = sure.classify(path, decode="fast")

        assert np.abs(alone.logits - among.logits).max() < 1e-4
        assert (alone.frames, alone.timeline) == (among.frames, among.timeline)
        assert alone.gmacs == pytest.approx(among.gmacs)


def test_only_windows_that_key_frames_do_not_settle_are_read_exactly(sure: Recognizer, films: list[str]) -> None:
    pool = Here()

    answer = answers(sure, films[3:], pool, "fast")[0]

    again = [w for request in pool.asked if request.windows for w in request.windows]
    assert 0 < len(again) < 40  # else the comparison would say little
    assert [int(n) for n in answer.decisions.valid.sum(dim=1)] == [4 if w in again else 1 for w in range(40)]
    assert all(request.decode == "exact" for request in pool.asked if request.windows)


def test_a_slow_second_step_keeps_the_order(never_sure: Recognizer, films: list[str]) -> None:
    names = [films[0], films[2], films[1], films[0]]

    found = answers(never_sure, names, Here(slow=lambda request: request.windows is not None), "fast")

    assert [answer.path for answer in found] == names
    assert [frame["index"] for frame in found[0].frames] == sorted(frame["index"] for frame in found[0].frames)


def test_what_is_held_back_is_bounded(
    never_sure: Recognizer, films: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_files, "PIXELS_PER_BATCH", 1)  # a batch for each part
    pool = Here(slow=lambda request: request.windows is not None)
    waiting: list[int] = []
    finished = 0
    paths = iter([films[0]] * 40)

    found = recognise_paths(lambda: never_sure, never_sure.metadata, paths, pool, decode="fast")  # type: ignore[arg-type]
    for _ in found:
        finished += 1
        waiting.append(len([request for request in pool.asked if request.windows]) - finished)

    assert finished == 40
    assert max(waiting) == 8


def test_a_second_step_that_crashes_leaves_what_key_frames_say(never_sure: Recognizer, films: list[str]) -> None:
    pool = Here(fails=lambda request: request.windows is not None)

    answer = answers(never_sure, films[:1], pool, "fast")[0]

    assert answer.warnings == ("3 windows are answered from key frames alone: the decoder crashed (SIGSEGV)",)
    assert [frame["index"] for frame in answer.frames] == [0, 25, 50]


def test_a_model_that_does_not_know_when_it_is_unsure_takes_one_step(tiny_checkpoint: Path, films: list[str]) -> None:
    pool = Here()

    answers(with_limit(tiny_checkpoint, 0.0), films, pool, "fast")

    assert [request.scan for request in pool.asked] == [False] * len(pool.asked)


def test_child_processes_take_both_steps(never_sure: Recognizer, films: list[str]) -> None:
    with DecodePool(1) as pool:
        found = list(recognise_paths(lambda: never_sure, never_sure.metadata, films[:1], pool, decode="fast"))

    assert isinstance(found[0], Prediction)
    assert len(found[0].frames) == 12
