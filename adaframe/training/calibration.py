"""The curve along which a trained checkpoint can move: bias of the action logits -> cost and accuracy (or mAP)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from adaframe.evaluation.metrics import mean_average_precision
from adaframe.model import answer
from adaframe.model.actions import Decisions
from adaframe.model.metadata import CalibrationPoint
from adaframe.training.feeding.batch import Batch
from adaframe.training.module import Recogniser

BETAS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 64.0, 128.0)
# Between two biases whose costs lie further apart than this (of uniform's) more are tried, up to so many in all, and down
# to this share of a bias: below that the cost is a jump, which no bias divides.
COST_STEP, MOST_BETAS, FINEST = 0.03, 64, 0.01

Curve = list[tuple[float, "Outcome"]]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a model answered for N clips under one bias.

    Args:
        clips: numbers, int64, (N,).
        scores: probabilities, (N, K).
        targets: (N, K).
        cost: executed, as a fraction of uniform, in what the budget counts, (N,).
        cost_stream: had covered frames not been glanced at, (N,).
        gmacs: executed, (N,).
        gmacs_uniform: of uniform on the same clips, (N,).
        actions: share of each action.
        strangeness: distance from the training clips, (N,); 0 where it was not measured.
        multi_label: whether several classes may hold at once.
    """

    clips: np.ndarray
    scores: np.ndarray
    targets: np.ndarray
    cost: np.ndarray
    cost_stream: np.ndarray
    gmacs: np.ndarray
    gmacs_uniform: np.ndarray
    actions: dict[str, float]
    strangeness: np.ndarray = field(default_factory=lambda: np.zeros(0))
    multi_label: bool = False

    @property
    def right(self) -> np.ndarray:
        """Whether the answer is right (see `adaframe.model.answer`), bool, (N,)."""
        return answer.right(self.scores, self.targets, multi_label=self.multi_label)

    @property
    def confidence(self) -> np.ndarray:
        """Of the answer (see `adaframe.model.answer`), (N,)."""
        return answer.confidence(self.scores, multi_label=self.multi_label)

    @property
    def headline(self) -> float:
        """What to judge by: accuracy; with several labels mAP, which is NaN where no clip has a label."""
        if self.multi_label:
            return mean_average_precision(self.scores.astype(np.float64), self.targets > 0)
        return float(self.right.mean())


@torch.inference_mode()
def outcome(
    module: Recogniser,
    batches: Iterable[Batch],
    beta: float = 0.0,
    *,
    plan: Callable[[torch.Tensor], Decisions] | None = None,
) -> Outcome:
    """Run a model over batches as at inference, under a bias, or under fixed decisions about the valid frames (B, T)."""
    module.eval()
    costs, prices = module.network.costs, module.network.prices
    rows: list[list[torch.Tensor]] = []
    taken: list[Decisions] = []
    for batch in batches:
        batch = batch.to(module.device)
        summary, decisions = module.summarise(batch, beta, plan=plan)
        scores, strange = module.network.head.answer(summary), module.network.head.strangeness(summary)
        confident = torch.sigmoid(scores) if module.multi_label else torch.softmax(scores, dim=1)
        length = batch.valid.sum(dim=1)
        full, executed = prices.uniform(length), prices.executed(decisions)
        cost_of = [executed / full, prices.streamed(decisions) / full]
        macs = [costs.executed(decisions) / 1e9, costs.uniform(length) / 1e9]
        rows.append([batch.clips, confident, batch.targets, *cost_of, *macs, strange])
        taken.append(decisions)
    columns = [torch.cat(c).cpu().numpy() for c in zip(*rows, strict=True)]
    clips, likely, targets, cost, stream, gmacs, uniform, strangeness = columns
    frames = np.array([float(d.valid.sum()) for d in taken])
    names = taken[0].of.names
    shares = {n: float(np.average([d.shares()[n] for d in taken], weights=frames)) for n in names}
    return Outcome(clips, likely, targets, cost, stream, gmacs, uniform, shares, strangeness, module.multi_label)


def trace(answer: Callable[[float], Outcome]) -> Curve:
    """Outcomes along the whole curve: at `BETAS`, and between them where the cost falls steeply.

    Args:
        answer: the outcome under a bias.
    """
    found = {beta: answer(beta) for beta in BETAS}
    while len(found) < MOST_BETAS:
        falls = [
            (float(found[a].cost.mean() - found[b].cost.mean()), (a + b) / 2)
            for a, b in itertools.pairwise(sorted(found))
            if b - a > FINEST * b
        ]
        fall, between = max(falls, default=(0.0, 0.0))
        if fall <= COST_STEP:
            break
        found[between] = answer(between)
    return sorted(found.items())


def curve(outcomes: Sequence[tuple[float, Outcome]]) -> tuple[CalibrationPoint, ...]:
    """Calibration from outcomes under rising biases; cost is made to fall with the bias (it may rise by noise)."""
    points: list[CalibrationPoint] = []
    for beta, o in outcomes:
        cost, stream = round(float(o.cost.mean()), 5), round(float(o.cost_stream.mean()), 5)
        if points and cost >= points[-1].cost:
            continue
        points.append(CalibrationPoint(beta, cost, stream, round(o.headline, 5)))
    return tuple(points)
