"""classInd.txt: line i names class i."""

from __future__ import annotations

from pathlib import Path

import pytest

from adaframe.errors import DataError
from adaframe.prepare.classes import read_classes


def test_blank_lines_count(tmp_path: Path) -> None:
    (tmp_path / "classInd.txt").write_text("Archery \n\nPlaying, loud\n")

    assert read_classes(tmp_path / "classInd.txt") == ["Archery", "class 001", "Playing, loud"]


def test_two_classes_of_one_name_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "classInd.txt").write_text("a\nb\na\n")

    with pytest.raises(DataError, match=r"line 3: the class 'a' is in line 1 already"):
        read_classes(tmp_path / "classInd.txt")
