"""One run at a time in a folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adaframe.config import Config
from adaframe.errors import UsageError
from adaframe.training.fit import fit
from adaframe.training.lock import held

HOLD = """
import sys
from pathlib import Path
from adaframe.training.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_while_the_first_lives_and_not_after_it_was_killed(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"

    with pytest.raises(UsageError, match="another run is writing there"):
        fit(make_config(), out=tmp_path, resume=True)
    other.kill()
    other.wait()

    with held(tmp_path):
        assert not (tmp_path / "config.yaml").exists()
    other.stdout.close()


def test_a_folder_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wrong"), held(tmp_path):
        raise ValueError("wrong")

    with held(tmp_path):
        pass
