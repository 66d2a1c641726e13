"""Where a data set lies: its videos and its annotation files, from one walk through the folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from adaframe.data.folders import is_video
from adaframe.errors import DataError

_ANNOTATIONS = (".csv", ".json", ".txt")


class Below:
    """What lies below a folder. Links to folders are followed, hidden names left out.

    Args:
        folder: is walked through once.
        closed: full match of the names of folders that are not entered, as they hold millions of frames.
    """

    def __init__(self, folder: Path, closed: str = "(?!)") -> None:
        self.folder = folder
        self.videos: dict[str, list[str]] = {}
        self.annotations: dict[str, list[str]] = {}
        self.folders: set[str] = set()
        self.closed: list[str] = []
        self.repeated: set[str] = set()
        self._loose: dict[str, str] | None = None
        for here, name in _files(folder, re.compile(closed), self.folders, self.closed):
            path = os.path.join(here, name)
            if is_video(name):
                self.videos.setdefault(os.path.splitext(name)[0], []).append(path)
            elif name.lower().endswith(_ANNOTATIONS):
                self.annotations.setdefault(name.lower(), []).append(path)
        for paths in self.videos.values():
            paths.sort()

    def find(self, key: str, hints: tuple[str, ...] = (), *, loose: bool = False) -> str | None:
        """The video of a name, whatever its suffix.

        Args:
            key: the name without suffix, maybe with its folder before it. The folder only has to match where a folder
                of that name exists: data sets are unpacked flat, too.
            hints: names of folders, the most telling first, that settle which one is meant where there are several.
            loose: capitals and special characters may differ.
        """
        folder, stem = os.path.split(key)
        paths = self.videos.get(stem, [])
        if not paths and loose:
            if self._loose is None:
                self._loose = {_letters(name): name for name in self.videos}
            paths = self.videos.get(self._loose.get(_letters(stem), ""), [])
        if folder and os.path.basename(folder) in self.folders:
            exact = [path for path in paths if os.path.dirname(path).endswith(os.sep + folder)]
            paths = exact or [path for path in paths if _parents(path)[-1] == os.path.basename(folder)]
        if len(paths) < 2:
            return paths[0] if paths else None
        fits = [[hint in _parents(path) for hint in hints] for path in paths]
        best = max(fits)
        if fits.count(best) > 1:
            self.repeated.add(stem)
        return paths[fits.index(best)]


class Place:
    """A data set on disk.

    Args:
        title: of the data set, for messages.
        published: where its annotation files can be had.
        source: folder of its videos.
        annotations: folder of its annotation files; None: they lie below `source`.
        closed: as for `Below`.
    """

    def __init__(
        self, title: str, published: str, source: Path, annotations: Path | None = None, closed: str = "(?!)"
    ) -> None:
        self.title, self.published = title, published
        if annotations is not None and not annotations.is_dir():
            raise DataError(f"{annotations}: there is no such folder")
        self.videos = Below(source, closed)
        self._annotations = self.videos if annotations is None else Below(annotations, closed)

    def file(self, name: str, pattern: str = "") -> Path:
        """The annotation file of that name.

        Args:
            name: as published.
            pattern: full match of the names that it goes by; capitals do not matter.

        Raises:
            DataError: it is not there, or in several places.
        """
        found = self.optional(name, pattern)
        if found is None:
            raise DataError(
                f"{self._annotations.folder}: {self.title}'s annotation file {name} is not in it or below; it is "
                f"published at {self.published}; try: --annotations DIR"
            )
        return found

    def optional(self, name: str, pattern: str = "") -> Path | None:
        """As `file`, but None where it is not there."""
        found = self.files(pattern or re.escape(name))
        depths = [path.count(os.sep) for path in found]
        top = [path for path, depth in zip(found, depths, strict=True) if depth == min(depths)]
        if len(top) > 1:
            raise DataError(
                f"{self._annotations.folder}: {name} of {self.title} could be {top[0]} or {top[1]}; try: --annotations "
                "with the folder of the right one"
            )
        return Path(top[0]) if top else None

    def files(self, pattern: str) -> list[str]:
        """All annotation files whose names match fully, sorted."""
        fits = re.compile(pattern, re.IGNORECASE).fullmatch
        return sorted(path for name, paths in self._annotations.annotations.items() if fits(name) for path in paths)


def _files(folder: Path, closed: re.Pattern[str], seen: set[str], left: list[str]) -> Iterator[tuple[str, str]]:
    """(folder, name) of all files; the names of the folders go into `seen`, those not entered into `left`."""
    linked = {os.path.realpath(folder)}
    for here, folders, names in os.walk(folder, followlinks=True):
        entered = []
        for name in folders:
            path = os.path.join(here, name)
            if closed.fullmatch(name):
                left.append(path)
            elif not name.startswith(".") and not _loops(path, linked):
                entered.append(name)
        folders[:] = entered
        seen.update(entered)
        yield from ((here, name) for name in names if not name.startswith("."))


def _loops(path: str, linked: set[str]) -> bool:
    """Whether a link leads to where another one led, or to the folder itself."""
    if not os.path.islink(path):
        return False
    target = os.path.realpath(path)
    known = target in linked
    linked.add(target)
    return known


def _parents(path: str) -> list[str]:
    return os.path.dirname(path).split(os.sep)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name).casefold().strip()
