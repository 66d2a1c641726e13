"""Joules a video of the methods that `adaframe evaluate` compares."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from adaframe.energy.estimate import estimate
from adaframe.energy.meter import Meter
from adaframe.energy.places import Places
from adaframe.energy.result import Energy
from adaframe.energy.work import executed_work

if TYPE_CHECKING:
    from adaframe.evaluation.views import Method

SECONDS = 2.0  # of running a method again and again: NVML's counters move some ten times a second only


def energy_of(methods: Sequence[Method], clips: int, places: Places) -> list[tuple[Energy, ...]]:
    """Energy of each method for one clip: of this machine, if it is asked for, then of each hardware model.

    Args:
        methods: on the windows of the clips.
        clips: how many these are.
        places: where.
    """
    found = []
    for method in methods:
        windows = len(method.view.valid) / clips
        timed, network = method.timed(), method.view.recognizer.network
        energies = []
        if places.machine:
            device = str(method.view.recognizer.device)
            here = measure(timed.run, device, g_per_kwh=places.g_per_kwh, seconds=SECONDS)
            if here is not None:
                energies.append(here.times(windows / timed.windows))
        work = executed_work(network, method.decisions)
        energies += [estimate(one, work, g_per_kwh=places.g_per_kwh).times(windows) for one in places.hardware]
        found.append(tuple(energies))
    return found


@torch.inference_mode()
def measure(
    run: Callable[[], object], device: str, *, g_per_kwh: float, seconds: float, meter: Meter | None = None
) -> Energy | None:
    """Energy of one `run`, from running it for so many seconds; None where nothing can be said.

    Args:
        run: what is measured; called once before, so that it is warm.
        device: where it runs, as torch names it.
        g_per_kwh: carbon intensity of the electricity, gCO2e/kWh.
        seconds: at least; one run more than fills them.
        meter: None makes one.
    """
    run()
    _wait(device)
    count = 0
    with meter or Meter(device, g_per_kwh=g_per_kwh) as meter:
        until = time.perf_counter() + seconds
        while not count or time.perf_counter() < until:
            run()
            _wait(device)
            count += 1
    return None if meter.energy is None else meter.energy.times(1 / count)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
