"""What a data set is made of: clips with their labels, splits, folds and groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from adaframe.errors import DataError

SPLITS = ("train", "val", "test")
_SPELLINGS = {"training": "train", "valid": "val", "validation": "val", "testing": "test"} | {
    name: name for name in SPLITS
}


class DataWarning(UserWarning):
    """Something about a data set that does not stop its use."""


def split_name(name: str) -> str:
    """The split that a folder or a cell names (`validation` and `valid` are `val`), or nothing if it names none."""
    return _SPELLINGS.get(name.strip().lower(), "")


@dataclass(frozen=True)
class Clip:
    """A video file, or a part of one, with what is known about it.

    Args:
        path: of the file.
        labels: class names; more than one, or none, only in multi-label sets.
        split: train, val or test; empty where the data set has no splits.
        fold: name of the cross-validation fold, or empty.
        group: clips of one group (one film, one person) look alike and never fall on both sides of a split;
            empty: the clip shares a group only with other parts of its file.
        start_s: where the clip starts in the file, in seconds; None: at its start.
        end_s: where it ends; None: at the file's end.
    """

    path: str
    labels: tuple[str, ...]
    split: str = ""
    fold: str = ""
    group: str = ""
    start_s: float | None = None
    end_s: float | None = None

    @property
    def title(self) -> str:
        """For people: the file's name, with the part of it that is the clip."""
        name = Path(self.path).name
        if self.start_s is None and self.end_s is None:
            return name
        end = "its end" if self.end_s is None else f"{self.end_s:g} s"
        return f"{name} (from {self.start_s or 0:g} s to {end})"


@dataclass(frozen=True)
class DataSet:
    """Clips and the classes that they have.

    Args:
        clips: in the order of the manifest, or by name.
        classes: all labels, sorted: the order of a model's scores.
        multi_label: whether a clip may have several labels, or none.
    """

    clips: tuple[Clip, ...]
    classes: tuple[str, ...]
    multi_label: bool

    def split(self, name: str) -> tuple[Clip, ...]:
        """The clips of a split (train, val, test); none where the data set does not have that split.

        Raises:
            DataError: there can be no split of that name.
        """
        if not split_name(name):
            raise DataError(f"unknown split {name!r}; known: {', '.join(SPLITS)}")
        return tuple(clip for clip in self.clips if clip.split == split_name(name))

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the cross-validation folds, sorted (numbers by value)."""
        names = {clip.fold for clip in self.clips if clip.fold}
        return tuple(sorted(names, key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)))


def data_set(clips: Iterable[Clip], multi_label: bool, where: str) -> DataSet:
    """Check clips against each other.

    Raises:
        DataError: fewer than two classes, or a clip or a group on both sides of a split or fold.
    """
    clips = tuple(clips)
    classes = tuple(sorted({label for clip in clips for label in clip.labels}))
    if len(classes) < 2:
        found = repr(classes[0]) if classes else "without a label"
        raise DataError(f"{where}: all {len(clips)} clips are {found}; at least two classes are needed")
    _check_sides(clips, where)
    return DataSet(clips, classes, multi_label)


def _check_sides(clips: tuple[Clip, ...], where: str) -> None:
    by_file: dict[str, list[Clip]] = {}
    by_group: dict[str, Clip] = {}
    for clip in clips:
        for other in by_file.setdefault(clip.path, []):
            if not _overlap(clip, other):
                continue
            side = _differs(clip, other)
            if side:
                raise DataError(f"{where}: {clip.path}: the same clip is in {side}")
            raise DataError(f"{where}: {clip.path}: listed twice (several labels go into one cell, joined by |)")
        by_file[clip.path].append(clip)
        if clip.group:
            side = _differs(clip, by_group.setdefault(clip.group, clip))
            if side:
                raise DataError(f"{where}: group {clip.group!r} is in {side}: {by_group[clip.group].path}, {clip.path}")


def _overlap(one: Clip, other: Clip) -> bool:
    far = float("inf")
    starts, ends = (one.start_s or 0.0, other.start_s or 0.0), (one.end_s or far, other.end_s or far)
    return max(starts) < min(ends)


def _differs(one: Clip, other: Clip) -> str:
    if one.split != other.split:
        return f"two splits ({other.split} and {one.split})"
    return f"two folds ({other.fold} and {one.fold})" if one.fold != other.fold else ""
