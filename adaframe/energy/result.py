"""What something took, in joules and grams of CO2, and whether that was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

# World average of 2023: Ember, Global Electricity Review 2024. Grids differ by a factor of 20: give your own.
WORLD_G_PER_KWH = 481.0
JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class Energy:
    """Energy of a run, or of a video.

    Args:
        where: it was or would be spent: "this machine", or a hardware model's name.
        joules: at least 0.
        kind: "measured" by counters of the hardware, or an "estimate".
        how: by which counters, or by what assumptions, in a sentence.
        g_per_kwh: carbon intensity of the electricity, gCO2e/kWh.
        parts: the joules by what they went into.
    """

    where: str
    joules: float
    kind: Literal["measured", "estimate"]
    how: str
    g_per_kwh: float = WORLD_G_PER_KWH
    parts: Mapping[str, float] = field(default_factory=dict)

    @property
    def gco2e(self) -> float:
        """Grams of CO2 equivalents, of the electricity alone (nothing of making the hardware)."""
        return self.joules / JOULES_PER_KWH * self.g_per_kwh

    def times(self, factor: float) -> Energy:
        """The same of so many."""
        parts = {name: joules * factor for name, joules in self.parts.items()}
        return replace(self, joules=self.joules * factor, parts=parts)

    def to_json(self) -> dict[str, Any]:
        """As plain values, with gCO2e."""
        return {
            "where": self.where,
            "kind": self.kind,
            "joules": self.joules,
            "gco2e": self.gco2e,
            "g_per_kwh": self.g_per_kwh,
            "parts": dict(self.parts),
            "how": self.how,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Energy:
        """As `to_json` gave it."""
        return cls(**{key: value for key, value in values.items() if key != "gco2e"})

    def words(self) -> str:
        """In one sentence, for a person."""
        what = "measured" if self.kind == "measured" else "an estimate"
        return f"{amount(self.joules, 'J')} ({amount(self.gco2e, 'gCO2e')} at {self.g_per_kwh:g} g/kWh), {what}: {self.how}"


def amount(value: float, unit: str) -> str:
    """Three digits that count, with the prefix that suits: `1.23 kJ`, `45.6 µgCO2e`."""
    for size, prefix in ((1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ")):
        if value >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    return f"{value / 1e-9:.3g} n{unit}"
