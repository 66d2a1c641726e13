"""Moments in Time (Monfort et al., TPAMI 2019).

Annotations: trainingSet.csv and validationSet.csv, lines `class/name.mp4,label,agreeing,disagreeing` without a header, and
moments_categories.txt (`clapping,0`). Videos are training/<class>/<name>.mp4 and validation/<class>/<name>.mp4.
"""

from __future__ import annotations

from pathlib import Path

from adaframe.errors import DataError
from adaframe.prepare.gathering import Gathering, Prepared
from adaframe.prepare.place import Place
from adaframe.prepare.texts import read_lines, read_rows

_PUBLISHED = "http://moments.csail.mit.edu (after registration)"


def read_moments(source: Path, annotations: Path | None = None) -> Prepared:
    """The clips of Moments in Time; validation is `val`, the labels of the test set are held out."""
    place = Place("Moments in Time", _PUBLISHED, source, annotations)
    lines = read_lines(place.file("moments_categories.txt"))
    known = {line.rpartition(",")[0].strip() or line for _, line in lines}
    found = Gathering(place)
    for split, name in (("train", "training"), ("val", "validation")):
        for index, (where, row) in enumerate(read_rows(place.file(f"{name}Set.csv"))):
            path, label = row[0], row[1] if len(row) > 1 else ""
            if index == 0 and label.lower() == "label":
                continue
            if label not in known:
                raise DataError(f"{where}: {label!r} is not in moments_categories.txt")
            stem = path.rpartition(".")[0] or path
            found.add(stem if "/" in stem else f"{label}/{stem}", (label,), split, hints=(name, split))
    return found.prepared()
