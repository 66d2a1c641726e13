"""What the tests of bad input share: runs of the command, and one good video."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adaframe.cli.main import main

RenderClip = Callable[..., Path]
Classify = Callable[..., tuple[int, list[str], list[str]]]
Adaframe = Callable[..., subprocess.CompletedProcess[str]]
KNOWS = "adaframe: tiny.safetensors knows run, sit, wave"


@pytest.fixture
def classify(tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> Classify:
    """Runs `adaframe classify`: exit code, lines of stdout, lines of stderr without what the model knows."""

    def run(*words: object) -> tuple[int, list[str], list[str]]:
        capsys.readouterr()
        code = main(["classify", "--checkpoint", str(tiny_checkpoint), "--device", "cpu", *map(str, words)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        err = captured.err.splitlines()
        assert err.count(KNOWS) <= 1
        return code, captured.out.splitlines(), [line for line in err if line != KNOWS]

    return run


@pytest.fixture(scope="session")
def good(render_clip: RenderClip) -> Path:
    return render_clip("good.mp4", 1.0)


@pytest.fixture
def adaframe() -> Adaframe:
    """Runs `python -m adaframe` as a process of its own."""

    def run(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "adaframe", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, errors="replace", **options)  # type: ignore[call-overload,no-any-return]

    return run
