"""A controller on machines that are simulated: it keeps to its target, and does not go to and fro."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adaframe.inference.controller import Controller, Level, levels
from adaframe.model.metadata import CalibrationPoint, Metadata, read_metadata

WAYS = [Level(b, c) for b, c in ((0.0, 0.8), (1.0, 0.5), (2.0, 0.3), (4.0, 0.1))]
WAYS += [Level(4.0, 0.1 * rate, rate) for rate in (0.5, 0.25)]


class Machine:
    """Load = what capture takes + cost of the level x what a uniform second takes, averaged over three seconds, with noise."""

    def __init__(self, controller: Controller, *, base: float, uniform: float, noise: float = 0.03) -> None:
        self.controller, self.base, self.uniform, self.noise = controller, base, uniform, noise
        self.random = np.random.default_rng(0)
        self.costs: deque[float] = deque(maxlen=12)
        self.history: list[int] = []
        self.now = 0.0

    def run(self, seconds: float) -> list[int]:
        """Levels, four times a second."""
        first = len(self.history)
        for _ in range(int(4 * seconds)):
            self.now += 0.25
            self.costs.append(self.controller.level.cost)
            model = self.uniform * float(np.mean(self.costs)) * (1 + self.noise * self.random.standard_normal())
            self.controller.update(self.now, self.base + model, model)
            self.history.append(self.controller.at)
        return self.history[first:]


def moves(history: list[int]) -> int:
    return sum(a != b for a, b in itertools.pairwise(history))


@pytest.mark.parametrize(
    ("base", "uniform", "expected"),
    [(0.05, 0.1, 0), (0.05, 0.4, 1), (0.1, 0.5, 2), (0.1, 1.2, 3), (0.2, 1.2, 4), (0.2, 4.0, 5)],
)
def test_the_dearest_level_that_fits_is_found_and_kept(base: float, uniform: float, expected: int) -> None:
    machine = Machine(Controller(WAYS, 0.3), base=base, uniform=uniform)

    machine.run(20)

    assert set(machine.run(300)) == {expected}


def test_a_change_of_the_machine_is_followed_both_ways() -> None:
    controller = Controller(WAYS, 0.3)
    machine = Machine(controller, base=0.05, uniform=0.2)
    assert set(machine.run(20)) == {0}

    machine.base = 0.2  # something else begins to work
    machine.run(20)
    assert set(machine.run(60)) == {2}

    machine.base = 0.05
    machine.run(30)
    assert set(machine.run(60)) == {0}


def test_a_calibration_that_is_wrong_makes_it_try_ever_more_seldom() -> None:
    """The cheaper level takes a fifth of the next on this stream, not three fifths: it looks as if there were room."""
    controller = Controller([Level(0.0, 0.5), Level(1.0, 0.3)], 0.3)
    machine = Machine(controller, base=0.0, uniform=0.0, noise=0.0)
    for _ in range(4 * 1200):
        machine.now += 0.25
        load = (0.4, 0.08)[controller.at]
        controller.update(machine.now, load, load)
        machine.history.append(controller.at)

    assert moves(machine.history[: 4 * 120]) >= 4
    assert moves(machine.history[-4 * 300 :]) <= 4
    assert np.mean(machine.history[-4 * 300 :]) > 0.9


def test_where_even_the_cheapest_is_too_dear_it_says_so() -> None:
    controller = Controller(WAYS, 0.3)
    machine = Machine(controller, base=0.4, uniform=1.0)

    machine.run(30)

    assert (controller.at, controller.over) == (5, True)
    machine.base = 0.1
    machine.run(60)
    assert not controller.over


def test_of_a_delay_it_only_knows_what_it_has_tried() -> None:
    delays = (0.3, 0.2, 0.12, 0.05)
    controller = Controller(WAYS[:4], 0.15)
    machine = Machine(controller, base=0.0, uniform=0.0)
    for _ in range(4 * 600):
        machine.now += 0.25
        controller.update(machine.now, delays[controller.at] * (1 + 0.03 * machine.random.standard_normal()))
        machine.history.append(controller.at)

    assert set(machine.history[-4 * 300 :]) <= {1, 2}
    assert np.mean(np.array(machine.history[-4 * 300 :]) == 2) > 0.9


@pytest.fixture
def metadata(tiny_checkpoint: Path) -> Metadata:
    points = [(0.0, 0.9, 0.8), (1.0, 0.5, 0.4), (2.0, 0.4, 0.41), (4.0, 0.3, 0.2)]
    calibration = tuple(CalibrationPoint(*point, accuracy=0.5) for point in points)
    return replace(read_metadata(tiny_checkpoint), calibration=calibration, budget=1.0)


def test_levels_go_from_the_budget_down_the_calibration_to_lower_rates(metadata: Metadata) -> None:
    assert levels(metadata) == [
        Level(0.0, 0.8),
        Level(1.0, 0.4),  # the next one costs no less on a stream
        Level(4.0, 0.2),
        Level(4.0, 0.2 * 0.75, 0.75),
        Level(4.0, 0.1, 0.5),  # two frames in a window of four
    ]
    assert levels(metadata, 0.5)[0] == Level(1.0, 0.4)


def test_a_fixed_plan_has_lower_rates_alone(metadata: Metadata) -> None:
    plan = replace(metadata, plan="static:look-32/2", calibration=())

    assert levels(plan) == [Level(0.0, 0.5), Level(0.0, 0.375, 0.75), Level(0.0, 0.25, 0.5)]
