"""Model time of several methods, measured in turn so that a machine's moods meet all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from adaframe.progress import Line

ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Timed:
    """A method on some windows.

    Args:
        run: computes them, once.
        windows: how many they are.
    """

    run: Callable[[], object]
    windows: int


@torch.inference_mode()
def time_methods(methods: Sequence[Timed], *, rounds: int = ROUNDS) -> list[float]:
    """Median milliseconds per window of each method: A B C, A B C, …, after one round that does not count."""
    seconds = np.zeros((rounds, len(methods)))
    line = Line("timing the methods")
    for turn in range(-1, rounds):
        for i, method in enumerate(methods):
            started = time.perf_counter()
            method.run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn >= 0:
                seconds[turn, i] = time.perf_counter() - started
            line.update((turn + 1) * len(methods) + i + 1, (rounds + 1) * len(methods))
    line.done()
    medians: list[float] = (np.median(seconds, axis=0) * 1000 / [m.windows for m in methods]).tolist()
    return medians
