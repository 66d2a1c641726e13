"""Timings of methods that took turns, as ratios and as a table."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Timing:
    """What one method did, and how long it took.

    Args:
        name: of the method.
        gmacs: 1e9 multiply-adds executed for each video; 0 where the model does not take part.
        seconds: for each video, one value a round; the values of one round belong together.
    """

    name: str
    gmacs: float
    seconds: tuple[float, ...]


def summary(timings: Sequence[Timing]) -> dict[str, Any]:
    """Medians and quartiles of timings that hold uniform, adaptive and glance.

    Ratios are taken within each round and then summarised, so a machine that slows down half way does not tilt them.
    `efficiency` is what of the saving in MACs arrives in seconds: (uniform s / adaptive s) / (uniform MACs / adaptive MACs).
    `bound` is what it would be if all but the glances and the policy ran as fast for each MAC as uniform does.
    """
    by_name = {timing.name: timing for timing in timings}
    uniform, adaptive, glance = by_name["uniform"], by_name["adaptive"], by_name["glance"]
    saved = uniform.gmacs / adaptive.gmacs
    rounds = list(zip(uniform.seconds, adaptive.seconds, glance.seconds, strict=True))
    looks = (adaptive.gmacs - glance.gmacs) / uniform.gmacs
    return {
        "methods": [
            {
                "name": timing.name,
                "gmacs": timing.gmacs,
                "ms": _spread([1e3 * s for s in timing.seconds]),
                "gmacs_per_s": timing.gmacs / float(np.median(timing.seconds)),
                "seconds_of_uniform": _spread([s / u for s, u in zip(timing.seconds, uniform.seconds, strict=True)]),
                "gmacs_of_uniform": timing.gmacs / uniform.gmacs,
            }
            for timing in timings
        ],
        "speed_up": _spread([u / a for u, a, _ in rounds]),
        "gmacs_saved": saved,
        "efficiency": _spread([u / a / saved for u, a, _ in rounds]),
        "bound": _spread([u / (g + looks * u) / saved for u, _, g in rounds]),
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
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
    return f"{name}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}"


def as_text(numbers: dict[str, Any]) -> str:
    """The table of `adaframe bench`."""
    rows = [("", "GMACs", "of uniform", "ms/video", "(quartiles)", "of uniform", "GMAC/s")]
    for method in numbers["methods"]:
        ms, ratio, computes = method["ms"], method["seconds_of_uniform"]["median"], method["gmacs"] > 0
        rows.append(
            (
                method["name"],
                f"{method['gmacs']:.3g}" if computes else "",
                f"{method['gmacs_of_uniform']:.3f}" if computes else "",
                f"{ms['median']:.1f}",
                f"({ms['low']:.1f}–{ms['high']:.1f})",
                f"{ratio:.3f}",
                f"{method['gmacs_per_s']:.1f}" if computes else "",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    saved, faster, efficiency, bound = (numbers[k] for k in ("gmacs_saved", "speed_up", "efficiency", "bound"))
    mix = ", ".join(f"{name} {100 * part:.0f}%" for name, part in numbers["decisions"].items())
    return "\n".join(
        [
            numbers["machine"],
            f"{numbers['videos']} videos of {numbers['frames']} frames, {numbers['batch']} at once, medians of "
            f"{numbers['rounds']} rounds in turn; random pictures and decisions: {mix}",
            "",
            *lines,
            "",
            f"adaptive: {saved:.2f} times fewer MACs, {faster['median']:.2f} times faster "
            f"({faster['low']:.2f}–{faster['high']:.2f}): efficiency {efficiency['median']:.2f} "
            f"({efficiency['low']:.2f}–{efficiency['high']:.2f})",
            f"with looks as fast as uniform's for each MAC, what the glances take would leave {bound['median']:.2f}",
        ]
    )
