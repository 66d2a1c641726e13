"""Which epoch's weights are kept, and when a stage has learnt all it will: both by the clips that are held out."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytorch_lightning as pl
from torch import Tensor

from adaframe.training.module import Recogniser

BUDGET_MARGIN = 0.02  # of uniform: an epoch that costs more than this above the budget is not a candidate
LEAST_GAIN = 1e-3  # in loss, of an epoch that is no more accurate: less is no reason to go on
Score = tuple[float, float]  # accuracy or mAP, then the loss turned round: larger is better


class Keep(pl.Callback):
    """Keeps the best epoch's weights, in memory and in last.ckpt, and ends stages that no longer get better.

    Candidates are epochs in which the policy has settled (from the middle of the joint stage on) and whose cost keeps to the
    budget; for a fixed plan, all. The best is the one with the highest accuracy (mAP), and of equals the one with
    the lowest loss. Where no clips are held out nothing is kept, and the last epoch's weights stay.

    Args:
        budget: as a fraction of uniform's cost.
        patience: epochs without getting better after which a stage ends; 0: never.
        best: whether to keep the best epoch, or just to end stages.
    """

    def __init__(self, *, budget: float, patience: int, best: bool) -> None:
        self.budget, self.patience, self.best = budget, patience, best
        self.kept: tuple[Score, int, dict[str, Tensor]] | None = None
        self.stage = ""
        self.reached: Score = (-math.inf, -math.inf)
        self.waited = 0

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, Recogniser)
        metrics = {k: float(v) for k, v in trainer.callback_metrics.items()}
        if "val/headline" not in metrics:
            return
        epoch, adaptive = trainer.current_epoch, module.network.plan is None
        stage = module.schedule.stage(epoch)
        score = (metrics["val/headline"], -metrics["val/loss"])
        settled = (
            not adaptive or stage == "finetune" or (stage == "joint" and module.schedule.progress(epoch + 1) > 0.5)
        )
        affordable = not adaptive or metrics["val/cost"] <= self.budget + BUDGET_MARGIN
        if self.best and settled and affordable and (self.kept is None or score > self.kept[0]):
            weights = {k: v.detach().cpu().clone() for k, v in module.network.state_dict().items()}
            self.kept = score, epoch, weights
        if stage != self.stage:
            self.stage, self.reached, self.waited = stage, (-math.inf, -math.inf), 0
        # In the joint stage accuracy falls while the cost does; only what is settled can be waited for.
        better = score > (self.reached[0], self.reached[1] + LEAST_GAIN)
        if better or (stage == "joint" and not (settled and affordable)):
            self.reached, self.waited = max(score, self.reached), 0
        else:
            self.waited += 1
        if self.patience and self.waited >= self.patience and module.cut_stage(epoch):
            trainer.fit_loop.max_epochs = module.schedule.epochs
            if trainer.is_global_zero:
                print(
                    f"stage {stage} ends here: not better for {self.waited} epochs; {module.schedule.epochs} epochs in all",
                    file=sys.stderr,
                )

    @property
    def kept_epoch(self) -> int | None:
        """Number of the epoch that is kept, from 1."""
        return None if self.kept is None else self.kept[1] + 1

    def restore(self, module: Recogniser) -> bool:
        """Load the weights that were kept; returns whether there were any."""
        if self.kept is None:
            return False
        module.network.load_state_dict(self.kept[2])
        return True

    def state_dict(self) -> dict[str, Any]:
        return {
            "kept": None if self.kept is None else [*self.kept[0], self.kept[1], self.kept[2]],
            "stage": self.stage,
            "reached": list(self.reached),
            "waited": self.waited,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        kept = state_dict["kept"]
        self.kept = None if kept is None else ((kept[0], kept[1]), int(kept[2]), kept[3])
        self.stage, self.waited = state_dict["stage"], state_dict["waited"]
        accuracy, loss = state_dict["reached"]
        self.reached = (accuracy, loss)
