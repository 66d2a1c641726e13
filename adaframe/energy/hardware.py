"""Hardware cost models: what arithmetic and moving bytes take on a chip, also on one that is not here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from adaframe import bundled
from adaframe.config_io import from_dict, read_yaml
from adaframe.errors import UsageError

Precision = Literal["fp32", "bf16", "fp16", "int8"]
BYTES: dict[Precision, int] = {"fp32": 4, "bf16": 2, "fp16": 2, "int8": 1}


@dataclass(frozen=True)
class HardwareModel:
    """What a chip takes, as read from a YAML file of these keys.

    Args:
        name: for tables.
        precision: of weights and activations; sets their bytes.
        pj_per_mac: picojoules of one multiply-add.
        pj_per_byte_dram: picojoules of a byte to or from DRAM; 0 where `pj_per_mac` contains it.
        pj_per_byte_chip: picojoules of a byte to or from memory on the chip; 0 where `pj_per_mac` contains it.
        idle_watts: taken at all times, besides the above.
        macs_per_s: that it computes; 0 where not known.
        holds_weights: weights lie where they are multiplied, so they are not moved (analog in-memory computing).
        sources: where the numbers are from, and which of them are derived.

    Raises:
        UsageError: a negative number, no source, or idle power without a speed to tell how long it lasts.
    """

    name: str
    precision: Precision
    pj_per_mac: float
    sources: tuple[str, ...]
    pj_per_byte_dram: float = 0.0
    pj_per_byte_chip: float = 0.0
    idle_watts: float = 0.0
    macs_per_s: float = 0.0
    holds_weights: bool = False

    def __post_init__(self) -> None:
        for key in ("pj_per_mac", "pj_per_byte_dram", "pj_per_byte_chip", "idle_watts", "macs_per_s"):
            value = getattr(self, key)
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"{self.name}: {key} must be a number of at least 0, not {value:g}")
        if not self.sources:
            raise UsageError(f"{self.name}: sources must say where its numbers are from")
        if self.idle_watts and not self.macs_per_s:
            raise UsageError(f"{self.name}: idle_watts needs macs_per_s, which tells for how long")


def load_hardware(name: str) -> HardwareModel:
    """A hardware model that comes with adaframe, by its name (as in configs/hardware/), or a YAML file of your own.

    Raises:
        UsageError: there is none of that name, or the file is no hardware model.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) and Path(name).exists() else bundled.hardware_path(name)
    return from_dict(HardwareModel, read_yaml(path), where=str(path))
