"""Memory that the process keeps."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, torch
from adaframe.model.memory import keep_freed_memory

print(keep_freed_memory() if sys.argv[1] == "keep" else False)
count = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(12):
    before = count()
    torch.ones(16 << 20)
    print(count() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc is what it sets")
@pytest.mark.parametrize("keep", [True, False])
def test_large_blocks_are_not_asked_for_anew(keep: bool) -> None:
    # In a process of its own, as nothing takes the setting back. 64 MB are 16 thousand pages.
    command = [sys.executable, "-c", FAULTS, "keep" if keep else ""]
    agreed, *faults = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert agreed == str(keep)
    assert (min(map(int, faults)) < 1000) == keep


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from adaframe.model import memory

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())

    assert memory.keep_freed_memory() is False
