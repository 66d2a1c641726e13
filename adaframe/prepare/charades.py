"""Charades (Sigurdsson et al., ECCV 2016): daily activities at home, several at once.

Annotations: Charades_v1_train.csv and Charades_v1_test.csv (`id,subject,…,actions,length`, actions as
`c092 11.90 21.20;c147 0.00 12.60`) and Charades_v1_classes.txt (`c000 Holding some clothes`). Videos are <id>.mp4.
"""

from __future__ import annotations

from pathlib import Path

from adaframe.errors import DataError
from adaframe.prepare.gathering import Gathering, Prepared
from adaframe.prepare.place import Place
from adaframe.prepare.texts import read_lines, read_table

_PUBLISHED = "https://prior.allenai.org/projects/charades (Annotations)"


def read_charades(source: Path, annotations: Path | None = None) -> Prepared:
    """The videos of Charades, each with all its actions; those of one subject are a group."""
    place = Place("Charades", _PUBLISHED, source, annotations)
    names = dict(line.split(" ", 1) for _, line in read_lines(place.file("Charades_v1_classes.txt")) if " " in line)
    found = Gathering(place, multi_label=True)
    for split in ("train", "test"):
        for where, row in read_table(place.file(f"Charades_v1_{split}.csv"), "id", "subject", "actions"):
            ids = [action.split()[0] for action in row["actions"].split(";") if action.strip()]
            unknown = [one for one in ids if one not in names]
            if unknown:
                raise DataError(f"{where}: the action {unknown[0]!r} is not in Charades_v1_classes.txt")
            labels = tuple(dict.fromkeys(names[one].strip() for one in ids))
            found.add(row["id"], labels, split, group=row["subject"])
    return found.prepared()
