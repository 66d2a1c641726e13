"""Clips mixed in pairs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from adaframe.config import Stages
from adaframe.training.feeding.batch import Batch
from adaframe.training.mixup import Mixture, draw_mixture
from adaframe.training.module import Recogniser


def test_summaries_and_targets_are_mixed_by_the_same_shares() -> None:
    mixture = Mixture(torch.tensor([1, 0]), torch.tensor([[0.75], [1.0]]))

    summaries = mixture.of(torch.tensor([[4.0, 8.0], [0.0, 16.0]]))
    targets = mixture.of(torch.eye(2))

    torch.testing.assert_close(summaries, torch.tensor([[3.0, 10.0], [0.0, 16.0]]))
    torch.testing.assert_close(targets, torch.tensor([[0.75, 0.25], [0.0, 1.0]]))


def test_every_clip_keeps_the_larger_part_and_is_a_partner_once() -> None:
    mixture = draw_mixture(500, 1.0, np.random.default_rng(0))

    assert sorted(mixture.partners.tolist()) == list(range(500))
    assert mixture.shares.shape == (500, 1)
    # Beta(1, 1) is flat, and so is its larger half.
    assert 0.5 <= float(mixture.shares.min()) < 0.51
    assert 0.99 < float(mixture.shares.max()) <= 1
    assert float(mixture.shares.mean()) == pytest.approx(0.75, abs=0.02)


def test_a_small_alpha_mostly_leaves_clips_as_they_are() -> None:
    mixture = draw_mixture(500, 0.05, np.random.default_rng(0))

    assert float(mixture.shares.median()) > 0.999


@pytest.mark.parametrize(
    "stages", [Stages(1, 0, 0), Stages(0, 1, 0), Stages(0, 0, 1)], ids=["warmup", "joint", "finetune"]
)
@pytest.mark.parametrize("policy", ["adaptive", "static:look-32/1"])
def test_clips_that_are_mixed_half_and_half_are_one_to_every_stage(
    make_recogniser: Callable[..., Recogniser],
    make_batch: Callable[..., Batch],
    monkeypatch: pytest.MonkeyPatch,
    stages: Stages,
    policy: str,
) -> None:
    halves = Mixture(torch.tensor([1, 0, 3, 2]), torch.full((4, 1), 0.5))
    monkeypatch.setattr("adaframe.training.module.draw_mixture", lambda *_: halves)
    monkeypatch.setattr(Recogniser, "log", lambda *_, **__: None)
    monkeypatch.setattr(Recogniser, "log_dict", lambda *_, **__: None)
    met = {}

    for mixup in (0.0, 1.0):
        module = make_recogniser(policy=policy, **{"train.mixup": mixup, "train.stages": stages})
        monkeypatch.setattr(
            "adaframe.training.module.classification_loss",
            lambda scores, targets, mixup=mixup, **_: met.update({mixup: (scores, targets)}) or scores.sum(),
        )
        module.training_step(make_batch(module.network), 0)

    assert not torch.allclose(met[0.0][0][0], met[0.0][0][1])
    assert torch.equal(met[0.0][1], torch.eye(2).repeat(2, 1))
    torch.testing.assert_close(met[1.0][0][0], met[1.0][0][1])
    assert torch.equal(met[1.0][1], torch.full((4, 2), 0.5))
