"""What training minimises. Letters: B videos, T sampled frames, A actions, K classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adaframe.model.actions import Actions
from adaframe.model.cost import Costs


def classification_loss(
    scores: Tensor,
    targets: Tensor,
    *,
    multi_label: bool,
    label_smoothing: float = 0.0,
    class_weights: Tensor | None = None,
) -> Tensor:
    """Cross-entropy, or binary cross-entropy where several classes may hold at once.

    Args:
        scores: before softmax or sigmoid, (B, K).
        targets: 1 at the classes that hold, or shares of mixed clips' classes, float, (B, K).
        multi_label: which of the two.
        label_smoothing: share of the target spread over all classes (with several labels: over yes and no of each).
        class_weights: how much a clip of each class counts (multi-label: its presence, against its absence), (K,).
    """
    if multi_label:
        smooth = targets * (1 - label_smoothing) + 0.5 * label_smoothing
        return F.binary_cross_entropy_with_logits(scores, smooth, pos_weight=class_weights)
    if class_weights is None:
        return F.cross_entropy(scores, targets, label_smoothing=label_smoothing)
    # Not divided by the batch's own weights, as torch does: a rare clip would count the less the more of its kind are there.
    each = F.cross_entropy(scores, targets, label_smoothing=label_smoothing, reduction="none")
    return (each * (targets @ class_weights)).mean()


def balancing_weights(targets: Tensor, *, multi_label: bool, most: float = 10.0) -> Tensor:
    """Weights under which all classes count alike, (K,); a clip counts 1 on the mean.

    Args:
        targets: of the training clips, (N, K).
        multi_label: then the weight of a class's presence against its absence, at least 1.
        most: no clip counts more than so many times the commonest class's (or absence).
    """
    count = targets.sum(dim=0).clamp(min=1)
    if multi_label:
        return ((len(targets) - count) / count).clamp(1.0, most)
    weights = (count.max() / count).clamp(max=most)
    return weights * len(targets) / (weights * count).sum()


def cost_penalty(one_hot: Tensor, valid: Tensor, costs: Costs, actions: Actions) -> Tensor:
    """Mean cost of the chosen actions as a fraction of uniform's, as a stream counts (skips save glances), scalar.

    A look's start is paid once for a video: the frame that alone chose it is charged for it, and where it is not chosen every
    frame is told what the first choice of it would take.

    Args:
        one_hot: executed actions, straight-through, (B, T, A); zero at invalid frames.
        valid: bool, (B, T).
        costs: of the model's parts, in what the budget counts.
        actions: what the last axis of one_hot means.
    """
    per_action = one_hot.new_tensor(costs.per_action(actions))
    per_video = (one_hot * per_action).sum(dim=(1, 2))
    if costs.starts:
        used = 1 - (1 - one_hot).prod(dim=1)  # (B, A)
        per_video = per_video + (used * one_hot.new_tensor(costs.start_shares(actions))).sum(dim=1)
    return (per_video / valid.sum(dim=1).clamp(min=1)).mean()


def fixed_weight_loss(
    accuracy_loss: Tensor, one_hot: Tensor, costs: Costs, actions: Actions, weights: tuple[float, float, float]
) -> Tensor:
    """AR-Net's loss (arXiv:2007.15796, sec. 3.3, as its release computes it).

    accuracy·CE + efficiency·(GMACs per frame + uniformity·‖u - mean(u)‖₂), u the share of each action. Only looks cost;
    the paper writes a sum of squares where the release takes the root.

    Args:
        accuracy_loss: scalar.
        one_hot: executed actions, straight-through, (B, T, A).
        costs: of the model's parts.
        actions: what the last axis of one_hot means.
        weights: accuracy, efficiency, uniformity; the release trains with 0.95, 0.05, 3.
    """
    accuracy, efficiency, uniformity = weights
    gmacs = one_hot.new_tensor([m / 1e9 for m in costs.looks] + [0.0] * (len(actions) - len(costs.looks)))
    share = one_hot.sum(dim=(0, 1)) / one_hot.detach().sum().clamp(min=1)
    spread: Tensor = torch.linalg.vector_norm(share - share.mean())
    return accuracy * accuracy_loss + efficiency * ((share * gmacs).sum() + uniformity * spread)


def head_penalty(classify: nn.Module, *, strength: float | None, clips: int, multi_label: bool) -> Tensor:
    """As in a logistic regression: half the squared weights, divided by C and by the number of clips, scalar.

    Args:
        classify: the head's last layer; other than linear, it has no penalty.
        strength: 1/C; none: no penalty.
        clips: in the training set.
        multi_label: then there are as many regressions as classes.
    """
    if not strength or not isinstance(classify, nn.Linear):
        return torch.zeros(())
    weight = classify.weight
    # Two columns share what a binary logistic regression has in one weight: twice the penalty for the same fit.
    # With several labels the loss is the mean of as many regressions.
    columns = 1 / len(weight) if multi_label else 2 if len(weight) == 2 else 1
    penalty: Tensor = 0.5 * strength * columns * weight.square().sum() / clips
    return penalty
