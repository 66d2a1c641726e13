"""The frames that are sampled of still scenes with an event: what each shows, and ways to choose some of them.

Letters: N videos, n sampled frames, F features, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from adaframe.data.event_list import event_of
from adaframe.errors import DataError
from adaframe.model.priority import glance_change
from adaframe.training.feeding.augment import augment
from adaframe.training.feeding.material import Material
from adaframe.training.feeding.sources import candidate_plan

ALL_FRAMES = "all frames"
EVENT_ALONE = "the event's frames alone"
MOST_CHANGED = "that changed most"
_ONE_OF = 8  # so many times fewer frames than all, but at least four


@dataclass(frozen=True, eq=False)
class Film:
    """The n frames that are sampled of one video.

    Args:
        features: of each, by source, float32, (n, F).
        event: whether it shows the event, bool, (n,).
        change: of its glance against the one before, float64, (n,).
    """

    features: dict[str, torch.Tensor]
    event: NDArray[np.bool_]
    change: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Videos:
    """Films of one data set, in its order, with what they are.

    Args:
        targets: 1 at the classes that hold, float32, (N, K).
        folds: of each.
        groups: of each.
    """

    films: tuple[Film, ...]
    targets: NDArray[np.float32]
    folds: NDArray[np.str_]
    groups: tuple[str, ...]

    def content(self) -> float:
        """Share of the sampled frames that show the event."""
        return float(np.concatenate([film.event for film in self.films]).mean())


def films_of(material: Material, sources: Sequence[str], events: dict[str, tuple[float, float]]) -> Videos:
    """The sampled frames of all videos, as inference samples them.

    Args:
        material: with frozen features and a cache of frames.
        sources: whose features are wanted.
        events: start and end in seconds, by path.

    Raises:
        DataError: features are not frozen, a video has no event, or no sampled frame shows it.
    """
    if material.features is None or material.cache is None:
        raise DataError("the run has no frozen features; try: a run of configs/still-scene.yaml")
    model, cache, films = material.config.model, material.cache, []
    clips = [material.data_set.clips[n] for n in material.readable]
    for n, clip in zip(material.readable, clips, strict=True):
        indices, _, _ = candidate_plan(cache.times_s(n), cache.spans_s(n), model, None)
        start_s, end_s = event_of(events, clip.path)
        times_s = cache.times_s(n)[indices]
        event = (times_s >= start_s) & (times_s < end_s)
        if not event.any():
            raise DataError(f"{clip.path}: no sampled frame shows its event; try: more model.sampling.frames")
        crops = augment(cache.frames(n, indices), model.preprocess, None, None)
        images, valid = torch.from_numpy(np.ascontiguousarray(crops))[None], torch.ones(1, len(indices)).bool()
        change = glance_change(images, valid, model.glance.pixels, model.preprocess)[0].double().numpy()
        values = material.features.values
        features = {s: torch.from_numpy(values[f"{s}/{n}"][0][indices].astype(np.float32)) for s in sources}
        films.append(Film(features, event, change))
    return Videos(
        tuple(films),
        material.targets[material.readable],
        np.array([clip.fold for clip in clips]),
        tuple(clip.group or clip.path for clip in clips),
    )


def choices(videos: Videos, seed: int = 0) -> dict[str, list[NDArray[np.bool_]]]:
    """Ways to choose frames: for each, which of every video's, bool, (n,)."""
    random = np.random.default_rng(seed)
    frames = max(len(film.event) for film in videos.films)
    few = min(max(frames // _ONE_OF, 4), frames)

    def chosen(rule: Callable[[Film], NDArray[Any]]) -> list[NDArray[np.bool_]]:
        return [np.isin(np.arange(len(film.event)), rule(film)) for film in videos.films]

    return {
        ALL_FRAMES: chosen(lambda film: np.arange(len(film.event))),
        EVENT_ALONE: chosen(lambda film: np.flatnonzero(film.event)),
        "all but the event's": chosen(lambda film: np.flatnonzero(~film.event)),
        f"the {few} {MOST_CHANGED}": chosen(lambda film: np.argsort(-film.change)[:few]),
        f"{few} at random": chosen(lambda film: random.permutation(len(film.event))[:few]),
        f"{few} evenly spread": chosen(lambda film: ((np.arange(few) + 0.5) * len(film.event) / few).astype(int)),
    }
