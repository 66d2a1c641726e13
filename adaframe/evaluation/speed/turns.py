"""Methods that took turns: their seconds, as ratios and as tables."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from adaframe.energy import columns
from adaframe.energy.result import Energy

WARMUP_ROUNDS = 2


@dataclass(frozen=True)
class Timing:
    """What one method did, and how long it took.

    Args:
        name: of the method.
        gmacs: 1e9 multiply-adds executed for each video.
        seconds: for each video, one value a round; the values of one round belong together.
        budget: of adaptive methods: the fraction of uniform's cost that was asked for.
        decisions: of adaptive methods: the share of the frames of each action.
        energy: for each video, by place.
    """

    name: str
    gmacs: float
    seconds: tuple[float, ...]
    budget: float | None = None
    decisions: dict[str, float] | None = None
    energy: tuple[Energy, ...] = ()


@torch.inference_mode()
def take_turns(runs: Sequence[Callable[[], object]], rounds: int, place: torch.device) -> list[tuple[float, ...]]:
    """Seconds of each run in each round: A B C, A B C, …, so that what else the machine does falls on all of them.

    Args:
        runs: what is timed.
        rounds: after two that do not count.
        place: the device that is waited for before the clock is read, and at no other time.
    """
    seconds: list[list[float]] = [[] for _ in runs]
    for number in range(-WARMUP_ROUNDS, rounds):
        for run, taken in zip(runs, seconds, strict=True):
            wait(place)
            started = time.perf_counter()
            run()
            wait(place)
            if number >= 0:
                taken.append(time.perf_counter() - started)
    return [tuple(taken) for taken in seconds]


def wait(place: torch.device) -> None:
    """Until the device has done what it was given."""
    if place.type == "cuda":
        torch.cuda.synchronize(place)
    elif place.type == "mps":
        torch.mps.synchronize()


def summary(timings: Sequence[Timing]) -> dict[str, Any]:
    """Medians and quartiles of timings that hold uniform, glance and adaptive at one or several budgets.

    Ratios are taken within each round and then summarised, so a machine that slows down half way does not tilt them.
    `efficiency` is what of the saving in MACs arrives in seconds: (uniform s / adaptive s) / (uniform MACs / adaptive MACs).
    `bound` is what it would be if all but the glances and the policy ran as fast for each MAC as uniform does.
    """
    by_name = {timing.name: timing for timing in timings}
    uniform, glance = by_name["uniform"], by_name["glance"]
    return {
        "methods": [
            {
                "name": timing.name,
                "gmacs": timing.gmacs,
                "ms": spread([1e3 * s for s in timing.seconds]),
                "gmacs_per_s": timing.gmacs / float(np.median(timing.seconds)),
                "seconds_of_uniform": spread([s / u for s, u in zip(timing.seconds, uniform.seconds, strict=True)]),
                "gmacs_of_uniform": timing.gmacs / uniform.gmacs,
                **({"energy": [energy.to_json() for energy in timing.energy]} if timing.energy else {}),
            }
            for timing in timings
        ],
        "adaptive": [_compared(t, uniform, glance) for t in timings if t.budget is not None],
    }


def _compared(adaptive: Timing, uniform: Timing, glance: Timing) -> dict[str, Any]:
    saved = uniform.gmacs / adaptive.gmacs
    rounds = list(zip(uniform.seconds, adaptive.seconds, glance.seconds, strict=True))
    looks = (adaptive.gmacs - glance.gmacs) / uniform.gmacs
    return {
        "name": adaptive.name,
        "budget": adaptive.budget,
        "decisions": adaptive.decisions,
        "gmacs_saved": saved,
        "speed_up": spread([u / a for u, a, _ in rounds]),
        "efficiency": spread([u / a / saved for u, a, _ in rounds]),
        "bound": spread([u / (g + looks * u) / saved for u, _, g in rounds]),
        "of_bound": spread([(g + looks * u) / a for u, a, g in rounds]),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return {"median": middle, "low": low, "high": high}


def describe_machine(place: torch.device) -> str:
    """Processor, cores, threads and torch's version, in one line."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass  # another system than Linux: its own word for the processor
    if place.type == "cuda":
        name = f"{torch.cuda.get_device_name(place)}, {name}"
    threads = torch.get_num_threads()
    return f"{name}, {os.cpu_count()} cores, {threads} thread{'s' if threads > 1 else ''}, torch {torch.__version__}"


def as_text(numbers: dict[str, Any]) -> str:
    """The table of one batch size."""
    compared = {row["name"]: row for row in numbers["adaptive"]}
    rows = [("", "GMACs", "of uniform", "ms/video", "(quartiles)", "times as fast", "efficiency", "bound", "of bound")]
    for method in numbers["methods"]:
        row = compared.get(method["name"])
        rows.append(
            (
                method["name"],
                f"{method['gmacs']:.3g}",
                f"{method['gmacs_of_uniform']:.3f}",
                *in_brackets(method["ms"], 1),
                f"{1 / method['seconds_of_uniform']['median']:.2f}",
                " ".join(in_brackets(row["efficiency"], 2)) if row else "",
                f"{row['bound']['median']:.2f}" if row else "",
                f"{row['of_bound']['median']:.2f}" if row else "",
            )
        )
    mixes = [
        f"{row['name']}: " + ", ".join(f"{name} {100 * part:.0f}%" for name, part in row["decisions"].items())
        for row in numbers["adaptive"]
    ]
    return "\n".join([*aligned(rows), *mixes])


def energy_lines(numbers: dict[str, Any]) -> list[str]:
    """The table of joules at one batch size, with what is measured and what assumed; none where nothing was asked."""
    energy = [[Energy.from_json(one) for one in method.get("energy", ())] for method in numbers["methods"]]
    places = columns.places(energy)
    if not places:
        return []
    rows = [("", *columns.headers(places))]
    rows += [(m["name"], *columns.cells(own, places)) for m, own in zip(numbers["methods"], energy, strict=True)]
    return ["", *aligned(rows), *columns.notes(energy)]


def in_brackets(values: dict[str, float], digits: int) -> tuple[str, str]:
    """A median, and its quartiles in brackets."""
    return f"{values['median']:.{digits}f}", f"({values['low']:.{digits}f}–{values['high']:.{digits}f})"


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Lines of a table: the first columns to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
