"""Where energy is asked about: this machine, and hardware on paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adaframe.energy.counters import demand_counters
from adaframe.energy.hardware import HardwareModel, load_hardware
from adaframe.energy.result import WORLD_G_PER_KWH
from adaframe.errors import UsageError

MACHINE = ("machine", "measured")


@dataclass(frozen=True)
class Places:
    """What to report.

    Args:
        asked: as typed.
        machine: whether this machine is among them.
        hardware: cost models.
        g_per_kwh: carbon intensity of the electricity, gCO2e/kWh.
    """

    asked: tuple[str, ...]
    machine: bool
    hardware: tuple[HardwareModel, ...]
    g_per_kwh: float = WORLD_G_PER_KWH

    def words(self) -> list[str]:
        """The options that ask for it."""
        carbon = ["--carbon", f"{self.g_per_kwh:g}"] if self.g_per_kwh != WORLD_G_PER_KWH else []
        return ["--energy", *self.asked, *carbon]


def parse_places(asked: Sequence[str], *, carbon: float | None = None, device: str = "cpu") -> Places:
    """What the words after `--energy` mean; none are "machine".

    Raises:
        UsageError: a name that is neither "machine", "measured" nor of a hardware model.
        MissingExtra, AdaframeError: "measured", and this machine's counters cannot be read.
    """
    names = tuple(dict.fromkeys(asked)) or ("machine",)
    hardware = []
    for name in names:
        if name in MACHINE:
            continue
        try:
            hardware.append(load_hardware(name))
        except UsageError as error:
            raise UsageError(f"--energy {name}: {error}; also: {', '.join(MACHINE)}") from None
    if "measured" in names:
        from adaframe.inference.recognizer import pick_device

        demand_counters(str(pick_device(device)))
    machine = any(name in MACHINE for name in names)
    return Places(names, machine, tuple(hardware), WORLD_G_PER_KWH if carbon is None else carbon)
