"""What live recognition keeps to: a budget, a load or a delay; it measures, and moves the model along what it can do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from adaframe.errors import UsageError
from adaframe.inference.controller import Controller, levels
from adaframe.inference.cpu_load import LOAD_S, READ_EVERY_S, CpuLoad, Recently

if TYPE_CHECKING:
    from adaframe.inference.streaming import Streaming

SLOW = 0.9  # quantile of the delays that is kept below the target


class OperatingPoint:
    """Where on its curve a model works on streams.

    Args:
        eyes: the recogniser, which is moved.
        budget: upper bound on mean cost as a fraction of uniform's; None: what the model was trained for.
        max_load: share of one core for the process and its children.
        latency_ms: milliseconds from a frame's capture to its answer, for nine of ten frames.

    Raises:
        AdaframeError: the budget is below the cheapest that the model can do.
    """

    def __init__(
        self, eyes: Streaming, *, budget: float | None, max_load: float | None, latency_ms: float | None
    ) -> None:
        self.eyes, self._asked = eyes, budget
        ways = levels(eyes.metadata, budget)
        eyes.beta = ways[0].beta
        self._controller: Controller | None = None
        self._by_load = max_load is not None
        if max_load is not None:
            self._controller = Controller(ways, max_load)
        elif latency_ms is not None:
            # Fewer frames a second do not make the single one faster.
            self._controller = Controller([way for way in ways if way.rate == 1.0], latency_ms / 1e3)
        self._load, self._model_s, self._delays = CpuLoad(), Recently(LOAD_S), Recently(LOAD_S)
        self._next_s = 0.0

    @staticmethod
    def check(*, max_load: float | None, latency_ms: float | None) -> None:
        """Raises UsageError where these make no sense."""
        if max_load is not None and latency_ms is not None:
            raise UsageError("max_load and latency_ms cannot both be kept to; try: one of them")
        for name, value in (("max_load", max_load), ("latency_ms", latency_ms)):
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"{name} must be above 0, not {value:g}")

    @property
    def load(self) -> float:
        """Share of one core that the process and its children took over the last seconds."""
        return self._load.value()

    @property
    def budget(self) -> float | None:
        """Fraction of uniform's compute that the model is held to; None: its own."""
        return self._asked if self._controller is None else round(self._controller.level.cost, 4)

    def took(self, cpu_s: float) -> None:
        """Processor time that the model took for some frames just now."""
        self._model_s.add(time.monotonic(), cpu_s)

    def waited(self, delay_s: float) -> None:
        """From the capture of a frame to its answer, just now."""
        self._delays.add(time.monotonic(), delay_s)

    def keep(self) -> None:
        """Measure, and move the model where it must or can; as often as one likes."""
        now = time.monotonic()
        if self._controller is None or now < self._next_s:
            return
        self._next_s = now + READ_EVERY_S
        if self._by_load:
            model = sum(self._model_s.sums()) / max(self._model_s.lasted_s, READ_EVERY_S)
            moved = self._controller.update(now, self.load, model)
        else:
            delays = sorted(delay for (delay,) in self._delays.amounts())
            moved = bool(delays) and self._controller.update(now, delays[int(SLOW * (len(delays) - 1))])
        if moved:
            self.eyes.beta, self.eyes.rate = self._controller.level.beta, self._controller.level.rate

    @property
    def note(self) -> str:
        """What is given up to keep to it, in words; "": nothing but looks."""
        if self._controller is None:
            return ""
        parts = []
        if self.eyes.rate < 1.0:
            parts.append(f"{1 / self.eyes.spacing_s:.2g} frames a second instead of {1 / self.eyes.nominal_s:.2g}")
        if self._controller.over:
            kept = self._controller.target
            parts.append(f"{f'a load of {kept:g}' if self._by_load else f'{1e3 * kept:g} ms'} cannot be kept to")
        return ", ".join(parts)
