"""The baseline that adaptive must not fall behind on small data: frozen features of every frame and a linear layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from adaframe.errors import DataError
from adaframe.training.calibration import Outcome
from adaframe.training.losses import classification_loss

if TYPE_CHECKING:
    from adaframe.model.network import Network
    from adaframe.training.feeding.material import Material

# The inverse of scikit-learn's C = 1e-3: features outnumber clips by far. Not tuned on the clips that it is reported on.
PENALTY = 1000.0


def frozen_linear(material: Material, network: Network, learnt: list[int], held_out: list[int]) -> Outcome:
    """Logistic regression on [mean, mean absolute difference of successive frames] of the strongest look's features.

    Features are standardised on the clips learnt from; the penalty is fixed beforehand.
    """
    strongest = network.costs.strongest
    if material.features is None:
        raise DataError("frozen_linear needs frozen features")
    x, y = summaries(material, network, learnt, strongest)
    multi_label = material.data_set.multi_label
    new, targets = summaries(material, network, held_out, strongest)
    likely = linear_answers(x, y, new, multi_label=multi_label)
    frames = torch.tensor([int(b.valid.sum()) for b in _each(material, network, held_out)])
    uniform = network.costs.uniform(frames).numpy()
    return Outcome(
        clips=np.array(held_out),
        scores=likely.numpy(),
        targets=targets.numpy(),
        cost=np.ones(len(held_out)),
        cost_stream=np.ones(len(held_out)),
        gmacs=uniform / 1e9,
        gmacs_uniform=uniform / 1e9,
        actions={network.actions.looks[strongest]: 1.0},
        multi_label=multi_label,
    )


def _each(material: Material, network: Network, clips: list[int]) -> list:  # type: ignore[type-arg]
    from adaframe.training.feeding.batches import Batches

    source = material.source(network)
    return list(Batches(source, clips, material.targets, 1, glances=True))


def summaries(material: Material, network: Network, clips: list[int], look: int) -> tuple[torch.Tensor, torch.Tensor]:
    """[mean, mean absolute difference of successive frames] of one look's features, (N, 2F), and targets, (N, K)."""
    rows, targets = [], []
    for batch in _each(material, network, clips):
        rows.append(summary(batch.features.looks[look][0][batch.valid[0]]))
        targets.append(batch.targets[0])
    return torch.stack(rows), torch.stack(targets)


def summary(frames: torch.Tensor) -> torch.Tensor:
    """[mean, mean absolute difference of successive frames] of features (n, F), (2F,)."""
    change = (frames[1:] - frames[:-1]).abs().mean(dim=0) if len(frames) > 1 else torch.zeros_like(frames[0])
    return torch.cat([frames.mean(dim=0), change])


def linear_answers(x: torch.Tensor, y: torch.Tensor, new: torch.Tensor, *, multi_label: bool) -> torch.Tensor:
    """Probabilities of new rows (M, F), by logistic regression on others, (M, K).

    Args:
        x: features that it learns from, on which all are standardised, (N, F).
        y: 1 at the classes that hold, (N, K).
        new: features of the rows in question.
        multi_label: whether several classes may hold at once.
    """
    mean, std = x.mean(dim=0), x.std(dim=0, correction=0).clamp(min=1e-6)
    weights, bias = logistic_regression((x - mean) / std, y, PENALTY, multi_label=multi_label)
    logits = (new - mean) / std @ weights + bias
    return torch.sigmoid(logits) if multi_label else torch.softmax(logits, dim=1)


def logistic_regression(
    x: torch.Tensor, y: torch.Tensor, penalty: float, *, multi_label: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights (F, K) and bias (K,) of the penalised maximum likelihood, by L-BFGS.

    Args:
        x: standardised features, (N, F).
        y: 1 at the classes that hold, (N, K).
        penalty: the inverse of scikit-learn's C.
        multi_label: whether several classes may hold at once.
    """
    weights = torch.zeros(x.shape[1], y.shape[1], requires_grad=True)
    bias = torch.zeros(y.shape[1], requires_grad=True)
    # Two columns share the weight that scikit-learn's binary model has in one: twice the penalty for the same fit.
    penalty = penalty * (2 if y.shape[1] == 2 and not multi_label else 1)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = classification_loss(x @ weights + bias, y, multi_label=multi_label) * (
            y.numel() if multi_label else len(y)
        )
        loss = loss + 0.5 * penalty * (weights**2).sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        optimiser.step(closure)
    return weights.detach(), bias.detach()
