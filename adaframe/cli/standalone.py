"""What `python -m adaframe.….MODULE` does with errors: the same as the command `adaframe`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps

from adaframe.errors import AdaframeError

Main = Callable[[Sequence[str] | None], int]


def telling_errors(main: Main) -> Callable[..., int]:
    """A main function whose errors that a user can mend become a line on stderr and the exit code."""

    @wraps(main)
    def telling(argv: Sequence[str] | None = None) -> int:
        try:
            return main(argv)
        except AdaframeError as error:
            print(f"adaframe: error: {error}", file=sys.stderr)
            return error.exit_code

    return telling
