"""HMDB51 (Kuehne, Jhuang, Garrote, Poggio, Serre, ICCV 2011).

Annotations: testTrainMulti_7030_splits/ with <class>_test_split<1..3>.txt, lines `name.avi 1`: 1 trains, 2 tests, 0 is
not used.
"""

from __future__ import annotations

import re
from pathlib import Path

from adaframe.errors import DataError
from adaframe.prepare.gathering import Gathering, Prepared
from adaframe.prepare.place import Place
from adaframe.prepare.texts import read_lines

_PUBLISHED = (
    "https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database (test_train_splits.rar: "
    "testTrainMulti_7030_splits/<class>_test_split1.txt …)"
)
_USES = {"0": "", "1": "train", "2": "test"}
_CLASSES = 51


def read_hmdb51(source: Path, annotations: Path | None = None, split_number: int = 1) -> Prepared:
    """The clips of one of the three official splits; clips of one film and class are a group."""
    place = Place("HMDB51", _PUBLISHED, source, annotations)
    # File names hold #, &, ;, brackets: some unpack them under other names.
    found = Gathering(place, loose=True)
    ending = f"_test_split{split_number}.txt"
    lists = {Path(path).name[: -len(ending)]: Path(path) for path in place.files(rf".+{re.escape(ending)}")}
    if not lists:
        place.file(f"brush_hair{ending}")
    for label, path in lists.items():
        for where, line in read_lines(path):
            name, use = line.rsplit(None, 1) if " " in line else (line, "")
            if use not in _USES:
                raise DataError(f"{where}: must be `name.avi` and 0, 1 or 2, not {line!r}")
            if _USES[use]:
                stem = name.strip().removesuffix(".avi")
                film = stem.rpartition(f"_{label}_")[0]
                found.add(f"{label}/{stem}", (label,), _USES[use], group=f"{film}/{label}" if film else "")
    if len(lists) != _CLASSES:
        found.notes.append(f"there are lists of {len(lists)} classes; the data set has {_CLASSES}")
    return found.prepared()
