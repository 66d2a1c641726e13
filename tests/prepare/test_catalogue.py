"""The data sets by name."""

from __future__ import annotations

import inspect
from pathlib import Path

from adaframe.prepare.catalogue import OPTIONS, PREPARERS


def test_options_are_those_that_the_readers_take() -> None:
    for preparer in PREPARERS.values():
        taken = set(inspect.signature(preparer.read).parameters) - {"source", "version", "dataset"}

        assert set(preparer.options) == taken <= set(OPTIONS)


def test_each_data_set_is_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "datasets" / "README.md").read_text()

    assert [name for name in PREPARERS if f"`{name}`" not in guide] == []
