"""Files recognised together get what each gets alone, in order, and nothing waits for a full batch."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import adaframe
from adaframe.errors import DecoderFailure, VideoError
from adaframe.inference import in_order, many_files
from adaframe.inference.many_files import recognise_paths
from adaframe.inference.prediction import Prediction
from adaframe.inference.recognizer import Recognizer
from adaframe.inference.total import Recognised
from adaframe.video import ClipFrames, ClipRequest, read_clip

RenderClip = Callable[..., Path]


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Recognizer:
    return adaframe.load(tiny_checkpoint, device="cpu")


@pytest.fixture(scope="module")
def files(render_clip: RenderClip) -> list[str]:
    """One frame, less than a window, one to three windows, 40 windows; a damaged and a missing file between them."""
    seconds = [0.04, 0.5, 1.0, 3.0, 2.0, 1.0, 40.0, 0.12, 1.0]
    made = [str(render_clip(f"mixed-{n}.mp4", s, seed=n)) for n, s in enumerate(seconds)]
    damaged = Path(made[0]).with_name("mixed-damaged.mp4")
    damaged.write_bytes(b"no video at all " * 100)
    return [*made[:3], str(damaged), *made[3:7], "missing.mp4", *made[7:]]


@dataclass
class Decoded:
    """Stands in for the decoding processes. What is called slow is decoded when it is waited for: alone, by default; or
    never within the time that is waited."""

    slow: tuple[str, ...] = ()
    patient: bool = True
    workers: int = 1
    finished: set[str] = field(default_factory=set)

    def submit(self, function: Any, request: ClipRequest) -> DecodedFuture:
        return DecodedFuture(self, request)

    def wait(self, futures: Sequence[DecodedFuture], within_s: float | None = None) -> None:
        if within_s is None or self.patient:
            self.finished.add(next(future.name for future in futures if not future.done()))
        else:
            time.sleep(within_s)


@dataclass
class DecodedFuture:
    pool: Decoded
    request: ClipRequest

    @property
    def name(self) -> str:
        return Path(self.request.path).stem

    def done(self) -> bool:
        return self.name not in self.pool.slow or self.name in self.pool.finished

    def result(self) -> ClipFrames:
        if self.request.first_window:
            raise DecoderFailure(self.request.path, "the decoder crashed (SIGSEGV)")
        frames = read_clip(self.request)
        return replace(frames, warnings=("odd",)) if "mixed-4" in self.request.path else frames

    def cancel(self) -> None:
        pass


@dataclass
class Watched:
    """A recogniser that keeps the names of what it was given, batch by batch."""

    model: Recognizer
    batches: list[list[str]] = field(default_factory=list)
    found: list[list[Recognised]] = field(default_factory=list)

    def recognise_parts(self, parts: Sequence[ClipFrames], *, beta: float = 0.0) -> list[Recognised]:
        self.batches.append([Path(part.path).stem for part in parts])
        self.found.append(self.model.recognise_parts(parts, beta=beta))
        return self.found[-1]


def recognise(watched: Watched, paths: Iterable[str], pool: Decoded, **named: Any) -> list[Prediction | VideoError]:
    return list(recognise_paths(lambda: watched, watched.model.metadata, paths, pool, **named))  # type: ignore[arg-type]


@pytest.mark.parametrize("budget", [None, 0.2])
def test_mixed_files_get_what_each_gets_alone(model: Recognizer, files: list[str], budget: float | None) -> None:
    watched, beta = Watched(model), model.metadata.beta_for(budget)

    answers = recognise(watched, files, Decoded(), beta=beta)

    assert [isinstance(answer, VideoError) for answer in answers] == [n in (3, 8) for n in range(len(files))]
    assert max(len(set(batch)) for batch in watched.batches) > 5  # else nothing was recognised together
    for path, answer in zip(files, answers, strict=True):
        if isinstance(answer, VideoError):
            assert answer.where == path
            continue
        request = model.metadata.request(path)
        first = read_clip(request)
        alone = model.classify_parts(path, [first], budget=budget)  # what comes after 32 windows crashes
        assert answer.path == path
        assert np.abs(answer.logits - alone.logits).max() < 1e-4
        assert torch.equal(answer.decisions.actions, alone.decisions.actions)
        assert (answer.label, answer.frames, answer.unsure) == (alone.label, alone.frames, alone.unsure)
        assert len(answer.timeline) == len(alone.timeline)
        assert answer.gmacs == pytest.approx(alone.gmacs)
        assert answer.gmacs_uniform == pytest.approx(alone.gmacs_uniform)
        lost = ("8 windows are left out: the decoder crashed (SIGSEGV)",) if "mixed-6" in path else ()
        assert answer.warnings == (("odd",) if "mixed-4" in path else lost)
    assert len(answers[7].timeline) == 32  # type: ignore[union-attr]


def test_the_time_of_a_batch_is_shared_by_executed_macs(model: Recognizer, files: list[str]) -> None:
    watched = Watched(model)

    recognise(watched, files, Decoded())

    batch = watched.found[0]
    assert len(batch) > 2
    model_s, macs = sum(part.model_s for part in batch), sum(part.macs for part in batch)
    assert [part.model_s / model_s for part in batch] == pytest.approx([part.macs / macs for part in batch])
    assert len({part.macs for part in batch}) > 1


def test_a_slow_file_is_overtaken_and_answered_in_its_turn(model: Recognizer, files: list[str]) -> None:
    watched = Watched(model)

    answers = recognise(watched, files[:7], Decoded(slow=("mixed-1",)))

    assert watched.batches[0] == ["mixed-0", "mixed-2", "mixed-3", "mixed-4", "mixed-5"]
    assert watched.batches[-1] == ["mixed-1"]
    assert [answer.path if isinstance(answer, Prediction) else answer.where for answer in answers] == files[:7]


def test_the_first_batch_waits_for_nothing_and_others_a_moment_while_they_are_small(
    model: Recognizer, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_files, "_PIXELS_WORTH_A_PASS", 6 * 4 * 32**2)  # six windows of four frames
    slow = ("mixed-1", "mixed-2", "mixed-3", "mixed-4")  # one window, one, three, two
    watched = Watched(model)

    recognise(watched, [path for path in files[:7] if "damaged" not in path], Decoded(slow=slow))

    assert watched.batches == [["mixed-0", "mixed-5"], ["mixed-1", "mixed-2", "mixed-3", "mixed-4"]]


def test_a_batch_is_not_kept_waiting_for_long(
    model: Recognizer, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_files, "_WAIT_S", 0.01)
    watched = Watched(model)

    recognise(watched, [files[0], files[1], files[2]], Decoded(slow=("mixed-1", "mixed-2"), patient=False))

    assert watched.batches == [["mixed-0"], ["mixed-1"], ["mixed-2"]]


def test_pictures_of_many_answers_that_wait_are_given_up(
    model: Recognizer, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_order, "_PICTURES_KEPT", 2 * 4 * 32**2 * 3)  # two windows of four frames

    answers = recognise(Watched(model), files[:7], Decoded(slow=("mixed-0",)))

    kept = [answer.crops is not None for answer in answers if isinstance(answer, Prediction)]
    assert kept == [True, True, True, False, False, False]


@pytest.mark.parametrize(("busy", "left"), [(0, 4), (1, 3), (3, 1), (9, 1)])
def test_torch_leaves_decoders_their_cores_and_gets_its_own_back(busy: int, left: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        with many_files.threads(beside=busy):
            assert torch.get_num_threads() == left
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


def test_a_batch_ends_with_the_part_that_makes_it_large(
    model: Recognizer, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_files, "PIXELS_PER_BATCH", 3 * 4 * 32**2)  # three windows of four frames
    watched = Watched(model)

    recognise(watched, files[:7], Decoded())

    assert watched.batches == [["mixed-0", "mixed-1", "mixed-2"], ["mixed-3"], ["mixed-4", "mixed-5"]]


def test_an_error_needs_no_model(model: Recognizer) -> None:
    def never() -> Recognizer:
        raise AssertionError("the model was waited for")

    answers = list(recognise_paths(never, model.metadata, ["missing.mp4"], Decoded()))  # type: ignore[arg-type]

    assert [type(answer).__name__ for answer in answers] == ["UnreadableVideo"]


def test_neither_module_needs_the_other_to_be_imported_first() -> None:
    code = "import sys, adaframe.inference.many_files; assert not {'torch', 'adaframe.inference.recognizer'} & set(sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
