"""Keeping to a budget while training."""

from __future__ import annotations

import pytest
import torch

from adaframe.training.budget import Multiplier


def multiplier(**options: float) -> Multiplier:
    return Multiplier(**{"budget": 0.5, "step": 0.1, "standing": 0.05, "start": 0.0, **options})


def test_it_rises_by_the_excess_and_falls_by_what_is_left() -> None:
    price = multiplier()

    price.update(0.7)
    assert float(price.value) == pytest.approx(0.1 * 0.2)

    price.update(0.35)
    assert float(price.value) == pytest.approx(0.1 * 0.2 - 0.1 * 0.15)


def test_an_excess_counts_up_to_a_quarter_of_uniform() -> None:
    price = multiplier()

    price.update(1.0)
    assert float(price.value) == pytest.approx(0.1 * 0.25)

    price.update(0.7)
    price.update(0.0)
    assert float(price.value) == pytest.approx(0.1 * 0.2)


def test_compute_has_a_price_from_the_first_update_on() -> None:
    assert float(Multiplier(budget=0.5, step=0.1, standing=0.05).value) > 0


def test_it_rests_at_the_budget() -> None:
    price = multiplier()
    price.update(0.9)
    before = float(price.value)

    price.update(0.5)

    assert float(price.value) == before


def test_it_stays_between_zero_and_its_bound() -> None:
    price = multiplier(highest=0.2)

    price.update(0.1)
    assert float(price.value) == 0.0

    for _ in range(100):
        price.update(1.0)
    assert float(price.value) == pytest.approx(0.2)


def test_the_standing_price_is_always_paid() -> None:
    price = multiplier()
    assert float(price.price()) == pytest.approx(0.05)

    price.update(0.7)

    assert float(price.price()) == pytest.approx(0.05 + 0.02)


def test_it_is_saved_and_resumed_and_learns_by_no_gradient() -> None:
    price, resumed = multiplier(), multiplier()
    price.update(1.0)

    resumed.load_state_dict(price.state_dict())

    assert list(price.state_dict()) == ["value"]
    assert float(resumed.value) == float(price.value) > 0
    assert not list(price.parameters())


def test_an_update_after_the_loss_leaves_its_gradient_alone() -> None:
    price, cost = multiplier(), torch.tensor(0.8, requires_grad=True)
    price.update(0.7)

    loss = price.price() * cost
    price.update(1.0)
    loss.backward()

    assert float(cost.grad) == pytest.approx(0.02 + 0.05)  # type: ignore[arg-type]
