"""mAP of a whole epoch: it cannot be averaged over batches."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from adaframe.evaluation.metrics import mean_average_precision


class EpochAveragePrecision(Metric):
    """Gathers scores over an epoch; mean average precision as the reports compute it (NaN where no clip has a label).

    torchmetrics' own counts a class without a positive clip otherwise than the reports do.
    """

    full_state_update = False
    scores: list[Tensor]
    targets: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("scores", default=[], dist_reduce_fx="cat")
        self.add_state("targets", default=[], dist_reduce_fx="cat")

    def update(self, scores: Tensor, targets: Tensor) -> None:
        """Add a batch: scores before or after the sigmoid, and 1 at the classes that hold, both (B, K)."""
        self.scores.append(scores.detach().float())
        self.targets.append(targets)

    def compute(self) -> Tensor:
        scores, targets = dim_zero_cat(self.scores), dim_zero_cat(self.targets)
        found = mean_average_precision(scores.double().cpu().numpy(), targets.cpu().numpy() > 0)
        return torch.tensor(found, dtype=torch.float32)
