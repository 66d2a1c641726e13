"""UCF101 (Soomro, Zamir, Shah, arXiv:1212.0402).

Annotations: ucfTrainTestlist/ with classInd.txt (`1 ApplyEyeMakeup`), and for each of three splits trainlist0N.txt
(`ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1`) and testlist0N.txt (the same without the number).
"""

from __future__ import annotations

import re
from pathlib import Path

from adaframe.errors import DataError
from adaframe.prepare.gathering import Gathering, Prepared
from adaframe.prepare.place import Place
from adaframe.prepare.texts import read_lines

_PUBLISHED = "https://www.crcv.ucf.edu/data/UCF101.php (UCF101TrainTestSplits-RecognitionTask.zip)"
_GROUP = re.compile(r"(.+_g\d+)_c\d+")


def read_ucf101(source: Path, annotations: Path | None = None, split_number: int = 1) -> Prepared:
    """The clips of one of the three official splits; clips cut from one film (v_<class>_gNN) are a group."""
    place = Place("UCF101", _PUBLISHED, source, annotations)
    # The lists' folders are HandstandPushups, their files v_HandStandPushups_…: names differ in capitals.
    found = Gathering(place, loose=True)
    spelled = {line.split()[-1].casefold(): line.split()[-1] for _, line in read_lines(place.file("classInd.txt"))}
    for split in ("train", "test"):
        for where, line in read_lines(place.file(f"{split}list{split_number:02d}.txt")):
            folder, _, name = line.split()[0].rpartition("/")
            label = spelled.get(folder.casefold())
            if label is None:
                raise DataError(f"{where}: {folder or line!r} is no class of classInd.txt")
            stem = name.rpartition(".")[0] or name
            film = _GROUP.fullmatch(stem)
            found.add(stem, (label,), split, hints=(folder,), group=film[1] if film else "")
    return found.prepared()
