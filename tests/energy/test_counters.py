"""A measurement is what counters counted, and nothing else."""

from __future__ import annotations

import os
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from adaframe.energy import counters as module
from adaframe.energy.counters import CodeCarbon, demand_counters, find_counters, readable_rapl
from adaframe.errors import AdaframeError, MissingExtra


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


@pytest.mark.slow
def test_the_present_codecarbon_counts_a_counter_that_wraps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A made tree of RAPL's files, which counts 20 W and starts again from nought on the way."""
    cpu = pytest.importorskip("codecarbon.core.cpu")
    hardware = pytest.importorskip("codecarbon.external.hardware")
    zone, most, counted = tmp_path / "intel-rapl:0", 262_143_328_850, [0]
    zone.mkdir()
    (zone / "name").write_text("package-0\n")
    (zone / "max_energy_range_uj").write_text(f"{most}\n")

    def show() -> None:
        (zone / "new").write_text(f"{(most - 60_000_000 + counted[0]) % most}\n")
        os.replace(zone / "new", zone / "energy_uj")

    def count(stopped: threading.Event) -> None:
        while not stopped.wait(0.01):
            counted[0] += 200_000
            show()

    show()
    real = hardware.IntelRAPL
    monkeypatch.setattr(cpu, "_get_candidate_bases", lambda folder: [str(tmp_path)])
    monkeypatch.setattr(hardware, "IntelRAPL", lambda rapl_dir, **options: real(rapl_dir=str(tmp_path), **options))
    monkeypatch.chdir(tmp_path)
    Path(".codecarbon.config").write_text("[codecarbon]\nforce_mode_cpu_load=true\nforce_cpu_power=50\npue=2\n")
    counters, stopped = find_counters("cpu", powercap=tmp_path), threading.Event()
    assert counters is not None
    thread = threading.Thread(target=count, args=(stopped,))
    thread.start()
    try:
        counters.start()
        before = counted[0]
        time.sleep(4)
        joules = (counted[0] - before) / 1e6  # stopping takes a moment after the last reading
        found = counters.stop()
    finally:
        stopped.set()
        thread.join()

    assert found is not None
    assert found["processor"] == pytest.approx(joules, rel=0.1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".codecarbon.config",
        "intel-rapl:0",
    ]  # it writes nothing
