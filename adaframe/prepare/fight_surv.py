"""Surveillance Camera Fight (Aktı, Tataroğlu, Ekenel, IPTA 2019), with folds that keep each source film together.

As published: fight/fi001.mp4 … and noFight/nofi001.mp4 …, 150 each; the folds cover 120 of each.
"""

from __future__ import annotations

import csv
from pathlib import Path

from adaframe import bundled
from adaframe.data.clips import Clip
from adaframe.data.folders import videos_below
from adaframe.errors import DataError
from adaframe.prepare.gathering import Prepared, counted


def read_fight_surv(source: Path) -> Prepared:
    """The clips that have a fold."""
    with bundled.dataset_path("fight_surv_folds.csv").open(newline="", encoding="utf-8") as file:
        table = {row["stem"]: row for row in csv.DictReader(file)}
    found: dict[str, str] = {}
    for path in videos_below(source):
        stem = Path(path).stem
        if stem in table and stem in found:
            raise DataError(
                f"{source}: {stem} is there twice ({found[stem]}, {path}); try: --source with one of the folders"
            )
        found[stem] = path
    clips = tuple(
        Clip(found[stem], (row["label"],), fold=row["fold"], group=row["group"])
        for stem, row in table.items()
        if stem in found
    )
    if not clips:
        raise DataError(f"{source}: holds none of the data set's clips (fight/fi001.mp4, noFight/nofi001.mp4, …)")
    missing = tuple(stem for stem in table if stem not in found)
    extra = sorted(stem for stem in found if stem not in table)
    return Prepared(clips, missing, (counted(extra, "clips have no fold and are left out"),))
