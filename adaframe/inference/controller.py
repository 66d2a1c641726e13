"""Keeping live recognition within a share of a core, or within a delay: steps along what a model can do, dearest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adaframe.model.metadata import Metadata

# Of the nominal sampling rate, below the cheapest that the policy can be made to do; as far as a window keeps two frames.
RATES = (0.75, 0.5, 0.35, 0.25, 0.18, 0.125)
SETTLE_S = 3.5  # after a step, until what is measured is about the new level (load is averaged over 3 s)
ROOM = 0.9  # a dearer level is tried where it should stay below this share of what may be taken
PATIENCE_S, MOST_PATIENCE_S = 10.0, 160.0  # before a level that was too dear is tried again; doubles each time
KEPT_S = 30.0  # a level that was kept for so long was not too dear


@dataclass(frozen=True)
class Level:
    """One way to go about a stream.

    Args:
        beta: bias of the action logits against cost.
        cost: mean executed cost as a fraction of uniform's at the nominal sampling rate.
        rate: of the nominal sampling rate.
    """

    beta: float
    cost: float
    rate: float = 1.0


def levels(metadata: Metadata, budget: float | None = None) -> list[Level]:
    """What a model can do on a stream, from the dearest that a budget allows to the cheapest that makes sense.

    First comes where `classify` would work under that budget, then the points of the calibration below it, by what they cost on
    a stream (covered frames are not glanced at there), then the cheapest of them at lower sampling rates.

    Args:
        metadata: of the model.
        budget: upper bound on mean cost as a fraction of uniform's; None: what it was trained for.

    Raises:
        AdaframeError: the budget is below the cheapest that this model can do.
    """
    start = metadata.beta_for(budget)
    points = sorted((p for p in metadata.calibration if p.beta >= start), key=lambda p: p.beta)
    found = [Level(start, points[0].cost_stream if points else _plan_cost(metadata))]
    for point in points[1:]:
        if point.cost_stream < found[-1].cost:
            found.append(Level(point.beta, point.cost_stream))
    cheapest = found[-1]
    slower = [rate for rate in RATES if rate * metadata.sampling.frames >= 2]
    return found + [Level(cheapest.beta, cheapest.cost * rate, rate) for rate in slower]


def _plan_cost(metadata: Metadata) -> float:
    """Cost of a fixed plan as a fraction of uniform's."""
    from adaframe.model.plans import parse_plan

    if metadata.plan == "adaptive":  # a checkpoint without calibration: as far as is known
        return 1.0
    plan, costs = parse_plan(metadata.plan, metadata.model), metadata.costs
    source = costs.glance + costs.project[-1] if plan.source == "glance" else costs.uniform_frame
    return source / costs.uniform_frame / plan.every


class Controller:
    """Chooses a level, so that what is measured stays within its target.

    Over the target it steps down to where it should fit; back up when there is room. Of load it can tell what a level would
    take, since the model's own share is known and goes with the cost; of delay it tries the next. A level that turned out
    too dear is tried again later and later, so that it does not go to and fro.

    Args:
        levels: dearest first.
        target: of what is measured: a share of a core, or seconds.
    """

    def __init__(self, levels: Sequence[Level], target: float) -> None:
        self.levels, self.target = levels, target
        self.at = 0
        self.over = False  # whether even the cheapest level is above the target
        self._settled_s: float | None = None
        self._up_after_s = 0.0
        self._patience_s = PATIENCE_S
        self._rose_s: float | None = None

    @property
    def level(self) -> Level:
        return self.levels[self.at]

    def update(self, now_s: float, measured: float, model: float | None = None) -> bool:
        """The latest measurement; whether the level changed.

        Args:
            now_s: monotonic seconds.
            measured: load or delay over the last seconds.
            model: the part of a load that goes with the level's cost; None where that is not known.
        """
        if self._settled_s is None:
            self._settled_s = now_s + SETTLE_S
        if now_s < self._settled_s:
            return False
        last = len(self.levels) - 1
        self.over = measured > self.target and self.at == last
        if measured > self.target and self.at < last:
            below = range(self.at + 1, last + 1)
            goal = next((i for i in below if self._expected(i, measured, model) <= self.target), last)
            if model is None:
                goal = self.at + 1
            if self._rose_s is not None:
                self._patience_s = min(2 * self._patience_s, MOST_PATIENCE_S)
            self._up_after_s, self._rose_s = now_s + self._patience_s, None
            return self._move(goal, now_s)
        if self.at > 0 and now_s >= self._up_after_s:
            fits = [i for i in range(self.at) if self._expected(i, measured, model) <= ROOM * self.target]
            if fits:
                self._rose_s = now_s
                return self._move(fits[0] if model is not None else self.at - 1, now_s)
        if self._rose_s is not None and now_s - self._rose_s > KEPT_S:
            self._rose_s, self._patience_s = None, PATIENCE_S
        return False

    def _expected(self, level: int, measured: float, model: float | None) -> float:
        if model is None:
            return measured
        return measured + model * (self.levels[level].cost / self.level.cost - 1.0)

    def _move(self, to: int, now_s: float) -> bool:
        self.at, self._settled_s = to, now_s + SETTLE_S
        return True
