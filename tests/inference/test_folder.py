"""Many files: in order, errors as values, and decoding that waits for nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import folder_tasks
import numpy as np
import pytest
import torch

import adaframe
from adaframe.errors import AdaframeError, CheckpointError, DecoderFailure, UnreadableVideo, VideoError
from adaframe.inference.folder import classify_paths
from adaframe.inference.many_files import recognise_paths
from adaframe.inference.prediction import Prediction
from adaframe.inference.recognizer import Recognizer
from adaframe.video import ClipFrames, ClipRequest, DecodePool, read_clip

RenderClip = Callable[..., Path]


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Recognizer:
    return adaframe.load(tiny_checkpoint, device="cpu")


@pytest.fixture(scope="module")
def files(render_clip: RenderClip) -> list[Path]:
    """Six clips of one or three windows; the third file is damaged, the fifth is missing."""
    made = [render_clip(f"many-{seed}.mp4", 1.0 if seed % 2 else 3.0, seed=seed) for seed in range(6)]
    damaged = made[0].with_name("damaged.mp4")
    damaged.write_bytes(b"no video at all " * 100)
    return [*made[:2], damaged, made[2], made[0].with_name("missing.mp4"), *made[3:]]


class InProcess:
    """Stands in for the decoding processes: reads when a result is asked for; requests that `fails` picks fail."""

    workers = 1

    def __init__(
        self,
        fails: Callable[[ClipRequest], bool] = lambda request: False,
        *,
        ready: Callable[[ClipRequest], bool] = lambda request: True,
        read: Callable[[ClipRequest], ClipFrames] = read_clip,
    ) -> None:
        self.fails, self.ready, self.read = fails, ready, read

    def submit(self, function: Any, request: ClipRequest) -> InProcessFuture:
        return InProcessFuture(self, request)

    def wait(self, futures: list[InProcessFuture], within_s: float | None = None) -> None:
        raise AssertionError("all is there at once")


@dataclass
class InProcessFuture:
    pool: InProcess
    request: ClipRequest

    def done(self) -> bool:
        return self.pool.ready(self.request)

    def result(self) -> ClipFrames:
        if self.pool.fails(self.request):
            raise DecoderFailure(self.request.path, "the decoder crashed (SIGSEGV)")
        return self.pool.read(self.request)

    def cancel(self) -> None:
        pass


def test_many_files_get_what_each_gets_alone_in_order(model: Recognizer, files: list[Path]) -> None:
    answers = list(model.classify_many(files, workers=2))

    assert [isinstance(answer, VideoError) for answer in answers] == [i in (2, 4) for i in range(8)]
    for path, answer in zip(files, answers, strict=True):
        if isinstance(answer, VideoError):
            assert isinstance(answer, UnreadableVideo)
            assert answer.where == str(path)
            continue
        alone = model.classify(path)
        assert answer.path == str(path)
        assert (answer.label, answer.frames, answer.timeline) == (alone.label, alone.frames, alone.timeline)
        assert np.abs(answer.logits - alone.logits).max() < 1e-5
        assert torch.equal(answer.decisions.actions, alone.decisions.actions)


def test_classify_paths_loads_the_checkpoint_itself(
    model: Recognizer, files: list[Path], tiny_checkpoint: Path
) -> None:
    answers = list(
        classify_paths(files, checkpoint=tiny_checkpoint, window_s=0.5, stride_s=0.25, budget=0.2, workers=1)
    )

    assert [isinstance(answer, VideoError) for answer in answers] == [i in (2, 4) for i in range(8)]
    alone = model.classify(files[0], window_s=0.5, stride_s=0.25, budget=0.2)
    assert isinstance(answers[0], Prediction)
    assert len(answers[0].timeline) == 11
    assert (answers[0].frames, answers[0].timeline) == (alone.frames, alone.timeline)


def test_no_file_gives_no_answer(tiny_checkpoint: Path) -> None:
    assert list(classify_paths([], checkpoint=tiny_checkpoint, workers=1)) == []


def test_one_can_stop_half_way(model: Recognizer, files: list[Path]) -> None:
    with closing(model.classify_many(files * 10, workers=1)) as answers:  # type: ignore[type-var]
        first = next(answers)

    assert isinstance(first, Prediction)
    assert first.path == str(files[0])


def test_a_part_that_fails_later_is_a_warning(model: Recognizer, render_clip: RenderClip) -> None:
    clip = str(render_clip("seventy.mp4", 7.0, seed=5))
    whole = model.classify(clip, window_s=0.1)

    (answer,) = recognise_paths(
        lambda: model,
        model.metadata,
        [clip],
        InProcess(lambda request: request.first_window == 32),  # type: ignore[arg-type]
        window_s=0.1,
    )

    assert isinstance(answer, Prediction)
    assert answer.warnings == ("32 windows are left out: the decoder crashed (SIGSEGV)",)
    assert answer.timeline == whole.timeline[:32] + whole.timeline[64:]
    assert len(answer.decisions.actions) == 38


def test_the_time_of_a_part_that_failed_is_not_counted_twice(model: Recognizer, render_clip: RenderClip) -> None:
    clip = str(render_clip("seventy.mp4", 7.0, seed=5))
    decode_s = []

    def read(request: ClipRequest) -> ClipFrames:
        part = read_clip(request)
        decode_s.append(part.decode_s)
        return part

    pool = InProcess(lambda request: request.first_window > 0, read=read)
    (answer,) = recognise_paths(lambda: model, model.metadata, [clip], pool, window_s=0.1)  # type: ignore[arg-type]

    assert isinstance(answer, Prediction)
    assert answer.seconds["decode"] == pytest.approx(sum(decode_s))


class Troubled(DecodePool):
    """Decoders that crash or hang at some files."""

    def submit(self, function: Any, *args: Any) -> Any:
        return super().submit(folder_tasks.read, *args)


def test_others_go_on_while_a_decoder_hangs_and_after_one_crashed(
    model: Recognizer, render_clip: RenderClip, tmp_path: Path
) -> None:
    clip = render_clip("second.mp4", 1.0, seed=1)
    paths = [tmp_path / f"{n:02}{'-hang' if n == 1 else '-crash' if n == 4 else ''}.mp4" for n in range(24)]
    for path in paths:
        shutil.copy(clip, path)
    recognised: list[float] = []

    class Clocked:
        def recognise_parts(self, parts: Any, *, beta: float) -> Any:
            recognised.extend([time.monotonic()] * len(parts))
            return model.recognise_parts(parts, beta=beta)

    with Troubled(workers=2, timeout_s=4.0) as pool:
        answered, answers = [], []
        for answer in recognise_paths(Clocked, model.metadata, paths, pool):
            answered.append(time.monotonic())
            answers.append(answer)

    assert [getattr(a, "path", None) or a.where for a in answers] == [str(path) for path in paths]  # type: ignore[union-attr]
    bad = {n: answer.what for n, answer in enumerate(answers) if isinstance(answer, VideoError)}
    assert list(bad) == [1, 4]
    assert bad[1] == "decoding took longer than 4 s"
    assert bad[4] == "the decoder crashed (SIGABRT)"
    assert len(recognised) == 22
    # All that came after the hanging file was recognised while it hung, and answered when its turn had come.
    assert recognised[-1] < answered[1] - 1.0
    assert answered[-1] - answered[1] < 1.0


def test_a_budget_below_the_floor_is_said_before_any_file_is_read(tiny_checkpoint: Path) -> None:
    with pytest.raises(AdaframeError, match=r"budget 0\.01 is below what this model can do: .* try: --budget 0\."):
        next(classify_paths(["missing.mp4"], checkpoint=tiny_checkpoint, budget=0.01))


def test_what_is_no_checkpoint_is_said_before_any_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no\.safetensors: cannot be read"):
        next(classify_paths(["missing.mp4"], checkpoint=tmp_path / "no.safetensors"))


def test_a_script_without_a_main_guard_works(tiny_checkpoint: Path, files: list[Path], tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        f"""import adaframe
print("once")
model = adaframe.load({str(tiny_checkpoint)!r})
for answer in model.classify_many({[str(path) for path in files[:4]]!r}, workers=2):
    print(getattr(answer, "label", "an error"))
"""
    )

    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines.count("once") == 1
    assert len(lines) == 5
    assert lines[3] == "an error"


def test_decoding_starts_before_torch_is_imported(tiny_checkpoint: Path, files: list[Path]) -> None:
    code = """
import json, sys
from adaframe.inference.folder import classify_paths
from adaframe.video.pool import DecodePool

started = []
schedule = DecodePool._schedule

def spy(self, function, args):
    started.append([function.__name__, sorted({"torch", "pytorch_lightning", "cv2"} & set(sys.modules))])
    return schedule(self, function, args)

DecodePool._schedule = spy
answers = list(classify_paths(sys.argv[2:], checkpoint=sys.argv[1], device="cpu"))
print(json.dumps([started, [answer.label for answer in answers], "torch" in sys.modules, "cv2" in sys.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny_checkpoint), str(files[0])], capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    started, labels, torch_at_last, cv2_at_last = json.loads(done.stdout)
    assert started[0] == ["read_clip", []]
    assert len(labels) == 1
    assert torch_at_last
    assert not cv2_at_last


def test_the_way_to_decode_reaches_the_reader(model: Recognizer, files: list[Path]) -> None:
    asked: list[tuple[int, str]] = []

    def note(request: ClipRequest) -> bool:
        asked.append((request.first_window, request.decode))
        return False

    list(recognise_paths(lambda: model, model.metadata, files[1:2], InProcess(note), decode="fast"))  # type: ignore[arg-type]

    assert asked == [(0, "fast")]
