"""Random decisions of a given cost."""

from __future__ import annotations

import pytest
import torch

from adaframe.config import Glance, Look, Model, Policy, Preprocess, Sampling
from adaframe.evaluation.speed.mixture import draw_decisions
from adaframe.model.network import Network

VALID = torch.arange(16) < torch.tensor([16] * 7 + [5])[:, None]


@pytest.fixture(scope="module")
def network() -> Network:
    model = Model(
        glance=Glance(8, "tiny-1", "none", answers=True),
        looks=(Look("look-64", 64, "tiny-4", "none"), Look("look-32", 32, "tiny-4", "none")),
        policy=Policy(project=4, hidden=4, skips=(1, 2, 4)),
        sampling=Sampling(16),
        preprocess=Preprocess(64, 64),
    )
    return Network(model, classes=3).eval()


def cost(network: Network, fraction: float, seed: int = 0) -> float:
    decisions = draw_decisions(network, VALID, fraction, seed=seed)
    uniform = network.costs.uniform(VALID.sum(dim=1)).sum()
    return float(network.costs.executed(decisions).sum() / uniform)


@pytest.mark.parametrize("fraction", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_cost_is_the_fraction_of_uniform_that_was_asked_for(network: Network, fraction: float, seed: int) -> None:
    assert cost(network, fraction, seed) == pytest.approx(fraction, abs=0.02)


def test_at_half_the_cost_all_actions_are_met(network: Network) -> None:
    shares = draw_decisions(network, VALID, 0.5).shares()

    assert set(shares) == {"look-64", "look-32", "glance", "skip-1", "skip-2", "skip-4"}
    assert min(shares.values()) > 0


def test_the_same_seed_draws_the_same(network: Network) -> None:
    first, again, other = (draw_decisions(network, VALID, 0.5, seed=seed).actions for seed in (3, 3, 4))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_skips_cover_the_frames_that_they_say_and_never_the_first(network: Network) -> None:
    decisions = draw_decisions(network, VALID, 0.4)
    covers = network.actions.covers

    for actions, decided, length in zip(decisions.actions, decisions.decided, VALID.sum(dim=1), strict=True):
        t = 0
        while t < length:
            action = int(actions[t])
            stretch = slice(t, min(t + covers[action], int(length)))
            assert set(actions[stretch].tolist()) == {action}
            assert decided[stretch].tolist() == [True] + [False] * (stretch.stop - t - 1)
            t += covers[action]
    assert (decisions.actions[:, 0] < len(network.actions.sources)).all()
    assert torch.equal(decisions.glanced, VALID)
    assert not decisions.actions[~VALID].any()


def test_beyond_what_the_model_can_do_comes_the_nearest(network: Network) -> None:
    most, least = draw_decisions(network, VALID, 9.0), draw_decisions(network, VALID, 1e-6)

    assert set(most.actions[VALID].tolist()) == {network.actions.sources.index("look-64")}
    assert least.names(0) == ["glance"] + ["skip"] * 15
