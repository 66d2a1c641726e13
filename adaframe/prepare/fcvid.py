"""FCVID, the Fudan-Columbia Video Dataset (Jiang et al., TPAMI 2018).

Annotations: FCVID_VideoName_TrainTestSplit.txt, lines `<folder>/<name>.mp4 train` (or test), and FCVID_Label.txt, in the same
order a line of 239 zeros and ones for each. Known from code that reads
them, not from the files themselves, which are handed out on request.
"""

from __future__ import annotations

import os
from pathlib import Path

from adaframe.data.clips import split_name
from adaframe.errors import DataError
from adaframe.prepare.classes import read_classes
from adaframe.prepare.gathering import Gathering, Prepared
from adaframe.prepare.place import Place
from adaframe.prepare.texts import number, read_lines

_PUBLISHED = "https://fvl.fudan.edu.cn/dataset/fcvid/list.htm (on request)"


def read_fcvid(source: Path, annotations: Path | None = None) -> Prepared:
    """The videos of FCVID; class names come from classInd.txt (a name a line), else they are numbers."""
    place = Place("FCVID", _PUBLISHED, source, annotations)
    rows = list(read_lines(place.file("FCVID_VideoName_TrainTestSplit.txt")))
    path = place.file("FCVID_Label.txt")
    marks = [_marked(line, where) for where, line in read_lines(path)]
    widths = {width for width, _ in marks}
    if len(marks) != len(rows) or len(widths) != 1:
        raise DataError(
            f"{path}: must have a line of the same length for each of the {len(rows)} videos of the split, "
            f"not {len(marks)} lines of {len(widths)} lengths"
        )
    classes = widths.pop()
    named = place.optional("classInd.txt")
    names = read_classes(named) if named else [f"class {index:03d}" for index in range(classes)]
    if len(names) != classes:
        raise DataError(f"{named}: has {len(names)} lines for the {classes} classes of {path.name}")
    found = Gathering(place, multi_label=True)
    for (where, line), (_, ids) in zip(rows, marks, strict=True):
        name, _, use = line.replace("\t", " ").rpartition(" ")
        split = split_name(use)
        if not split or not name:
            raise DataError(f"{where}: must be a video and train or test, not {line!r}")
        stem = os.path.splitext(name.strip().replace("\\", "/"))[0]
        found.add(stem, tuple(names[i] for i in ids), split)
    return found.prepared()


def _marked(line: str, where: str) -> tuple[int, tuple[int, ...]]:
    """How many marks a line has, and which of them are set."""
    marks = line.split()
    return len(marks), tuple(i for i, mark in enumerate(marks) if mark != "0" and number(mark, "a label", where) > 0)
