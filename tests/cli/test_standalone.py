"""Errors of measuring commands."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from adaframe.cli.standalone import telling_errors
from adaframe.errors import DataError, UsageError


@pytest.mark.parametrize(("error", "code"), [(DataError("a.csv: is empty"), 1), (UsageError("no such fold"), 2)])
def test_what_a_user_can_mend_is_a_line_and_an_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    @telling_errors
    def main(argv: Sequence[str] | None = None) -> int:
        raise error

    assert main([]) == code
    assert capsys.readouterr().err == f"adaframe: error: {error}\n"


def test_what_nobody_foresaw_is_not_hidden() -> None:
    @telling_errors
    def main(argv: Sequence[str] | None = None) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main()
