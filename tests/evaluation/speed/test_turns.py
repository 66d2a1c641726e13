"""Timings as ratios and as a table."""

from __future__ import annotations

import pytest
import torch

from adaframe.evaluation.speed.turns import WARMUP_ROUNDS, Timing, as_text, summary, take_turns


def timings(*slowness: float) -> list[Timing]:
    """Uniform: 10 GMACs in 1 s. Adaptive: 5 GMACs in 0.625 s, or 2 in 0.4; glances are 1 GMAC in 0.2 s."""
    return [
        Timing("uniform", 10.0, tuple(1.0 * s for s in slowness)),
        Timing("adaptive at 0.5", 5.0, tuple(0.625 * s for s in slowness), 0.5, {"look-160": 0.75, "skip-1": 0.25}),
        Timing("adaptive at 0.2", 2.0, tuple(0.4 * s for s in slowness), 0.2, {"look-160": 0.25, "skip-1": 0.75}),
        Timing("glance", 1.0, tuple(0.2 * s for s in slowness)),
    ]


def test_efficiency_is_the_saving_in_seconds_over_the_saving_in_macs() -> None:
    half, fifth = summary(timings(1.0))["adaptive"]

    assert (half["gmacs_saved"], fifth["gmacs_saved"]) == (2.0, 5.0)
    assert half["speed_up"]["median"] == pytest.approx(1.6)
    assert half["efficiency"]["median"] == pytest.approx(0.8)
    assert fifth["efficiency"]["median"] == pytest.approx(0.5)


def test_the_bound_is_what_the_glances_leave() -> None:
    half = summary(timings(1.0))["adaptive"][0]

    # 0.2 s of glances, and 4 GMACs as fast as uniform's: 0.6 s, 1.67 times faster by half of the MACs.
    assert half["bound"]["median"] == pytest.approx(1 / 0.6 / 2)
    assert half["of_bound"]["median"] == pytest.approx(0.6 / 0.625)


def test_a_machine_that_slows_down_spreads_the_times_but_not_the_ratios() -> None:
    numbers = summary(timings(1.0, 2.0, 4.0))

    assert numbers["methods"][0]["ms"] == {"median": 2000.0, "low": 1500.0, "high": 3000.0}
    assert numbers["methods"][1]["seconds_of_uniform"] == pytest.approx({"median": 0.625, "low": 0.625, "high": 0.625})
    assert numbers["adaptive"][0]["efficiency"] == pytest.approx({"median": 0.8, "low": 0.8, "high": 0.8})


def test_the_table_is_aligned_and_says_what_was_measured() -> None:
    lines = as_text(summary(timings(1.0, 1.0))).splitlines()

    uniform, half, glance = (
        next(line for line in lines if line.startswith(n)) for n in ("uni", "adaptive at 0.5", "gl")
    )
    assert uniform.split() == ["uniform", "10", "1.000", "1000.0", "(1000.0–1000.0)", "1.00"]
    assert half.split()[3:] == ["5", "0.500", "625.0", "(625.0–625.0)", "1.60", "0.80", "(0.80–0.80)", "0.83", "0.96"]
    assert len(uniform) == len(glance) < len(half)
    assert lines[-2:] == ["adaptive at 0.5: look-160 75%, skip-1 25%", "adaptive at 0.2: look-160 25%, skip-1 75%"]


def test_runs_take_turns_and_the_first_rounds_do_not_count() -> None:
    calls: list[str] = []

    seconds = take_turns([lambda: calls.append("A"), lambda: calls.append("B")], 3, torch.device("cpu"))

    assert "".join(calls) == "AB" * (3 + WARMUP_ROUNDS)
    assert [len(taken) for taken in seconds] == [3, 3]
