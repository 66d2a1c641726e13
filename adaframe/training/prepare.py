"""Data sets as they are published -> a manifest that `load_dataset` reads."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from adaframe import bundled
from adaframe.errors import DataError, UsageError
from adaframe.files import write_text
from adaframe.training.clips import Clip
from adaframe.training.folders import read_folders, videos_below


def prepare(name: str, *, source: Path, out: Path) -> list[str]:
    """Write the manifest of a data set.

    Args:
        name: of the data set, one of `PREPARERS`.
        source: its folder as published.
        out: CSV to write; its paths are relative to its own folder.

    Returns:
        What was written and what was left out, as lines for people.

    Raises:
        DataError: the folder does not hold that data set.
        UsageError: `out` is no .csv.
    """
    if out.suffix.lower() != ".csv":
        raise UsageError(f"--out {out}: a manifest is a .csv file")
    if not source.is_dir():
        raise DataError(f"{source}: there is no such folder")
    clips, notes = PREPARERS[name](source)
    write_text(out, _csv(clips, out.resolve().parent))
    labels = Counter(label for clip in clips for label in clip.labels)
    counted = ", ".join(f"{count} {label}" for label, count in sorted(labels.items()))
    return [f"{out}: {len(clips)} clips ({counted})", *notes, f"next: adaframe train --data.manifest {out}"]


def _folder(source: Path) -> tuple[list[Clip], list[str]]:
    return read_folders(str(source)), []


def _fight_surv(source: Path) -> tuple[list[Clip], list[str]]:
    """Surveillance Camera Fight (Aktı, Tataroğlu, Ekenel, IPTA 2019), with folds that keep each source film together.

    As published: fight/fi001.mp4 … and noFight/nofi001.mp4 …, 150 each; the folds cover 120 of each.
    """
    table_path = bundled.dataset_path("fight_surv_folds.csv")
    with table_path.open(newline="", encoding="utf-8") as file:
        table = {row["stem"]: row for row in csv.DictReader(file)}
    found: dict[str, str] = {}
    for path in videos_below(source):
        stem = Path(path).stem
        if stem in table and stem in found:
            raise DataError(
                f"{source}: {stem} is there twice ({found[stem]}, {path}); try: --source with one of the folders"
            )
        found[stem] = path
    clips = [
        Clip(found[stem], (row["label"],), fold=row["fold"], group=row["group"])
        for stem, row in table.items()
        if stem in found
    ]
    if not clips:
        raise DataError(f"{source}: holds none of the data set's clips (fight/fi001.mp4, noFight/nofi001.mp4, …)")
    missing = [stem for stem in table if stem not in found]
    extra = sorted(stem for stem in found if stem not in table)
    notes = [
        _counted(missing, f"of the {len(table)} clips with a fold are missing"),
        _counted(extra, "clips have no fold and are left out"),
    ]
    return clips, [note for note in notes if note]


def _counted(names: list[str], what: str) -> str:
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return f"{len(names)} {what}: {shown}" if names else ""


def _csv(clips: list[Clip], folder: Path) -> str:
    """The manifest's text; columns that would be empty throughout are left out."""
    rows = [
        {
            "path": Path(os.path.relpath(Path(clip.path).resolve(), folder)).as_posix(),
            "label": "|".join(clip.labels),
            "split": clip.split,
            "fold": clip.fold,
            "group": clip.group,
        }
        for clip in clips
    ]
    columns = [name for name in rows[0] if any(row[name] for row in rows)]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


PREPARERS: dict[str, Callable[[Path], tuple[list[Clip], list[str]]]] = {"fight-surv": _fight_surv, "folder": _folder}
