"""From clips to what recognisers see of them: every file is decoded once, and all features of its views are computed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from adaframe.data.manifest import Clip
from adaframe.errors import AdaframeError, DataError, VideoError
from adaframe.evaluation.many_views import OWN_WINDOWS, ManyViews
from adaframe.evaluation.views import Method, View, joined, settled
from adaframe.inference.recognizer import Recognizer
from adaframe.model.network import Clips, Features
from adaframe.model.priority import frame_priority
from adaframe.progress import Line
from adaframe.video import DecodePool, Parts

TIMED_WINDOWS = 8  # the first ones
SETTLED_FROM = 1 << 30  # bytes of features

Settle = Callable[[View], Sequence[Method]]


def look_at(
    clips: Sequence[Clip],
    recognizers: Sequence[Recognizer],
    workers: int,
    decode: str = "auto",
    many: ManyViews = OWN_WINDOWS,
    settle: Settle | None = None,
) -> tuple[list[View], list[Clip]]:
    """Decode every clip once for each way of preprocessing, and compute all features of all views of it.

    Args:
        clips: to decode.
        recognizers: that look at them.
        workers: decoding processes; 0 means one per core.
        decode: auto, exact or fast.
        many: how each clip is spread into views.
        settle: makes the methods of some windows at a time, where none depends on other windows: then features are let go
            as soon as there is a gigabyte of them. None keeps them all.

    Returns:
        A view for each recogniser, and the clips that could be read.
    """
    kept: list[Clip] | None = None
    views: dict[int, View] = {}
    requests: dict[tuple[object, object], list[int]] = {}
    for i, r in enumerate(recognizers):
        requests.setdefault((r.metadata.sampling, r.metadata.preprocess), []).append(i)
    for members in requests.values():
        bad: set[int] = set()
        odd: dict[str, str] = {}
        collected = [_Collected(recognizers[i], settle) for i in members]
        shared = recognizers[members[0]].metadata
        jobs = [
            replace(many.request(shared.request(clip.path, decode=decode)), start_s=clip.start_s, end_s=clip.end_s)
            for clip in clips
        ]
        line = Line("looking at the clips")
        with DecodePool(workers=workers) as pool:
            for part in Parts(pool, jobs):
                line.update(part.number, len(jobs))
                frames = part.frames
                if isinstance(frames, VideoError):
                    print(f"left out: {frames}", file=sys.stderr)
                    bad.add(part.number)
                    continue
                if frames.warnings:
                    odd.setdefault(part.path, frames.warnings[0])
                for crops in many.cut(frames.images, shared.preprocess.crop):
                    for one in collected:
                        one.add(part.number - len(bad), crops, frames.valid, frames.times_s)
                if settle is None and part.last and part.number == len(bad):  # the first file that can be read
                    _warn_of_memory(sum(one.size() for one in collected) * len(jobs))
        line.done()
        if odd:
            path, warning = next(iter(odd.items()))
            print(f"warning: {len(odd)} files are odd or damaged in part: {path} ({warning}), …", file=sys.stderr)
        good = [clip for n, clip in enumerate(clips) if n not in bad]
        if not good:
            raise DataError("none of the clips can be read")
        if kept is not None and [c.path for c in kept] != [c.path for c in good]:
            raise AdaframeError("the models could not read the same clips; try: leave out what cannot be read")
        kept = good
        views |= {i: one.view() for i, one in zip(members, collected, strict=True)}
    assert kept is not None
    return [views[i] for i in range(len(recognizers))], kept


def _warn_of_memory(needed: float) -> None:
    """Said after the first file, and not when the system ends the process after hours."""
    if not hasattr(os, "sysconf"):
        return
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there:
        print(
            f"warning: features of all views will need about {needed / 1e9:.0f} GB, this machine has {there / 1e9:.0f} GB; "
            "try: fewer --clips and --crops, or a manifest of fewer clips",
            file=sys.stderr,
        )


class _Collected:
    """Gathers features clip by clip, or what came of them."""

    def __init__(self, recognizer: Recognizer, settle: Settle | None) -> None:
        self.recognizer, self.settle = recognizer, settle
        self.settled: list[View] = []
        self.rows: list[tuple[Features, Tensor, Tensor, Tensor]] = []
        self.clip_of: list[int] = []
        self.crops: list[Tensor] = []

    @torch.inference_mode()
    def add(self, number: int, images: np.ndarray, valid: np.ndarray, times_s: np.ndarray) -> None:
        network, device = self.recognizer.network, self.recognizer.device
        relative = np.where(valid, times_s - times_s[:, :1], 0.0).astype(np.float32)
        clips = Clips(*(torch.from_numpy(np.ascontiguousarray(x)).to(device) for x in (images, valid, relative)))
        features = network.all_features(clips)
        glance = None if features.glance is None else features.glance.cpu()
        features = Features(glance, tuple(x.cpu() for x in features.looks))
        priority = frame_priority(network.rule or "change", clips.crops, clips.valid, network.model).cpu()
        self.rows.append((features, clips.valid.cpu(), clips.times_s.cpu(), priority))
        self.clip_of += [number] * len(images)
        if sum(len(c) for c in self.crops) < TIMED_WINDOWS:
            self.crops.append(clips.crops)
        if self.settle is not None and self.size() > SETTLED_FROM:
            self._settle(self.settle)

    def size(self) -> int:
        """Bytes that its features take, twice: once more while they are put together."""
        return 2 * sum(x.nbytes for f, *_ in self.rows for x in (*f.looks, f.glance) if x is not None)

    def view(self) -> View:
        """Of everything; call it once."""
        if self.settle is None:
            return self._view()
        if self.rows:
            self._settle(self.settle)
        return replace(joined(self.settled), timed_crops=torch.cat(self.crops)[:TIMED_WINDOWS])

    def _settle(self, settle: Settle) -> None:
        view = self._view()
        self.rows, self.clip_of = [], []
        self.settled.append(settled(view, settle(view)))

    def _view(self) -> View:
        features, valid, times_s, priority = zip(*self.rows, strict=True)
        glances = [f.glance for f in features if f.glance is not None]
        looks = tuple(torch.cat(x) for x in zip(*(f.looks for f in features), strict=True))
        return View(
            recognizer=self.recognizer,
            features=Features(torch.cat(glances) if glances else None, looks),
            valid=torch.cat(valid),
            times_s=torch.cat(times_s),
            priority=torch.cat(priority),
            clip_of=torch.tensor(self.clip_of),
            timed_crops=torch.cat(self.crops)[:TIMED_WINDOWS],
        )
