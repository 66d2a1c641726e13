"""Clips joined to one stream: their order, their frames, and where in the stream a label holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from adaframe.config import Preprocess
from adaframe.data.clips import Clip
from adaframe.data.event_list import event_of
from adaframe.video.facts import probe
from adaframe.video.reader import read_frames

Stretch = tuple[float, float]
Events = dict[str, Stretch]  # start and end in a clip's file, by its path


def joined(clips: Sequence[Clip], *, scene: int, seed: int) -> list[Clip]:
    """Clips in the order of the stream: scenes of at most so many of one group and label, shuffled."""
    random = np.random.default_rng(seed)
    by_scene: list[list[Clip]] = []
    key = lambda clip: (clip.group, clip.labels)  # noqa: E731
    for _, group in itertools.groupby(sorted(clips, key=lambda c: (*key(c), c.path)), key):
        members = list(group)
        random.shuffle(members)
        by_scene += [members[i : i + scene] for i in range(0, len(members), scene)]
    return [clip for i in random.permutation(len(by_scene)) for clip in by_scene[i]]


def stretches(labels: Sequence[str], ends_s: Sequence[float], label: str) -> list[Stretch]:
    """Where the stream has the label without a break: seconds, of clips with these labels and ends."""
    found, start_s = [], 0.0
    for held, group in itertools.groupby(zip(labels, ends_s, strict=True), lambda pair: pair[0]):
        end_s = list(group)[-1][1]
        if held == label:
            found.append((start_s, end_s))
        start_s = end_s
    return found


def within(clips: Sequence[Clip], ends_s: Sequence[float], events: Events, label: str) -> list[Stretch]:
    """Where the events of the clips with the label are in the stream that they make: seconds."""
    found = []
    for clip, begin_s in zip(clips, [0.0, *ends_s], strict=False):
        if label in clip.labels:
            shift_s = begin_s - (clip.start_s or 0.0)
            start_s, end_s = event_of(events, clip.path)
            found.append((start_s + shift_s, end_s + shift_s))
    return found


class Crops:
    """Frames of clips at the model's crop size, read once."""

    def __init__(self, preprocess: Preprocess) -> None:
        self._preprocess = preprocess
        self._read: dict[Clip, tuple[NDArray[np.uint8], NDArray[np.float64]]] = {}

    def of(self, clip: Clip) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """All frames of a clip, uint8, (n, c, c, 3), and their seconds from its start; (n + 1,): the last is its end."""
        if clip not in self._read:
            facts = probe(clip.path)
            within = (facts.times_s >= (clip.start_s or 0.0) - 1e-6) & (facts.times_s < (clip.end_s or np.inf))
            frames = read_frames(clip.path, np.flatnonzero(within), preprocess=self._preprocess, facts=facts)
            times = np.append(frames.times_s, frames.times_s[-1] + 1 / facts.fps) - frames.times_s[0]
            self._read[clip] = frames.images, times
        return self._read[clip]


def stream_of(clips: Sequence[Clip], crops: Crops) -> Iterator[tuple[NDArray[np.uint8], float, str]]:
    """Pictures of the joined clips, seconds of the stream, the label that holds."""
    begin_s = 0.0
    for clip in clips:
        images, times = crops.of(clip)
        for image, time_s in zip(images, times[:-1].tolist(), strict=True):
            yield image, begin_s + time_s, clip.labels[0]
        begin_s += float(times[-1])
