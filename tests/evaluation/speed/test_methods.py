"""What the bench compares."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from adaframe.config import Glance, Look, Model, Policy, Preprocess, Sampling
from adaframe.evaluation.speed.methods import Rivals, model_methods, rows_of
from adaframe.evaluation.speed.mixture import draw_decisions
from adaframe.model.network import Clips, Network

MODEL = Model(
    glance=Glance(8, "tiny-1", "none", answers=True),
    looks=(Look("look-32", 32, "tiny-4", "none"), Look("look-16", 16, "tiny-4", "none")),
    policy=Policy(project=4, hidden=4, skips=(1, 2)),
    sampling=Sampling(8, window_s=0.4),
    preprocess=Preprocess(32, 32),
)


def rivals(model: Model = MODEL) -> Rivals:
    torch.manual_seed(0)
    return Rivals(Network(model, classes=3).eval())


@pytest.mark.parametrize("name", ["uniform", "adaptive at 0.5", "adaptive at 0.8", "dense", "glance"])
@pytest.mark.parametrize("answers", [True, False])
def test_what_is_reported_as_executed_is_what_runs(name: str, answers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # torch's counter does not know packed convolutions.
    monkeypatch.setattr("adaframe.model.network.pack_convolutions", lambda backbone: backbone)
    model = replace(MODEL, glance=replace(MODEL.glance, answers=answers))
    methods = model_methods(rivals(model), videos=5, batch=2, budgets=(0.5, 0.8))
    method = next(m for m in methods if m.name == name)

    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        method.run()

    # A policy step of a frame that a skip covers in all videos is counted, but not run where that is known at once.
    policy = 8 * 5 * rivals(model).network.costs.policy if "uniform" not in name else 0
    executed = counter.get_total_flops() / 2
    assert method.gmacs * 1e9 * 5 - policy <= executed <= method.gmacs * 1e9 * 5 * (1 + 1e-9)


def test_adaptive_takes_the_shares_of_uniform_that_were_asked_for() -> None:
    methods = model_methods(rivals(), videos=8, batch=8, budgets=(0.5, 0.8))
    gmacs = {method.name: method.gmacs for method in methods}

    assert [m.budget for m in methods] == [None, 0.5, 0.8, None, None]
    assert gmacs["adaptive at 0.5"] / gmacs["uniform"] == pytest.approx(0.5, abs=0.02)
    assert gmacs["adaptive at 0.8"] / gmacs["uniform"] == pytest.approx(0.8, abs=0.02)
    assert gmacs["glance"] < gmacs["adaptive at 0.5"] < gmacs["uniform"] < gmacs["dense"]
    assert sum((methods[1].decisions or {}).values()) == pytest.approx(1.0)


@torch.inference_mode()
def test_dense_and_adaptive_answer_alike_by_the_same_decisions() -> None:
    both = rivals()
    clips = Clips(
        torch.randint(0, 256, (3, 8, 32, 32, 3), dtype=torch.uint8),
        torch.ones(3, 8, dtype=torch.bool),
        torch.arange(8.0).repeat(3, 1),
    )
    decisions = draw_decisions(both.network, clips.valid, 0.5)

    torch.testing.assert_close(both.adaptive(clips, decisions), both.dense(clips, decisions), rtol=0, atol=1e-4)
    assert both.uniform(clips).shape == (3, 3)
    assert both.saved(decisions) == pytest.approx(2, abs=0.1)
    assert torch.equal(rows_of(decisions, slice(1, 3)).actions, decisions.actions[1:])
