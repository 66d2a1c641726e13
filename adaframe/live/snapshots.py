"""The frame of each event as a JPEG file, the latest of them kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timezone
from pathlib import Path

from PIL import Image

from adaframe.errors import AdaframeError
from adaframe.files import atomic_path
from adaframe.inference.moment import Event

_OURS = re.compile(r"adaframe-\d{8}T\d{6}\.\d{3}Z-.+\.jpg")
_LONGEST = 60  # bytes of a source's or a label's name


class Snapshots:
    """Keeps the frames of events in a folder; when there are more than `keep`, the oldest are deleted.

    Only files that are named as this class names them are ever deleted; those of earlier runs count.

    Args:
        folder: made if it is not there.
        keep: how many files at most.
        say: is told, once, that files cannot be written; the stream goes on without them.

    Raises:
        AdaframeError: the folder cannot be made or read.
    """

    def __init__(self, folder: str | Path, *, keep: int, say: Callable[[str], None]) -> None:
        self.folder, self.keep, self._say = Path(folder), keep, say
        self._failed = False
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._delete_oldest()
        except OSError as error:
            raise AdaframeError(
                f"{folder}: no snapshots can be kept there ({error.strerror}); try: another folder"
            ) from error

    def take(self, event: Event) -> Event:
        """The event with the path of its frame, if it has a frame and that could be written."""
        if event.image is None:
            return event
        try:
            path = self._free(event)
            with atomic_path(path) as temporary:
                Image.fromarray(event.image).save(temporary, quality=90)
            self._delete_oldest()
        except (AdaframeError, OSError) as error:
            if not self._failed:
                self._failed = True
                self._say(f"warning: snapshots: {error}; going on without those that fail")
            return event
        self._failed = False
        return replace(event, snapshot=str(path))

    def _free(self, event: Event) -> Path:
        """A name that says when, what and where, and sorts by time."""
        at = event.time.astimezone(timezone.utc)
        parts = [safe(part) for part in (event.event, event.label, event.source)]
        name = f"adaframe-{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03d}Z-{'-'.join(part for part in parts if part)}"
        names = [f"{name}.jpg", *(f"{name}-{number}.jpg" for number in range(2, 100))]
        return next((path for path in map(self.folder.joinpath, names) if not path.exists()), self.folder / names[0])

    def _delete_oldest(self) -> None:
        ours = sorted(path for path in self.folder.iterdir() if _OURS.fullmatch(path.name))
        for path in ours[: -self.keep]:
            path.unlink(missing_ok=True)


def safe(name: str) -> str:
    """A part of a file's name: letters, digits and - only, so that no shell, path or file system takes it for more."""
    if "://" in name:
        host, slash, path = name.partition("://")[2].partition("/")
        name = host.rpartition("@")[2] + slash + path  # a user's name is nobody's business
    else:
        name = Path(name).name
    plain = re.sub(r"[\W_]+", "-", name).encode(errors="ignore")[:_LONGEST].decode(errors="ignore")
    return plain.strip("-")
