"""The command as a process, among others that come and go."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

KNOWS = "adaframe: tiny.safetensors knows run, sit, wave"


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_a_reader_that_leaves_after_a_line_is_no_error(tiny_checkpoint: Path, good: Path) -> None:
    files = " ".join([f"'{good}'"] * 30)
    script = f"'{sys.executable}' -m adaframe classify {files} --checkpoint '{tiny_checkpoint}' --json --device cpu | head -n 1"

    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0
    assert json.loads(done.stdout)["path"] == str(good)
    assert done.stderr.splitlines() == [KNOWS]
