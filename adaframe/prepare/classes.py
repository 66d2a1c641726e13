"""classInd.txt of AR-Net's lists: the name of class i is in line i, counted from 0; blank lines count."""

from __future__ import annotations

from pathlib import Path

from adaframe.errors import DataError
from adaframe.prepare.texts import read_text


def read_classes(path: Path) -> list[str]:
    """The names by id; a blank line is called by its number.

    Raises:
        DataError: two classes have one name.
    """
    lines = [line.strip() for line in read_text(path).removesuffix("\n").split("\n")]
    names = [line or f"class {index:03d}" for index, line in enumerate(lines)]
    for index, name in enumerate(names):
        if names.index(name) != index:
            raise DataError(f"{path}, line {index + 1}: the class {name!r} is in line {names.index(name) + 1} already")
    return names
