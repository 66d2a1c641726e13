"""Answers in a file, a line each: it grows as they come, and a run that was ended goes on after what is there."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from adaframe.errors import UsageError
from adaframe.files import atomic_path, unwritable, write_text

FORMAT = "adaframe-results-1"


class Results:
    """JSON lines of `adaframe classify --out FILE`, to be used in a `with` statement.

    Each row is an object with a "path", each path has one row, and each line is written whole: what a kill left of one
    is dropped at the next start. What the answers depend on stands in FILE.settings.json, so that FILE holds nothing but
    rows; a run with other settings is refused. Paths are compared as they are written.

    Args:
        path: of the file.
        settings: what the answers depend on, by the flag that sets it; plain JSON values.
        retry: forget the rows of files that failed, so that they are tried again.

    Attributes:
        done: paths that have a row.
        failed: those of them whose row is an error.

    Raises:
        UsageError: the file holds something else, or answers of other settings, or another run is writing there.
        AdaframeError: the file cannot be written.
    """

    def __init__(self, path: str | Path, settings: dict[str, Any], *, retry: bool = False) -> None:
        self.path = Path(path)
        self._beside = self.path.with_name(f"{self.path.name}.settings.json")
        self._settings = {"format": FORMAT, **settings}
        self._lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=0)
        self.done: set[str] = set()
        self.failed: set[str] = set()
        if self.path.exists() and not self.path.is_file():
            raise UsageError(f"{self.path}: is no regular file; try: another --out")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise UsageError(
                f"{self.path}: another run is writing there; try: another --out, or wait until it has ended"
            ) from None
        except OSError as error:
            raise unwritable(self.path, error) from error
        try:
            self._begin(retry)
            self._file = self.path.open("ab", buffering=0)
        except OSError as error:
            self._lock.release()
            raise unwritable(self.path, error) from error
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._lock.release()

    def append(self, row: dict[str, Any]) -> None:
        """Add the row of one more file; whole before this returns, or dropped at the next start.

        Raises:
            AdaframeError: it cannot be written (no space, ...).
        """
        left = memoryview(f"{json.dumps(row)}\n".encode())
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise unwritable(self.path, error) from error
        self._count(row)

    def _count(self, row: dict[str, Any]) -> None:
        self.done.add(row["path"])
        if "error" in row:
            self.failed.add(row["path"])

    def _begin(self, retry: bool) -> None:
        """Take up what is there, once it is clear that it is ours."""
        if not self.path.exists() or not self.path.stat().st_size:
            write_text(self._beside, json.dumps(self._settings, indent=1) + "\n")
            return
        self._check_settings()
        whole = 0
        for line, row in self._rows():
            whole += len(line)
            self._count(row)
        if whole < self.path.stat().st_size:
            os.truncate(self.path, whole)
        if retry and self.failed:
            with atomic_path(self.path) as temporary, temporary.open("wb") as file:
                file.writelines(line for line, row in self._rows() if "error" not in row)
            self.done -= self.failed
            self.failed = set()

    def _rows(self) -> Iterator[tuple[bytes, dict[str, Any]]]:
        """The whole lines, and what they say."""
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                row = _row(line)
                if row is None:
                    raise self._refused(f"line {number} is no answer of adaframe classify")
                yield line, row

    def _check_settings(self) -> None:
        try:
            before = json.loads(self._beside.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise self._refused(f"there is no {self._beside.name} beside it, so it holds something else") from None
        except ValueError:
            before = None
        if not isinstance(before, dict) or before.get("format") != FORMAT:
            raise self._refused(f"{self._beside.name} beside it is not of this version of adaframe classify")
        names = [*self._settings, *(name for name in before if name not in self._settings)]
        others = [name for name in names if before.get(name) != self._settings.get(name)]
        if others:
            told = ", ".join(
                f"{name} {_told(before.get(name))} (now {_told(self._settings.get(name))})" for name in others
            )
            raise self._refused(f"its answers were made with {told}")

    def _refused(self, why: str) -> UsageError:
        return UsageError(
            f"{self.path}: {why}; try: another --out, the same settings, or, to start anew, rm {self.path}"
        )


def digest_of(checkpoint: str | Path) -> str:
    """What tells a checkpoint from others, whatever its name: the beginning of its SHA-256."""
    with open(checkpoint, "rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:16]


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    known = isinstance(row, dict) and isinstance(row.get("path"), str) and ("label" in row or "error" in row)
    return row if known else None


def _told(value: Any) -> str:
    return "default" if value is None else str(value)
