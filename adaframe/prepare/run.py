"""A data set as it is published -> a manifest that `load_dataset` reads, and lists of what is missing or bad."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from adaframe.data.clips import Clip
from adaframe.data.sides import sided
from adaframe.errors import DataError, UsageError
from adaframe.files import atomic_path, write_text
from adaframe.prepare.catalogue import OPTIONS, PREPARERS
from adaframe.prepare.gathering import counted
from adaframe.prepare.table import manifest_text
from adaframe.prepare.tidy import tidy

_CLASSES_SHOWN = 8
_BAD_SHOWN = 20


def prepare(name: str, *, source: Path, out: Path, verify: bool = False, workers: int = 0, **options: Any) -> list[str]:
    """Write the manifest of a data set.

    Beside it come `<stem>.missing.txt`, if videos that the annotations name are not there, and `<stem>.bad.txt`, if
    some cannot be used.

    Args:
        name: of the data set, one of `PREPARERS`.
        source: its folder as published.
        out: CSV to write; its paths are relative to its own folder.
        verify: open every video first, and leave out those that cannot be used.
        workers: processes for that; 0 for one per core.
        options: those that the data set has: `annotations` (a folder), `split_number` (1 to 3), `segments` (a bool).

    Returns:
        What was written and what was left out, as lines for people.

    Raises:
        DataError: the folder does not hold that data set, its annotations are missing or not of their form, or no clip is left.
        UsageError: `out` is no .csv, or an option is not the data set's.
    """
    if out.suffix.lower() != ".csv":
        raise UsageError(f"--out {out}: a manifest is a .csv file")
    for option in options:
        if option not in PREPARERS[name].options:
            having = ", ".join(known for known, preparer in PREPARERS.items() if option in preparer.options)
            flag = f"--{option.replace('_', '-')}"
            raise UsageError(f"{flag} is not for {name}, which {OPTIONS[option]}; it is for: {having}")
    if not source.is_dir():
        raise DataError(f"{source}: there is no such folder")
    made = PREPARERS[name].read(source, **options)
    clips, changes = tidy(made.clips)
    opened: list[str] = []
    if verify:
        clips, opened = _verified(clips, out, workers)
    _list(out.with_suffix(".missing.txt"), made.missing)
    if not clips:
        raise DataError(f"{source}: no clip can be used; {out.with_suffix('.bad.txt')} says why")
    write_text(out, manifest_text(clips, out.resolve().parent, multi_label=made.multi_label))
    notes = [_missing(made.missing, len(made.clips), out), *made.notes, *changes, *opened, _sides(clips)]
    return [_summary(out, clips, made.multi_label), *(note for note in notes if note), _next(out, clips)]


def _verified(clips: Sequence[Clip], out: Path, workers: int) -> tuple[list[Clip], list[str]]:
    """The usable clips, and lines for people about the others, which are listed beside the manifest."""
    from adaframe.prepare.verify import verify

    files = len({clip.path for clip in clips})
    with atomic_path(out.with_suffix(".bad.txt")) as temporary:
        temporary.touch()  # opening them can take hours: whether the folder can be written to shows now
        result = verify(clips, workers=workers)
    _list(out.with_suffix(".bad.txt"), [f"{path}: {reason}" for path, reason in result.bad.items()])
    said = [f"{files} videos were opened; none is bad"]
    if result.bad:
        said = [
            f"{len(result.bad)} of {files} videos are bad and left out; they are listed in {out.with_suffix('.bad.txt')}"
        ]
        said += [f"  {path}: {reason}" for path, reason in list(result.bad.items())[:_BAD_SHOWN]]
        said += [f"  … and {len(result.bad) - _BAD_SHOWN} more"] if len(result.bad) > _BAD_SHOWN else []
    said.append(counted(list(result.odd), "videos are damaged in part, or odd, and kept"))
    return list(result.clips), said


def _list(path: Path, lines: Sequence[str]) -> None:
    """Write a list, or remove the one of an earlier run where there is nothing to list."""
    if lines:
        text = "".join(f"{line}\n" for line in lines)
        write_text(path, text.encode("utf-8", "backslashreplace").decode())
    else:
        with suppress(OSError):
            path.unlink()


def _missing(missing: Sequence[str], clips: int, out: Path) -> str:
    said = counted(list(missing), "videos of the annotations are missing")
    return f"{said}; listed in {out.with_suffix('.missing.txt')}" if said else ""


def _summary(out: Path, clips: Sequence[Clip], multi_label: bool) -> str:
    labels = Counter(label for clip in clips for label in clip.labels)
    shown = ", ".join(f"{count} {label}" for label, count in sorted(labels.items()))
    classes = f"({shown})" if len(labels) <= _CLASSES_SHOWN else f"of {len(labels)} classes"
    several = ", several of which may hold at once" if multi_label else ""
    splits = Counter(clip.split for clip in clips if clip.split)
    parts = "; " + ", ".join(f"{count} {split}" for split, count in splits.items()) if splits else ""
    return f"{out}: {len(clips)} clips {classes}{several}{parts}"


def _sides(clips: Sequence[Clip]) -> str:
    found = sided(label for clip in clips for label in clip.labels)
    return f"{len(found)} labels speak of left or right ({found[0]}, …): train with --data.flip false" if found else ""


def _next(out: Path, clips: Sequence[Clip]) -> str:
    splits = {clip.split for clip in clips}
    hint = "; there is no test split: adaframe evaluate --split val" if "val" in splits and "test" not in splits else ""
    return f"next: adaframe train --data.manifest {out}{hint}"
