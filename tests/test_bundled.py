"""The files that come with adaframe are found by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from adaframe import bundled
from adaframe.errors import UsageError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package folder beside which a checkout's folders lie."""
    for name in ("configs/demo.yaml", "checkpoints/example.safetensors", "datasets/folds.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "adaframe").mkdir()
    monkeypatch.setattr(bundled, "_PACKAGE", tmp_path / "adaframe")
    return tmp_path / "adaframe"


def test_in_a_checkout_they_lie_beside_the_package(package: Path) -> None:
    assert bundled.checkpoint_path("example.safetensors") == package.parent / "checkpoints" / "example.safetensors"
    assert bundled.config_path("demo.yaml") == package.parent / "configs" / "demo.yaml"
    assert bundled.dataset_path("folds.csv") == package.parent / "datasets" / "folds.csv"


def test_in_an_installed_wheel_they_lie_inside_it(package: Path) -> None:
    inside = package / "_bundled" / "configs" / "demo.yaml"
    inside.parent.mkdir(parents=True)
    inside.write_text("")

    assert bundled.config_path("demo.yaml") == inside


def test_a_configuration_needs_no_suffix(package: Path) -> None:
    assert bundled.config_path("demo") == bundled.config_path("demo.yaml")


@pytest.mark.parametrize("name", ["nope.safetensors", "../configs/demo.yaml", "/etc/passwd", ""])
def test_an_unknown_name_is_an_error_that_names_the_known_ones(package: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"no bundled file checkpoints/.*; known: example\.safetensors"):
        bundled.checkpoint_path(name)


def test_the_fold_table_of_this_checkout_is_found() -> None:
    lines = bundled.dataset_path("fight_surv_folds.csv").read_text().splitlines()

    assert lines[0] == "stem,label,group,fold"
    assert len(lines) == 241
