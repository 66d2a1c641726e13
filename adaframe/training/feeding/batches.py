"""From clips to batches: cached frames, frames decoded anew, or features that never change.

Letters: B clips, T sampled frames, K classes, S sources, H×W pixels. All that is random comes from (seed, epoch, clip).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from itertools import chain

import numpy as np
import torch

from adaframe.errors import DataError, VideoError
from adaframe.model.network import Features
from adaframe.training.feeding.batch import Batch, Place
from adaframe.training.feeding.sources import Sample, Source

NONE_LEFT = "no clip is left to read; try: adaframe classify on one of them, to see what is wrong"


class Batches:
    """Batches of one pass over some clips.

    Args:
        source: of the samples.
        clips: numbers of the clips.
        targets: float32, (N, K), of all clips of the data set.
        batch_size: clips per batch; a last, smaller batch is kept if it has at least 2 clips or is the only one.
        seed: None for a fixed order and centre frames, and then a clip that cannot be read is left out. Otherwise
            (seed, epoch) shuffles, (seed, epoch, clip) augments, and a clip that cannot be read is replaced by another one
            of the same pass, which (seed, epoch, clip) chooses: the batches keep their number and their sizes, and are the
            same whenever it was found out.
        glances: whether the last of a sample's features is the glance's.
        bad: clips that are known to be unreadable.
        on_bad: called with the number and error of a clip that is found to be bad on the way.
        share: rank and number of ranks; each takes its share of every batch, without any clip twice.
        accumulate: batches per update.
    """

    def __init__(
        self,
        source: Source,
        clips: Sequence[int],
        targets: np.ndarray,
        batch_size: int,
        *,
        seed: tuple[int, int] | None = None,
        glances: bool = True,
        bad: Container[int] = (),
        on_bad: Callable[[int, VideoError], None] | None = None,
        share: tuple[int, int] = (0, 1),
        accumulate: int = 1,
    ) -> None:
        self.source, self.targets, self.seed, self.glances, self.on_bad = source, targets, seed, glances, on_bad
        self.share, self.known, self.found = share, bad, set[int]()
        readable = [c for c in clips if c not in bad]
        if not readable:
            raise DataError(NONE_LEFT)
        # Shuffled whole, so that the order does not depend on when a clip was found to be bad.
        self.order = np.array(readable if seed is None else clips, dtype=np.int64)
        if seed is not None:
            self.order = np.random.default_rng(seed).permutation(self.order)
        self.groups = [self.order[i : i + batch_size] for i in range(0, len(self.order), batch_size)]
        if seed is not None and len(self.groups) > 1 and len(self.groups[-1]) < 2:
            self.groups.pop()  # A batch norm cannot learn from one clip; the next epoch's order is another.
        windows = [self.groups[i : i + accumulate] for i in range(0, len(self.groups), accumulate)]
        self.updates = [sum(map(len, window)) for window in windows for _ in window]

    def __len__(self) -> int:
        return len(self.groups)

    def __iter__(self) -> Iterator[Batch]:
        shares = [self._own(group) for group in self.groups]
        wanted = [(int(c), self._first_choice(int(c))) for _, own in shares for c in own]
        taken = [choice for _, choice in wanted]
        samples = self.source.samples(taken, [self._rng(*pair) for pair in wanted])
        chosen = iter(wanted)
        for group, update, (first, own) in zip(self.groups, self.updates, shares, strict=True):
            good: list[tuple[int, Sample]] = []
            for _ in own:
                clip, choice = next(chosen)
                sample = next(samples)
                if isinstance(sample, VideoError):
                    self._note(choice, sample)
                    if self.seed is not None:
                        good.append(self._another(clip))
                else:
                    good.append((choice, sample))
            if good or self.share[1] > 1:
                place = Place(first if good else 0, len(group), update, counts=bool(good))
                yield self._collate(good or [self._any(group)], place)

    def _own(self, group: np.ndarray) -> tuple[int, np.ndarray]:
        """Where this rank's share of a group begins, and the share."""
        rank, ranks = self.share
        start, stop = (len(group) * r // ranks for r in (rank, rank + 1))
        return start, group[start:stop]

    def _first_choice(self, clip: int) -> int:
        return clip if self.seed is None or not self._is_bad(clip) else next(self._others(clip))

    def _others(self, clip: int) -> Iterator[int]:
        """Readable clips that may stand for a bad one, as (seed, epoch, clip) draws them."""
        assert self.seed is not None
        rng = np.random.default_rng((*self.seed, clip, 1))
        while not all(self._is_bad(int(c)) for c in self.order):
            other = int(self.order[rng.integers(len(self.order))])
            if not self._is_bad(other):
                yield other
        raise DataError(NONE_LEFT)

    def _another(self, clip: int) -> tuple[int, Sample]:
        for other in self._others(clip):
            sample = next(self.source.samples([other], [self._rng(clip, other)]))
            if not isinstance(sample, VideoError):
                return other, sample
            self._note(other, sample)
        raise DataError(NONE_LEFT)

    def _any(self, group: np.ndarray) -> tuple[int, Sample]:
        """A clip that goes along without counting: the first that can be read."""
        for clip in chain(group, self.order):
            if not self._is_bad(int(clip)):
                sample = next(self.source.samples([int(clip)], [None]))
                if not isinstance(sample, VideoError):
                    return int(clip), sample
                self._note(int(clip), sample)
        raise DataError(NONE_LEFT)

    def _rng(self, clip: int, choice: int) -> np.random.Generator | None:
        if self.seed is None:
            return None
        return np.random.default_rng((*self.seed, choice) if clip == choice else (*self.seed, choice, clip, 2))

    def _is_bad(self, clip: int) -> bool:
        return clip in self.known or clip in self.found

    def _note(self, clip: int, error: VideoError) -> None:
        first = not self._is_bad(clip)
        self.found.add(clip)
        if first and self.on_bad is not None:
            self.on_bad(clip, error)

    def _collate(self, good: list[tuple[int, Sample]], place: Place) -> Batch:
        stack = lambda arrays: torch.from_numpy(np.stack(arrays))  # noqa: E731
        crops, features = None, None
        first = good[0][1].frames
        if isinstance(first, tuple):
            values = [stack([s.frames[i] for _, s in good]) for i in range(len(first))]
            features = Features(values[-1] if self.glances else None, tuple(values[:-1] if self.glances else values))
        else:
            crops = stack([s.frames for _, s in good])
        return Batch(
            crops=crops,
            features=features,
            valid=stack([s.valid for _, s in good]),
            times_s=stack([s.times_s for _, s in good]),
            targets=torch.from_numpy(self.targets[[c for c, _ in good]]),
            clips=torch.tensor([c for c, _ in good]),
            part=place,
            priority=stack([s.priority for _, s in good]) if good[0][1].priority is not None else None,
        )
