"""Energy counters of this machine: RAPL of the processor and NVML of NVIDIA's GPUs, read by CodeCarbon (extra: energy)."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from adaframe.energy.result import JOULES_PER_KWH
from adaframe.errors import AdaframeError, MissingExtra

POWERCAP = Path("/sys/class/powercap")


class Counters(Protocol):
    """What counts joules between two moments."""

    names: dict[str, str]
    """What is counted, and by what: {"processor": "RAPL"}."""

    def start(self) -> None: ...

    def stop(self) -> dict[str, float] | None:
        """Joules since the start of each of `names`; None where the counters failed."""
        ...


def find_counters(device: str, *, powercap: Path = POWERCAP) -> Counters | None:
    """The counters that a run on this device needs, or None where they cannot be read, or the extra is not installed.

    On a GPU it is the GPU's that is needed, and the processor's is read beside it where it can be.

    Args:
        device: "cpu", "cuda", "cuda:1", as torch names them.
        powercap: where Linux shows RAPL.
    """
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda") or importlib.util.find_spec("codecarbon") is None:
        return None
    # RAPL's counters are files, mostly for root alone. Looking at them first spares CodeCarbon's start, which takes seconds.
    names = {"processor": "RAPL"} if readable_rapl(powercap) else {}
    gpus: list[int] = []
    if kind == "cuda":
        gpus = nvml_numbers(device)
        if not gpus:
            return None
        names["GPU"] = "NVML"
    return CodeCarbon(names, gpus) if names else None


def demand_counters(device: str) -> Counters:
    """As `find_counters`, where only a measurement will do.

    Raises:
        MissingExtra: the extra is not installed.
        AdaframeError: the counters cannot be read.
    """
    if importlib.util.find_spec("codecarbon") is None:
        raise MissingExtra(
            "measuring energy needs CodeCarbon; try: pip install 'adaframe[energy]', or --energy machine"
        )
    found = find_counters(device)
    if found is None:
        raise AdaframeError(
            f"the energy of {device} cannot be measured: no counter under {POWERCAP} can be read; "
            "try: sudo chmod a+r /sys/class/powercap/*/energy_uj, or --energy machine for an estimate"
        )
    return found


def readable_rapl(powercap: Path) -> bool:
    """Whether there is a RAPL counter of a processor that this user may read."""
    return any(os.access(zone / "energy_uj", os.R_OK) for zone in powercap.glob("*rapl:*"))


def nvml_numbers(device: str) -> list[int]:
    """What NVML calls the GPUs of a torch device, which knows nothing of CUDA_VISIBLE_DEVICES; none where it cannot be asked.

    CodeCarbon takes their own ids (GPU-…), too, but up to 3.3.2 at least finds none of them.
    """
    import torch

    if not torch.cuda.is_available():
        return []
    number = torch.device(device).index
    wanted: Sequence[int] = range(torch.cuda.device_count()) if number is None else [number]
    ids = [f"GPU-{torch.cuda.get_device_properties(n).uuid}" for n in wanted]
    try:
        pynvml = importlib.import_module("pynvml")  # comes with CodeCarbon
        pynvml.nvmlInit()
        return [int(pynvml.nvmlDeviceGetIndex(pynvml.nvmlDeviceGetHandleByUUID(own.encode()))) for own in ids]
    except Exception:  # no library, no driver, part of a GPU: NVML has an error of its own for each
        return []


class CodeCarbon:
    """CodeCarbon's offline tracker, which neither prints nor writes files nor asks the network here."""

    def __init__(self, names: dict[str, str], gpus: Sequence[int]) -> None:
        self.names = names
        self.gpus = list(gpus)

    def start(self) -> None:
        from codecarbon import OfflineEmissionsTracker

        logging.getLogger("codecarbon").setLevel(logging.CRITICAL)  # its own setting comes after its first words
        # All that a user's own configuration of CodeCarbon could turn on is said here: it would write, send or scale.
        self.tracker = OfflineEmissionsTracker(
            country_iso_code="USA",  # needed, and without effect: grams are counted by our own carbon intensity
            output_methods=[],
            output_handlers=[],
            emissions_endpoint="",
            allow_multiple_runs=True,
            log_level="critical",
            tracking_mode="machine",
            gpu_ids=self.gpus or None,
            pue=1.0,
            force_cpu_power=None,
            force_mode_cpu_load=False,
            rapl_include_dram=False,
            rapl_prefer_psys=False,
        )
        self.tracker.start()

    def stop(self) -> dict[str, float] | None:
        self.tracker.stop()
        data = getattr(self.tracker, "final_emissions_data", None)
        if data is None:
            return None
        # Its figure for memory is a model, no measurement, as is that for a processor whose RAPL it does not read: left out.
        ways = {getattr(part, "_mode", None) for part in getattr(self.tracker, "_hardware", ())}
        if "processor" in self.names and "intel_rapl" not in ways:
            return None
        kwh = {"processor": data.cpu_energy, "GPU": data.gpu_energy}
        joules = {name: float(kwh[name]) * JOULES_PER_KWH for name in self.names}
        return joules if all(value > 0 for value in joules.values()) else None
