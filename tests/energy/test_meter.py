"""Measured, or estimated: never the one called the other."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from adaframe.energy import counters as module
from adaframe.energy.counters import CodeCarbon, demand_counters, find_counters, readable_rapl
from adaframe.energy.meter import Meter
from adaframe.errors import AdaframeError, MissingExtra


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


def test_rapl_is_readable_where_its_files_are(tmp_path: Path) -> None:
    assert not readable_rapl(tmp_path)

    (tmp_path / "intel-rapl:0").mkdir()
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("12\n")

    assert readable_rapl(tmp_path)
    assert not readable_rapl(tmp_path / "nowhere")


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> type:
    """CodeCarbon, as far as it is used here."""

    class Tracker:
        options: ClassVar[dict[str, Any]] = {}
        cpu_kwh = 1e-6
        way = "intel_rapl"

        def __init__(self, **options: Any) -> None:
            Tracker.options = options

        def start(self) -> None:
            self._hardware = [types.SimpleNamespace(_mode=self.way), types.SimpleNamespace()]

        def stop(self) -> float:
            self.final_emissions_data = types.SimpleNamespace(cpu_energy=self.cpu_kwh, gpu_energy=2e-6, ram_energy=5.0)
            return 1.0

    monkeypatch.setitem(sys.modules, "codecarbon", types.SimpleNamespace(OfflineEmissionsTracker=Tracker))
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: object())
    return Tracker


def test_only_what_counters_count_is_taken_from_codecarbon(tracker: Any) -> None:
    counters = CodeCarbon({"processor": "RAPL"}, [])
    counters.start()

    # A microkilowatt-hour is 3.6 J; memory and the GPU were not asked for.
    assert counters.stop() == pytest.approx({"processor": 3.6})
    assert tracker.options["output_methods"] == []
    assert (tracker.options["pue"], tracker.options["force_mode_cpu_load"]) == (1.0, False)


def test_a_counter_that_stands_still_is_no_measurement(tracker: Any) -> None:
    tracker.cpu_kwh = 0.0
    counters = CodeCarbon({"processor": "RAPL"}, [])
    counters.start()

    assert counters.stop() is None


def test_what_codecarbon_models_by_load_is_no_measurement(tracker: Any) -> None:
    tracker.way = "cpu_load"
    counters = CodeCarbon({"processor": "RAPL"}, [])
    counters.start()

    assert counters.stop() is None


@pytest.mark.usefixtures("tracker")
def test_codecarbon_is_not_started_where_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert find_counters("cpu", powercap=tmp_path) is None


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch, tracker: Any) -> None:
    """Of which torch sees the second alone, as its first."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda n: types.SimpleNamespace(uuid="bbb"))
    nvml = types.SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID={b"GPU-aaa": "first", b"GPU-bbb": "second"}.__getitem__,
        nvmlDeviceGetIndex={"first": 0, "second": 1}.__getitem__,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_a_gpu_is_counted_under_the_number_that_nvml_gives_it(tracker: Any, tmp_path: Path, device: str) -> None:
    found = find_counters(device, powercap=tmp_path)
    assert found is not None
    found.start()

    assert tracker.options["gpu_ids"] == [1]
    assert found.stop() == pytest.approx({"GPU": 7.2})


@pytest.mark.usefixtures("two_gpus")
def test_a_gpu_that_nvml_does_not_know_is_not_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "intel-rapl:0").mkdir()
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("12\n")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda n: types.SimpleNamespace(uuid="ccc"))

    # The processor's counter alone would leave out most of what a run on the GPU takes.
    assert find_counters("cuda", powercap=tmp_path) is None


def test_a_measurement_without_the_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)

    assert find_counters("cpu") is None
    with pytest.raises(MissingExtra, match=r"pip install 'adaframe\[energy\]'"):
        demand_counters("cpu")


@pytest.mark.usefixtures("tracker")
def test_a_measurement_without_counters_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "readable_rapl", lambda folder: False)

    with pytest.raises(AdaframeError, match="the energy of cpu cannot be measured"):
        demand_counters("cpu")
