"""Joules of what runs inside a `with`: measured where there are counters, else estimated, and said which."""

from __future__ import annotations

import os
import time
from types import TracebackType

from adaframe.energy.counters import Counters, find_counters
from adaframe.energy.result import WORLD_G_PER_KWH, Energy

# AMD EPYC 7763, a common server processor: 280 W for 64 cores. Derived; laptops' cores take as much, desktops' more.
WATTS_PER_CORE = 280 / 64
HERE = "this machine"


class Meter:
    """Measures, or else estimates, the energy of what runs inside.

        with Meter("cpu") as meter:
            work()
        meter.energy.joules, meter.energy.kind

    Counters are of the whole machine, so what else runs is in a measurement; an estimate is of this process, and of the
    children that it has waited for.

    Args:
        device: where the model runs, as torch names it.
        counters: None finds them.
        watts_per_core: of an estimate: a busy core's share of the processor's power.
        g_per_kwh: carbon intensity of the electricity, gCO2e/kWh.
    """

    def __init__(
        self,
        device: str,
        *,
        counters: Counters | None = None,
        watts_per_core: float = WATTS_PER_CORE,
        g_per_kwh: float = WORLD_G_PER_KWH,
    ) -> None:
        self.device = device
        self.counters = counters or find_counters(device)
        self.watts_per_core = watts_per_core
        self.g_per_kwh = g_per_kwh
        self.energy: Energy | None = None
        """Once it is stopped; None where nothing can be said (on a GPU without counters)."""

    def __enter__(self) -> Meter:
        if self.counters is not None:
            self.counters.start()
        self._busy_s = _busy_s()
        self._started_s: float | None = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> Energy | None:
        """End before the `with` does; the first call counts."""
        if self._started_s is None:
            return self.energy
        busy_s, seconds = _busy_s() - self._busy_s, time.perf_counter() - self._started_s
        self._started_s = None
        counters, self.counters = self.counters, None
        joules = counters.stop() if counters is not None else None
        if counters is not None and joules:
            self.energy = self._measured(joules, counters.names, seconds)
        elif self.device.partition(":")[0] == "cpu":
            self.energy = self._estimated(busy_s)
        return self.energy

    def _measured(self, joules: dict[str, float], names: dict[str, str], seconds: float) -> Energy:
        by = " and ".join(f"{name} by {counter}" for name, counter in names.items())
        left_out = "memory" if "processor" in names else "processor and memory"
        how = f"{by} over {seconds:.3g} s, of all that ran on it; {left_out} left out"
        return Energy(HERE, sum(joules.values()), "measured", how, self.g_per_kwh, joules)

    def _estimated(self, busy_s: float) -> Energy:
        joules = busy_s * self.watts_per_core
        how = (
            f"{busy_s:.3g} s of busy cores at {self.watts_per_core:.3g} W each (a server's 280 W for 64 cores); "
            "no counter could be read; memory and idling left out"
        )
        return Energy(HERE, joules, "estimate", how, self.g_per_kwh, {"processor": joules})


def _busy_s() -> float:
    """CPU seconds of this process and of the children that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
