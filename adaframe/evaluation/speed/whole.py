"""From a file to its label: reading and the model one after the other, uniform against adaptive, in the same rounds.

Letters: W windows, T sampled frames.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adaframe.evaluation.speed.methods import Rivals
from adaframe.evaluation.speed.mixture import draw_decisions
from adaframe.evaluation.speed.turns import aligned, in_brackets, spread, take_turns, wait
from adaframe.model.actions import Decisions
from adaframe.model.network import Clips
from adaframe.video import ClipFrames, ClipRequest, read_clip, read_frames, resize_frames
from adaframe.video.clip import forget_facts


@dataclass(frozen=True, eq=False)
class Answer:
    """Seconds of one way from a file to its label.

    Args:
        read: demuxing, decoding and resizing.
        model: from the frames to the class scores.
    """

    read: float
    model: float

    @property
    def whole(self) -> float:
        return self.read + self.model


class File:
    """A video that is answered again and again.

    Args:
        rivals: who answer.
        path: of the video; of a long one the first windows are taken, as many as are read at once.
        decode: exact or fast.
        budgets: adaptive's costs, of uniform's.
    """

    def __init__(self, rivals: Rivals, path: Path, decode: str, budgets: Sequence[float]) -> None:
        model = rivals.network.model
        self.rivals, self.decode, self.budgets = rivals, decode, tuple(budgets)
        self.request = ClipRequest(str(path), model.sampling, model.preprocess, decode=decode)
        part = read_clip(self.request)
        self.name, self.windows = path.name, len(part.images)
        self.mixes = [draw_decisions(rivals.network, torch.from_numpy(part.valid), budget) for budget in budgets]
        self.full = read_frames(path, np.unique(part.indices)).images
        self.clips = clips_of(part, rivals.place)

    def resize(self) -> None:
        """The frames at full size -> those of the model."""
        resize_frames(self.full, self.request.preprocess)

    def recognise(self, clips: Clips, mix: Decisions | None) -> Tensor:
        """By uniform, or by adaptive's decisions; class scores, (W, K)."""
        return self.rivals.uniform(clips) if mix is None else self.rivals.adaptive(clips, mix)

    def answer(self, mix: Decisions | None) -> Answer:
        """As `classify`: a file that was never seen before, then the model."""
        forget_facts()
        started = time.perf_counter()
        part = read_clip(self.request)
        read = time.perf_counter()
        self.recognise(clips_of(part, self.rivals.place), mix).cpu()
        wait(self.rivals.place)
        return Answer(read - started, time.perf_counter() - read)


def clips_of(part: ClipFrames, place: torch.device) -> Clips:
    """The windows of a file as the model takes them."""
    times_s = np.where(part.valid, part.times_s - part.times_s[:, :1], 0.0).astype(np.float32)
    return Clips(*(torch.from_numpy(array).to(place) for array in (part.images, part.valid, times_s)))


def measure(files: Sequence[File], rounds: int) -> list[dict[str, Any]]:
    """Take turns, and sum up each file.

    Per file: `decode_share` is d, the part of uniform's time that reading takes. Per budget: `speed_up` is uniform's time
    over adaptive's; `allowed` what it would be if adaptive took the same time to read and its model ran in these rounds as
    it does alone: 1 / (d + (1 - d) · cost / efficiency).
    """
    answers: dict[tuple[int, int], list[Answer]] = {}

    def answering(number: int, which: int, mix: Decisions | None) -> None:
        answers.setdefault((number, which), []).append(files[number].answer(mix))

    runs, keys = [], []
    for number, file in enumerate(files):
        runs.append(file.resize)
        keys.append((number, "resize", 0))
        for which, mix in enumerate([None, *file.mixes]):
            runs.append(lambda file=file, mix=mix: file.recognise(file.clips, mix))  # type: ignore[misc]
            keys.append((number, "model", which))
            runs.append(lambda number=number, which=which, mix=mix: answering(number, which, mix))  # type: ignore[misc]
            keys.append((number, "whole", which))
    place = files[0].rivals.place
    seconds = dict(zip(keys, take_turns(runs, rounds, place), strict=True))
    return [
        _summary(
            file,
            resize=seconds[number, "resize", 0],
            alone=[seconds[number, "model", which] for which in range(len(file.mixes) + 1)],
            answers=[answers[number, which][-rounds:] for which in range(len(file.mixes) + 1)],
        )
        for number, file in enumerate(files)
    ]


def _summary(
    file: File, *, resize: Sequence[float], alone: Sequence[Sequence[float]], answers: Sequence[Sequence[Answer]]
) -> dict[str, Any]:
    uniform = answers[0]
    shares = [one.read / one.whole for one in uniform]
    found: dict[str, Any] = {
        "video": file.name,
        "decode": file.decode,
        "windows": file.windows,
        "decode_ms": spread([1e3 * (one.read - r) for one, r in zip(uniform, resize, strict=True)]),
        "resize_ms": spread([1e3 * r for r in resize]),
        "decode_share": spread(shares),
        "uniform": _times(uniform),
        "adaptive": [],
    }
    for budget, mix, model, taken in zip(file.budgets, file.mixes, alone[1:], answers[1:], strict=True):
        # What cost / efficiency comes to: the model's seconds of uniform's.
        ratios = [a / u for a, u in zip(model, alone[0], strict=True)]
        faster = [u.whole / a.whole for u, a in zip(uniform, taken, strict=True)]
        allowed = [1 / (d + (1 - d) * ratio) for d, ratio in zip(shares, ratios, strict=True)]
        saved = file.rivals.saved(mix)
        found["adaptive"].append(
            {
                "budget": budget,
                "gmacs_saved": saved,
                "efficiency": spread([1 / ratio / saved for ratio in ratios]),
                **_times(taken),
                "speed_up": spread(faster),
                "allowed": spread(allowed),
                "of_allowed": spread([f / a for f, a in zip(faster, allowed, strict=True)]),
            }
        )
    return found


def _times(answers: Sequence[Answer]) -> dict[str, dict[str, float]]:
    return {f"{name}_ms": spread([1e3 * getattr(one, name) for one in answers]) for name in ("read", "model", "whole")}


def as_text(files: Sequence[dict[str, Any]]) -> str:
    """A table with a row per file, way to decode and method."""
    head = "video,read,windows,,decode,resize,model,whole ms,(quartiles),d,times as fast,allowed,of it"
    rows = [tuple(head.split(","))]
    for file in files:
        parts = [f"{file[key]['median']:.1f}" for key in ("decode_ms", "resize_ms")]
        share = f"{file['decode_share']['median']:.2f}"
        start = (file["video"], file["decode"], str(file["windows"]))
        for name, one in [("uniform", file["uniform"])] + [(f"at {a['budget']:g}", a) for a in file["adaptive"]]:
            times = (*parts, f"{one['model_ms']['median']:.1f}", *in_brackets(one["whole_ms"], 1), share)
            ratios = [f"{one[k]['median']:.2f}" if k in one else "" for k in ("speed_up", "allowed", "of_allowed")]
            rows.append((*start, name, *times, *ratios))
    return "\n".join(aligned(rows, left=4))
