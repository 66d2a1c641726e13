"""Measured, or estimated: never the one called the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from adaframe.energy.meter import Meter


class Fake:
    """Counters that show what they are told to."""

    def __init__(self, joules: dict[str, float] | None, names: dict[str, str]) -> None:
        self.joules, self.names, self.running = joules, names, False

    def start(self) -> None:
        self.running = True

    def stop(self) -> dict[str, float] | None:
        assert self.running
        self.running = False
        return self.joules


@pytest.fixture
def no_counters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("adaframe.energy.meter.find_counters", lambda device: None)


def test_what_counters_say_is_called_measured() -> None:
    counters = Fake({"processor": 30.0, "GPU": 70.0}, {"processor": "RAPL", "GPU": "NVML"})

    with Meter("cuda:0", counters=counters, g_per_kwh=36.0) as meter:
        pass

    assert meter.energy is not None
    assert (meter.energy.kind, meter.energy.joules) == ("measured", 100.0)
    assert "processor by RAPL and GPU by NVML" in meter.energy.how
    assert meter.energy.gco2e == pytest.approx(0.001)


def test_a_gpu_alone_says_that_the_processor_is_left_out() -> None:
    with Meter("cuda", counters=Fake({"GPU": 70.0}, {"GPU": "NVML"})) as meter:
        pass

    assert meter.energy is not None
    assert "processor and memory left out" in meter.energy.how


@pytest.mark.usefixtures("no_counters")
def test_without_counters_busy_cores_are_called_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = iter((10.0, 13.0))
    monkeypatch.setattr("adaframe.energy.meter._busy_s", lambda: next(busy))

    with Meter("cpu", watts_per_core=5.0) as meter:
        pass

    assert meter.energy is not None
    assert (meter.energy.kind, meter.energy.joules) == ("estimate", 15.0)
    assert "3 s of busy cores at 5 W each" in meter.energy.how


def test_counters_that_fail_leave_an_estimate() -> None:
    with Meter("cpu", counters=Fake(None, {"processor": "RAPL"})) as meter:
        pass

    assert meter.energy is not None
    assert meter.energy.kind == "estimate"


@pytest.mark.usefixtures("no_counters")
def test_of_a_gpu_without_counters_nothing_is_said() -> None:
    with Meter("cuda") as meter:
        pass

    assert meter.energy is None


def test_stopped_early_the_rest_does_not_count() -> None:
    counters = Fake({"processor": 30.0}, {"processor": "RAPL"})

    with Meter("cpu", counters=counters) as meter:
        first = meter.stop()
        counters.joules = {"processor": 99.0}

    assert first is not None
    assert meter.energy is first
