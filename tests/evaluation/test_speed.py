"""Timings as ratios and as a table."""

from __future__ import annotations

import pytest

from adaframe.evaluation.speed import Timing, as_text, summary

FACTS = {
    "machine": "a processor, 2 cores, 2 threads, torch 1",
    "videos": 8,
    "batch": 4,
    "rounds": 2,
    "frames": 16,
    "decisions": {"look-160": 0.75, "skip-1": 0.25},
}


def timings(*slowness: float) -> list[Timing]:
    """Uniform: 10 GMACs in 1 s. Adaptive: 5 GMACs in 0.625 s, of which glances are 1 GMAC in 0.2 s. Then decoding."""
    return [
        Timing("uniform", 10.0, tuple(1.0 * s for s in slowness)),
        Timing("adaptive", 5.0, tuple(0.625 * s for s in slowness)),
        Timing("glance", 1.0, tuple(0.2 * s for s in slowness)),
        Timing("decode", 0.0, tuple(0.05 * s for s in slowness)),
    ]


def test_efficiency_is_the_saving_in_seconds_over_the_saving_in_macs() -> None:
    numbers = summary(timings(1.0))

    assert numbers["gmacs_saved"] == 2.0
    assert numbers["speed_up"]["median"] == pytest.approx(1.6)
    assert numbers["efficiency"]["median"] == pytest.approx(0.8)


def test_the_bound_is_what_the_glances_leave() -> None:
    numbers = summary(timings(1.0))

    # 0.2 s of glances, and 4 GMACs as fast as uniform's: 0.6 s, 1.67 times faster by half of the MACs.
    assert numbers["bound"]["median"] == pytest.approx(1 / 0.6 / 2)


def test_a_machine_that_slows_down_spreads_the_times_but_not_the_ratios() -> None:
    numbers = summary(timings(1.0, 2.0, 4.0))

    assert numbers["methods"][0]["ms"] == {"median": 2000.0, "low": 1500.0, "high": 3000.0}
    assert numbers["methods"][1]["seconds_of_uniform"] == pytest.approx({"median": 0.625, "low": 0.625, "high": 0.625})
    assert numbers["efficiency"] == pytest.approx({"median": 0.8, "low": 0.8, "high": 0.8})


def test_the_table_is_aligned_and_says_what_was_measured() -> None:
    text = as_text(summary(timings(1.0, 1.0)) | FACTS)

    lines = text.splitlines()
    assert lines[0] == FACTS["machine"]
    assert "8 videos of 16 frames, 4 at once" in lines[1]
    assert "look-160 75%, skip-1 25%" in lines[1]
    uniform, adaptive = (next(line for line in lines if line.startswith(name)) for name in ("uniform", "adaptive "))
    assert uniform.split() == ["uniform", "10", "1.000", "1000.0", "(1000.0–1000.0)", "1.000", "10.0"]
    assert adaptive.split() == ["adaptive", "5", "0.500", "625.0", "(625.0–625.0)", "0.625", "8.0"]
    assert len(uniform) == len(adaptive)
    assert "2.00 times fewer MACs, 1.60 times faster" in text
    assert "efficiency 0.80" in text


def test_decoding_has_no_macs_in_the_table() -> None:
    text = as_text(summary(timings(1.0)) | FACTS)

    decode = next(line for line in text.splitlines() if line.startswith("decode"))
    assert decode.split() == ["decode", "50.0", "(50.0–50.0)", "0.050"]
