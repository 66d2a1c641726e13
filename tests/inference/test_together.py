"""Files recognised together get what each gets alone, in order, and nothing waits for a full batch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import adaframe
from adaframe.errors import DecoderFailure, VideoError
from adaframe.inference import together
from adaframe.inference.prediction import Prediction
from adaframe.inference.recognizer import Recognizer
from adaframe.inference.together import recognise_paths
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
    """Stands in for the decoding processes; `ready` says which requests are decoded before they are waited for."""

    ready: Callable[[ClipRequest], bool] = lambda request: True
    workers: int = 1

    def submit(self, function: Any, request: ClipRequest) -> DecodedFuture:
        return DecodedFuture(self, request)


@dataclass
class DecodedFuture:
    pool: Decoded
    request: ClipRequest

    def done(self) -> bool:
        return self.pool.ready(self.request)

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


def test_a_file_is_not_kept_waiting_for_others_that_are_still_decoded(model: Recognizer, files: list[str]) -> None:
    slow = {"mixed-1", "mixed-5"}
    watched = Watched(model)

    recognise(watched, files[:7], Decoded(lambda request: Path(request.path).stem not in slow))

    assert watched.batches == [["mixed-0"], ["mixed-1", "mixed-2", "mixed-3", "mixed-4"], ["mixed-5"]]


def test_a_batch_ends_with_the_part_that_makes_it_large(
    model: Recognizer, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "PIXELS_PER_BATCH", 3 * 4 * 32**2)  # three windows of four frames
    watched = Watched(model)

    recognise(watched, files[:7], Decoded())

    assert watched.batches == [["mixed-0", "mixed-1", "mixed-2"], ["mixed-3"], ["mixed-4", "mixed-5"]]


def test_an_error_needs_no_model(model: Recognizer) -> None:
    def never() -> Recognizer:
        raise AssertionError("the model was waited for")

    answers = list(recognise_paths(never, model.metadata, ["missing.mp4"], Decoded()))  # type: ignore[arg-type]

    assert [type(answer).__name__ for answer in answers] == ["UnreadableVideo"]


def test_neither_module_needs_the_other_to_be_imported_first() -> None:
    code = "import sys, adaframe.inference.together; assert not {'torch', 'adaframe.inference.recognizer'} & set(sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
