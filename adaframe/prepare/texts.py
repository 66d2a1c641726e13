"""Reading annotation files: lines, tables, JSON; what is wrong is said with file and line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adaframe.errors import DataError


def read_text(path: Path) -> str:
    """The file's text; bytes that are no UTF-8 stay as they are in names of files."""
    try:
        return path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """(where, line) of the lines that are not blank, without white space around them."""
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            yield f"{path}, line {number}", line.strip()


def read_rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """(where, cells) of a comma-separated file without a header."""
    reader = csv.reader(io.StringIO(read_text(path)), skipinitialspace=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield f"{path}, line {reader.line_num}", [cell.strip() for cell in row]
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: is no CSV ({error})") from None


def read_table(path: Path, *needed: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(where, cells by column) of a comma-separated file with a header.

    Args:
        path: of the file.
        needed: columns that must be there.
    """
    rows = read_rows(path)
    header = [name.lower() for name in next(rows, ("", []))[1]]
    lacking = [name for name in needed if name not in header]
    if lacking:
        raise DataError(
            f"{path}: the first line lacks the column {' and '.join(lacking)}; it has: {', '.join(header) or 'nothing'}"
        )
    for where, row in rows:
        if len(row) < len(header) and any(header.index(name) >= len(row) for name in needed):
            raise DataError(f"{where}: has {len(row)} cells for {len(header)} columns; is the file whole?")
        yield where, dict(zip(header, row, strict=False))


def read_json(path: Path, kind: type) -> Any:
    """A JSON file whose outermost value is of that kind (dict, list)."""
    try:
        value = json.loads(read_text(path))
    except ValueError as error:
        raise DataError(f"{path}: is no JSON ({error})") from None
    if not isinstance(value, kind):
        raise DataError(f"{path}: is not what was expected (a {type(value).__name__} instead of a {kind.__name__})")
    return value


def number(cell: str, what: str, where: str) -> float:
    """A cell as a number."""
    try:
        return float(cell)
    except ValueError:
        raise DataError(f"{where}: {what} must be a number, not {cell!r}") from None
