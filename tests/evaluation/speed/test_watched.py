"""What processes use, as /proc tells it."""

from __future__ import annotations

import itertools
import sys

import pytest

from adaframe.errors import AdaframeError
from adaframe.evaluation.speed.watched import cpu_s, watch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")

CHILD = "import time; big = bytearray(60 << 20); time.sleep(0.8)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"


def test_memory_of_a_command_and_of_its_children_is_told_apart() -> None:
    steps = itertools.count()

    samples = watch([sys.executable, "-c", PARENT], lambda: next(steps), every_s=0.05)

    assert max(sample.children_mb for sample in samples) > 60
    assert max(sample.own_mb for sample in samples) < 60
    assert [sample.done for sample in samples] == list(range(len(samples)))
    assert samples[-1].seconds > 0.5


def test_a_command_that_fails_is_an_error_with_its_last_words() -> None:
    with pytest.raises(AdaframeError, match="alas"):
        watch([sys.executable, "-c", "import sys, time; time.sleep(0.2); sys.exit('alas')"], lambda: 0, every_s=0.02)


def test_time_that_is_computed_counts_and_time_that_is_slept_does_not() -> None:
    before = cpu_s()
    while cpu_s() - before < 0.05:
        sum(range(1000))

    assert cpu_s() - before == pytest.approx(0.05, abs=0.05)
