"""The Makefile: steps in order, each left out when its result is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the Makefile and the files that it looks at, all old."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("configs/demo.yaml", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (1, 1))
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-C", str(folder), *words], capture_output=True, text=True)


def test_help_names_the_targets(checkout: Path) -> None:
    done = make(checkout, "help")

    assert done.returncode == 0
    assert all(name in done.stdout for name in ("make demo", "make test", "PYTHON=", "VENV="))


def test_the_demo_renders_trains_evaluates_and_draws(checkout: Path) -> None:
    done = make(checkout, "demo", "-n", f"PYTHON={sys.executable}")

    steps = [
        "adaframe.needle demo/data",
        "--out demo/adaptive",
        "--out demo/uniform",
        "evaluate --checkpoint",
        "--figure",
    ]
    places = [done.stdout.find(step) for step in steps]
    assert -1 not in places, done.stdout + done.stderr
    assert places == sorted(places)
    assert "--policy uniform" in done.stdout


def test_steps_that_are_done_are_left_out(checkout: Path) -> None:
    stamp = f"build/installed-{sys.executable.replace('/', '-')}-demo"
    for name in (stamp, "demo/data/.rendered", "demo/adaptive/model.safetensors"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("")

    done = make(checkout, "demo", "-n", f"PYTHON={sys.executable}")

    assert "pip install" not in done.stdout
    assert "adaframe.needle" not in done.stdout
    assert "--out demo/adaptive" not in done.stdout
    assert "--out demo/uniform" in done.stdout


def test_a_newer_configuration_trains_again(checkout: Path) -> None:
    for name in ("demo/data/.rendered", "demo/adaptive/model.safetensors"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("")
        os.utime(checkout / name, (2, 2))
    os.utime(checkout / "configs" / "demo.yaml", (3, 3))

    done = make(checkout, "demo", "-n", f"PYTHON={sys.executable}")

    assert "--out demo/adaptive" in done.stdout


def test_the_tests_are_the_checks_and_pytest(checkout: Path) -> None:
    done = make(checkout, "test", "-n", f"PYTHON={sys.executable}")

    words = [line.split("-m ")[-1] for line in done.stdout.splitlines() if line.startswith(sys.executable)]
    assert words == ["ruff check", "ruff format --check", "mypy", "pytest"]
