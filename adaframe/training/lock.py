"""One run at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from adaframe.errors import UsageError


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold the folder of a run. The system lets go of it with the process, however that ends; the empty file stays.

    Raises:
        UsageError: another process holds it.
    """
    try:
        with FileLock(out / ".lock", timeout=0):
            yield
    except Timeout:
        raise UsageError(
            f"{out}: another run is writing there; try: another --out, or wait until it has ended"
        ) from None
