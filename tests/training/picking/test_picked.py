"""What was picked, in config.yaml."""

from __future__ import annotations

from pathlib import Path

from adaframe.config_io import read_yaml
from adaframe.training.picking.picked import picked_before, with_picked


def test_what_was_picked_is_found_again_and_does_not_disturb_the_configuration(tmp_path: Path) -> None:
    reasons = ("batches of 16: 300 clips", "zwei Zeilen:\n  ü")

    (tmp_path / "config.yaml").write_text(with_picked("budget: 0.5\n", reasons), encoding="utf-8")

    assert picked_before(tmp_path) == ("batches of 16: 300 clips", "zwei Zeilen: ü")
    assert read_yaml(tmp_path / "config.yaml") == {"budget": 0.5}


def test_a_folder_without_a_run_has_nothing_picked(tmp_path: Path) -> None:
    assert picked_before(tmp_path) == ()
