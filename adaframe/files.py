"""Files written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from adaframe.errors import AdaframeError

_HINTS = {
    errno.ENOSPC: "free some space, or write to another disk",
    errno.EDQUOT: "free some of your quota, or write to another disk",
    errno.EFBIG: "write to a file system (or under a limit) that allows larger files",
    errno.EACCES: "write to a folder that is yours, or change its permissions",
    errno.EPERM: "write to a folder that is yours, or change its permissions",
    errno.EROFS: "write to a disk that is not read-only",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EISDIR: "name a file, not a folder",
    errno.ENOTDIR: "choose another folder, as a part of this path is a file",
    errno.EEXIST: "choose another folder, as a part of this path is a file",
}


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path`, with the same suffix, that becomes `path` when the block ends well.

    Parent folders are made. If the block raises, the temporary file is removed and what was at `path` stays as it
    was. A link at `path` is followed: the file that it points to is replaced, not the link. A device or a pipe
    (/dev/null, /dev/stdout) cannot be replaced: it is written to as it is.

    Args:
        path: where the file shall be. The block must write, and close, a file of the name that it is given.

    Raises:
        AdaframeError: the file cannot be written (no space, no permission, a folder of that name, ...). Errors about
            other files, which the block reads for example, pass through as they are.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{secrets.token_hex(6)}.tmp{target.suffix}")
    try:
        if path.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        if path.exists() and not path.is_file():
            yield path
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush(temporary)
        os.replace(temporary, target)
        with suppress(OSError):  # not every file system lets a folder be flushed; the file itself is whole by now
            _flush(target.parent)
    except OSError as error:
        if not _concerns(error, temporary, target):
            raise
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def unwritable(path: str | Path, error: OSError) -> AdaframeError:
    """What to tell, and what to try, where `path` could not be written."""
    hint = _HINTS.get(error.errno or 0, "check the folder, its permissions and the disk")
    return AdaframeError(f"{path}: cannot be written ({error.strerror or error}); try: {hint}")


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` in UTF-8, with line ends as they are, whole or not at all.

    Raises:
        AdaframeError: the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def _concerns(error: OSError, temporary: Path, target: Path) -> bool:
    """Whether the error is about the file being written, not about another one that the block reads or writes."""
    if not isinstance(error.filename, (str, bytes, os.PathLike)):
        return error.errno in _HINTS  # a write to an open file names no file: disk full, quota
    named = Path(os.path.realpath(os.fsdecode(error.filename)))
    return named in (temporary, target) or named in target.parents


def _flush(path: Path) -> None:
    """Bring what was written to the disk, so that a power cut after the rename leaves no empty file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
