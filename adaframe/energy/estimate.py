"""Joules on hardware that is described by numbers."""

from __future__ import annotations

from adaframe.energy.hardware import BYTES, HardwareModel
from adaframe.energy.result import WORLD_G_PER_KWH, Energy
from adaframe.energy.work import Work


def estimate(
    hardware: HardwareModel, work: Work, *, seconds: float | None = None, g_per_kwh: float = WORLD_G_PER_KWH
) -> Energy:
    """Joules of some work on a chip, from its cost model.

    Arithmetic, weights from DRAM, activations written to and read from memory on the chip, and idle power for as long as it
    takes. On paper: nothing of caches that miss, of arrays that are not full, or of cameras and decoding.

    Args:
        hardware: the cost model.
        work: of a video, or of anything else.
        seconds: that it takes, or that pass until the next video comes; None: what the hardware's speed says.
        g_per_kwh: carbon intensity of the electricity, gCO2e/kWh.
    """
    if seconds is None:
        seconds = work.macs / hardware.macs_per_s if hardware.macs_per_s else 0.0
    size = BYTES[hardware.precision]
    moved = 0.0 if hardware.holds_weights else work.weights * size
    parts = {
        "arithmetic": work.macs * hardware.pj_per_mac * 1e-12,
        "weights": moved * hardware.pj_per_byte_dram * 1e-12,
        "activations": 2 * work.activations * size * hardware.pj_per_byte_chip * 1e-12,
        "idle": hardware.idle_watts * seconds,
    }
    how = f"on paper, in {hardware.precision}: {hardware.pj_per_mac:g} pJ a MAC"
    if hardware.pj_per_byte_dram and not hardware.holds_weights:
        how += f", {hardware.pj_per_byte_dram:g} pJ a byte of weights, read once a video"
    if hardware.pj_per_byte_chip:
        how += f", {hardware.pj_per_byte_chip:g} pJ a byte of activations"
    if hardware.idle_watts:
        how += f", {hardware.idle_watts:g} W besides"
    return Energy(hardware.name, sum(parts.values()), "estimate", how, g_per_kwh, parts)
