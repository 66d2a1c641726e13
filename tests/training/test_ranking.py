"""mAP of a whole epoch."""

from __future__ import annotations

import math

import pytest
import torch

from adaframe.evaluation.metrics import mean_average_precision
from adaframe.training.ranking import EpochAveragePrecision

SCORES = torch.tensor([[2.0, -1.0, 0.0], [1.0, 3.0, 0.0], [0.5, 1.0, 0.0], [-1.0, 0.5, 0.0]])
TARGETS = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])


def test_it_is_that_of_all_clips_not_the_mean_of_batches() -> None:
    metric = EpochAveragePrecision()

    for part in (slice(0, 3), slice(3, 4)):
        metric.update(SCORES[part], TARGETS[part])

    # First class: ranks 2 and 4, (1/2 + 2/4) / 2; second: ranks 2 and 3, (1/2 + 2/3) / 2; nobody has the third.
    assert float(metric.compute()) == pytest.approx((0.5 + 7 / 12) / 2)
    assert float(metric.compute()) == pytest.approx(mean_average_precision(SCORES.numpy(), TARGETS.numpy() > 0))


def test_without_a_label_there_is_none() -> None:
    metric = EpochAveragePrecision()

    metric.update(SCORES, torch.zeros_like(TARGETS))

    assert math.isnan(float(metric.compute()))


def test_an_epoch_forgets_the_one_before() -> None:
    metric = EpochAveragePrecision()
    metric.update(SCORES, 1 - TARGETS)

    metric.reset()
    metric.update(SCORES, TARGETS)

    assert float(metric.compute()) == pytest.approx((0.5 + 7 / 12) / 2)
