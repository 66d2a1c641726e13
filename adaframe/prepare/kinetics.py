"""Kinetics-400, -600 and -700 (Kay et al., arXiv:1705.06950) and Mini-Kinetics-200 (Xie et al., arXiv:1712.04851).

Annotations: CSV files `label,youtube_id,time_start,time_end,split[,is_cc]`, one a split; where the labels of the test split are
held out, the column is missing or empty. Mini-Kinetics-200 is two lists of YouTube ids; labels and times are in
Kinetics-400's files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adaframe.prepare.gathering import Gathering, Prepared, counted
from adaframe.prepare.place import Place
from adaframe.prepare.texts import number, read_lines, read_table

_PUBLISHED = "https://github.com/cvdfoundation/kinetics-dataset (annotations/), or by DeepMind as kinetics{}.tar.gz"
_LISTS = "https://github.com/s9xie/Mini-Kinetics-200 (lists), and Kinetics-400's CSV files as for kinetics400"
_SPLITS = {"train": "train", "val": "val|validate|validation", "test": "test"}
# Where the CVDF's replacements for damaged clips of Kinetics-400 are unpacked.
_REPLACED = "replacement_for_corrupted_k400"


def read_kinetics(version: str, source: Path, annotations: Path | None = None) -> Prepared:
    """The clips of Kinetics-`version` (400, 600, 700)."""
    place = Place(f"Kinetics-{version}", _PUBLISHED.format(version), source, annotations)
    found = _Clips(place)
    for split in _SPLITS:
        path = _table(place, version, split)
        if path is None:
            found.gathering.notes.append("there is no test.csv: the test split is left out")
            continue
        for where, row in read_table(path, "youtube_id", "time_start", "time_end"):
            found.add(row, split, where)
    return found.prepared()


def read_mini_kinetics(source: Path, annotations: Path | None = None) -> Prepared:
    """The clips of Mini-Kinetics-200, among those of Kinetics-400."""
    place = Place("Mini-Kinetics-200", _LISTS, source, annotations)
    lists = {split: place.file(f"{split}_ytid_list.txt") for split in ("train", "val")}
    rows = {row["youtube_id"]: (row, where) for where, row in _labelled(place)}
    found, strangers = _Clips(place), []
    for split, path in lists.items():
        for _, name in read_lines(path):
            if name in rows:
                row, where = rows[name]
                found.add(row, split, where)
            else:
                strangers.append(name)
    found.gathering.notes.append(counted(strangers, "ids are not in Kinetics-400's CSV files"))
    return found.prepared()


class _Clips:
    """Rows of Kinetics' CSV files become clips."""

    def __init__(self, place: Place) -> None:
        self.gathering = Gathering(place)
        self.by_id = 0

    def add(self, row: dict[str, str], split: str, where: str) -> None:
        name, label = row["youtube_id"], row.get("label", "")
        start, end = (int(number(row[column], column, where)) for column in ("time_start", "time_end"))
        keys = (f"{name}_{start:06d}_{end:06d}", f"{name}_{start}_{end}", name)
        hints = (_REPLACED, split, label, label.replace(" ", "_"))
        path = self.gathering.add(keys, (label,) if label else (), split, hints=hints)
        self.by_id += path is not None and Path(path).stem == name

    def prepared(self) -> Prepared:
        if self.by_id:
            self.gathering.notes.append(
                f"{self.by_id} videos are named by their id alone; they are taken for the cut-out clips, not whole films"
            )
        return self.gathering.prepared()


def _labelled(place: Place) -> Iterator[tuple[str, dict[str, str]]]:
    for split in ("train", "val"):
        path = _table(place, "400", split)
        if path is not None:
            yield from read_table(path, "label", "youtube_id", "time_start", "time_end")


def _table(place: Place, version: str, split: str) -> Path | None:
    """train.csv, validate.csv, kinetics_train.csv, kinetics-400_train.csv, k400_train.csv: all are about."""
    pattern = rf"((kinetics|k)?[-_]?({version})?([-_]?2020)?[-_])?({_SPLITS[split]})\.csv"
    return place.optional("test.csv", pattern) if split == "test" else place.file(f"{split}.csv", pattern)
