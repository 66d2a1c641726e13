"""From answers that waver to labels that began and ended. Letter: K classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaframe.model.answer import NAMED_FROM

MARGIN, HOLD_S = 0.1, 0.5


@dataclass(frozen=True)
class Change:
    """A label began or ended.

    Args:
        event: start or end.
        label: its name.
        peak: its highest confidence so far, 0..1.
        began_s: when it began, in seconds of the stream.
    """

    event: str
    label: str
    peak: float
    began_s: float


class EventDetector:
    """Smoothed labels of one source: one takes over when it has led by a margin for some time.

    One label holds at a time; each is told of, no class counts as background. With several labels each class begins when it
    has been above 0.5 by half the margin for that time, and ends when it has been below by as much.

    Args:
        classes: names, (K,).
        multi_label: whether several may hold at once.
        margin: of confidence, 0..1.
        hold_s: seconds of the stream.
        warm_s: seconds from the first answer, before which nothing begins: these are about too few frames.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        multi_label: bool,
        margin: float = MARGIN,
        hold_s: float = HOLD_S,
        warm_s: float = 0.0,
    ) -> None:
        self.classes, self.multi_label = tuple(classes), multi_label
        self.margin, self.hold_s, self.warm_s = margin, hold_s, warm_s
        self._first_s: float | None = None
        self._on: dict[int, tuple[float, float]] = {}  # class -> when it began, its highest confidence
        self._since: dict[int, float] = {}  # class that is about to change -> since when
        self._likely: NDArray[np.floating] = np.zeros(len(self.classes))

    def update(self, time_s: float, likely: NDArray[np.floating]) -> list[Change]:
        """The next answer: confidences, (K,), and when."""
        self._likely = likely
        for k, (began_s, peak) in self._on.items():
            self._on[k] = began_s, max(peak, float(likely[k]))
        if self._first_s is None:
            self._first_s = time_s
        wanting = self._wanting(likely) if time_s - self._first_s >= self.warm_s else []
        self._since = {k: self._since.get(k, time_s) for k in wanting}
        # To within rounding: six frames of 0.1 s are half a second of stream.
        due = [k for k, since in self._since.items() if time_s - since >= self.hold_s - 1e-6]
        changes: list[Change] = []
        for k in due:
            del self._since[k]
            if k in self._on:
                changes.append(self._ended(k))
                continue
            if not self.multi_label:
                changes += [self._ended(other) for other in list(self._on)]
            self._on[k] = time_s, float(likely[k])
            changes.append(Change("start", self.classes[k], float(likely[k]), time_s))
        return changes

    def finish(self) -> list[Change]:
        """Everything that holds ends here: the stream did, or was lost."""
        self._since = {}
        return [self._ended(k) for k in list(self._on)]

    @property
    def label(self) -> str | list[str]:
        """What holds; with one label the likeliest class until one has led for long enough; with several likeliest first."""
        if self.multi_label:
            return [self.classes[k] for k in sorted(self._on, key=lambda k: -self._likely[k])]
        return self.classes[self._holding()]

    @property
    def confidence(self) -> float:
        """Of the label, by the latest answer; as `adaframe.model.answer.confidence` says it of several, or of none."""
        if not self.multi_label:
            return float(self._likely[self._holding()])
        return float(min((self._likely[k] for k in self._on), default=1.0 - self._likely.max()))

    def _holding(self) -> int:
        return next(iter(self._on), int(self._likely.argmax()))

    def _wanting(self, likely: NDArray[np.floating]) -> list[int]:
        """Classes that ought to begin or end, if this goes on."""
        if self.multi_label:
            half = self.margin / 2
            return [
                k for k, p in enumerate(likely) if (p < NAMED_FROM - half if k in self._on else p >= NAMED_FROM + half)
            ]
        leader = int(likely.argmax())
        if leader in self._on:
            return []
        rivals = [likely[k] for k in (self._on or range(len(likely))) if k != leader]
        return [leader] if float(likely[leader] - max(rivals, default=0.0)) >= self.margin else []

    def _ended(self, k: int) -> Change:
        began_s, peak = self._on.pop(k)
        return Change("end", self.classes[k], peak, began_s)
