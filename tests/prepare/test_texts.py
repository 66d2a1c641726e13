"""Annotation files are read whole, or what is wrong is said with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from adaframe.errors import DataError
from adaframe.prepare.texts import read_json, read_lines, read_rows, read_table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.txt"


def test_lines_lose_their_ends_and_blank_ones_are_left_out(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf a b \r\n\r\nc")

    assert list(read_lines(path)) == [(f"{path}, line 1", "a b"), (f"{path}, line 3", "c")]


def test_bytes_that_are_no_text_stay_what_they_are(path: Path) -> None:
    path.write_bytes(b"caf\xe9.mp4\n")

    assert next(read_lines(path))[1].encode("utf-8", "surrogateescape") == b"caf\xe9.mp4"


def test_quoted_cells_hold_commas_quotes_and_line_breaks(path: Path) -> None:
    path.write_text('a,"b, ""c""",\n"d\ne",f\n')

    assert [row for _, row in read_rows(path)] == [["a", 'b, "c"', ""], ["d\ne", "f"]]


def test_columns_go_by_their_names(path: Path) -> None:
    path.write_text("Label,ID,extra\nrun,1,x\nsit,2\n")

    assert [row for _, row in read_table(path, "id", "label")] == [
        {"label": "run", "id": "1", "extra": "x"},
        {"label": "sit", "id": "2"},
    ]
    with pytest.raises(DataError, match=r"lacks the column start; it has: label, id, extra"):
        list(read_table(path, "id", "start"))


def test_json_of_another_kind_is_an_error(path: Path) -> None:
    path.write_text("[1]")

    assert read_json(path, list) == [1]
    with pytest.raises(DataError, match="a list instead of a dict"):
        read_json(path, dict)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        list(read_lines(tmp_path))
