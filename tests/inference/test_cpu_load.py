"""CpuLoad is processor time by wall time, of the process and its children."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from adaframe.inference.cpu_load import CpuLoad, Recently, cpu_seconds


def test_load_is_the_share_of_a_core_over_the_last_seconds() -> None:
    now, cpu = [100.0], [5.0]
    load = CpuLoad(clock=lambda: now[0], cpu=lambda: cpu[0])
    assert load.value() == 0.0

    for share in [0.2] * 40 + [0.6] * 40:
        now[0] += 0.25
        cpu[0] += 0.25 * share
        load.value()
        if now[0] == 110.0:
            assert load.value() == pytest.approx(0.2)

    assert load.value() == pytest.approx(0.6)


def test_the_processor_time_of_children_counts_while_they_run_and_after() -> None:
    code = "import sys, time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\nsys.stdin.read()"
    before = cpu_seconds()
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None

    child.stdout.readline()
    running = cpu_seconds()
    child.communicate()

    if sys.platform == "linux":
        assert running - before >= 0.25
    assert cpu_seconds() - before >= 0.25


def test_a_process_that_sleeps_takes_nothing() -> None:
    before = cpu_seconds()
    time.sleep(0.2)

    assert cpu_seconds() - before < 0.1


def test_sums_are_of_the_last_seconds_only() -> None:
    recently = Recently(2.0)
    assert (recently.sums(), recently.lasted_s) == ((), 0.0)

    for n in range(10):
        recently.add(float(n), 1.0, n)

    assert recently.sums() == (2.0, 17.0)
    assert recently.lasted_s == 2.0
