"""Clips of a data set as they are collected, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from adaframe.data.clips import Clip
from adaframe.errors import DataError
from adaframe.prepare.place import Place


@dataclass(frozen=True)
class Prepared:
    """What a data set's annotations and folders came to.

    Args:
        clips: whose videos are there.
        missing: names of the videos that are not.
        notes: what was left out and why, as lines for people.
        multi_label: whether several classes may hold at once.
    """

    clips: tuple[Clip, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    multi_label: bool = False


class Gathering:
    """Looks up the videos of a place, one annotation at a time.

    Args:
        place: of the data set.
        multi_label: whether several classes may hold at once.
        loose: capitals and special characters may differ between annotations and files.
    """

    def __init__(self, place: Place, *, multi_label: bool = False, loose: bool = False) -> None:
        self.place, self.multi_label, self.loose = place, multi_label, loose
        self.clips: list[Clip] = []
        self.missing: dict[str, None] = {}
        self.unlabelled: dict[str, int] = {}
        self.notes: list[str] = []

    def add(
        self,
        keys: str | tuple[str, ...],
        labels: tuple[str, ...],
        split: str,
        *,
        hints: tuple[str, ...] = (),
        group: str = "",
        spans: tuple[tuple[float | None, float | None], ...] = ((None, None),),
    ) -> str | None:
        """A video and its labels; without any it is left out and counted.

        Args:
            keys: names that the video may have, without suffix, as for `Below.find`; the first is the official one.
            labels: of the clip.
            split: train, val or test.
            hints: as for `Below.find`.
            group: of the clip.
            spans: start and end in seconds of each clip in the file.

        Returns:
            The path; None where the video is missing, or has no label.
        """
        if not labels:
            self.unlabelled[split] = self.unlabelled.get(split, 0) + 1
            return None
        names = (keys,) if isinstance(keys, str) else keys
        found = (self.place.videos.find(name, hints, loose=self.loose) for name in names)
        path = next((path for path in found if path), None)
        if path is None:
            self.missing[names[0]] = None
        else:
            self.clips += [Clip(path, labels, split, "", group, start, end) for start, end in spans]
        return path

    def prepared(self) -> Prepared:
        """What came together.

        Raises:
            DataError: not one video is there.
        """
        names = list(self.missing)
        if not self.clips:
            raise DataError(
                f"{self.place.videos.folder}: holds none of the {len(names)} videos of {self.place.title} "
                f"({_some(names)}); try: --source with the folder that they are in or below"
            )
        unlabelled = [
            f"{count} videos of the {split} split have no label and are left out"
            for split, count in self.unlabelled.items()
        ]
        repeated = len(self.place.videos.repeated)
        again = [f"{repeated} videos are there more than once; the first by name is taken"] if repeated else []
        return Prepared(tuple(self.clips), tuple(names), (*unlabelled, *again, *self.notes), self.multi_label)


def counted(names: list[str], what: str) -> str:
    """`3 of them are missing: a, b, c`; nothing where there are none."""
    return f"{len(names)} {what}: {_some(names)}" if names else ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
