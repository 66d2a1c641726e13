"""From which confidence, and up to which distance from the clips learnt from, an answer counts as sure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adaframe.evaluation.metrics import unsure_threshold
from adaframe.training.calibration import Outcome

UNSURE_SHARE = 0.10  # of the rightly answered validation clips, at most


def confidences(outcomes: Sequence[tuple[float, Outcome]], budget: float) -> tuple[np.ndarray, np.ndarray]:
    """Confidence and rightness of each clip at the bias that keeps to the budget."""
    kept = _kept(outcomes, budget)
    return kept.confidence, kept.right


def strangeness(outcomes: Sequence[tuple[float, Outcome]], budget: float) -> np.ndarray:
    """How far each clip is from those learnt from, at the bias that keeps to the budget."""
    return _kept(outcomes, budget).strangeness


def _kept(outcomes: Sequence[tuple[float, Outcome]], budget: float) -> Outcome:
    return next((o for _, o in outcomes if o.cost.mean() <= budget), outcomes[-1][1])


def unsure_limits(confidence: np.ndarray, right: np.ndarray, strange: np.ndarray | None) -> tuple[float, float]:
    """Thresholds on confidence and strangeness that leave at most a tenth of the rightly answered clips unsure.

    Half of these may be lost to strangeness, and the rest to confidence among the clips that are not strange.

    Args:
        confidence: of each clip's answer, (N,).
        right: whether it was right, bool, (N,).
        strange: distance from the clips learnt from, (N,); None where it was not measured.
    """
    if not right.any():
        return 0.0, 0.0
    if strange is None or not strange.size:
        return float(unsure_threshold(confidence, right)), 0.0
    # Confidence as a threshold knows it: a lower one is worse; so strangeness is turned round.
    above = -float(unsure_threshold(-strange, right, UNSURE_SHARE / 2))
    usual = strange <= above
    rest = UNSURE_SHARE * right.sum() - (right & ~usual).sum()
    return float(
        unsure_threshold(confidence[usual], right[usual], max(rest / max((right & usual).sum(), 1), 0.0))
    ), above
