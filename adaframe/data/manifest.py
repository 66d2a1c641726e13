"""Data sets: a folder per class or a CSV manifest -> checked clips; and how clips are split. Free of torch."""

from __future__ import annotations

import csv
import math
import os
import random
import warnings
from collections import Counter
from collections.abc import Sequence

from adaframe.data.clips import SPLITS, Clip, DataSet, DataWarning, data_set, split_name
from adaframe.data.folders import read_folders
from adaframe.errors import DataError, UsageError

__all__ = ["Clip", "DataSet", "DataWarning", "load_dataset", "split_off"]

_COLUMNS = ("path", "label", "split", "fold", "start_s", "end_s", "group")


def load_dataset(root: str, manifest: str) -> DataSet:
    """Read and check a data set.

    Args:
        root: a folder per class (`root/train/<label>/*.mp4` beside val/ and test/, or `root/<label>/*.mp4`); with a
            manifest, the folder that its paths are relative to.
        manifest: a CSV file with the columns `path,label[,split][,fold][,start_s,end_s][,group]` in any order; its
            paths are relative to `root` if given, else to its own folder. Several labels in one cell are joined by `|`;
            a bar anywhere makes the set multi-label, and then an empty cell is a clip with none of the labels.

    Raises:
        DataError: the data set cannot be used as it is; the message says where, what, and what to try.
    """
    if not root and not manifest:
        raise DataError("no data set given; try: --data.root DIR (a folder per class) or --data.manifest FILE (a CSV)")
    if not manifest:
        return data_set(read_folders(root), multi_label=False, where=root)
    if root and not os.path.isdir(root):
        raise DataError(f"{root}: there is no such folder")
    base = root or os.path.dirname(manifest)
    clips, multi_label = _read_csv(manifest, base)
    if bare := sum(not clip.labels for clip in clips):
        warnings.warn(f"{manifest}: {bare} clips have no label, and count as showing none", DataWarning, stacklevel=2)
    return data_set(_on_disk(clips, manifest, base), multi_label, where=manifest)


def split_off(clips: Sequence[Clip], fraction: float, seed: int) -> tuple[tuple[Clip, ...], tuple[Clip, ...]]:
    """Part clips into (train, val) so that no group (without one: no file) is on both sides.

    Groups go to val in a random order, where they bring its labels closer to `fraction` of each; so both sides have
    every label as far as groups allow, and train has them all. The same clips (in any order), fraction and seed give
    the same parts; each part keeps the order of `clips`.

    Args:
        fraction: of each label's clips that go to val, 0 <= fraction < 1.

    Raises:
        UsageError: the fraction is not in that range.
        DataError: nothing can be split off, as all clips are of one group.
    """
    if not 0 <= fraction < 1:
        raise UsageError(f"data.val_fraction must be at least 0 and below 1, not {fraction:g}")
    if fraction == 0:
        return tuple(clips), ()
    groups: dict[tuple[bool, str], Counter[str]] = {}
    for clip in clips:
        groups.setdefault(_group(clip), Counter()).update(clip.labels or ("",))  # none is spread as a label is
    spread = Counter(label for labels in groups.values() for label in labels)
    total = sum(groups.values(), Counter())
    # A label with a single group cannot be on both sides; the others get at least one clip in val.
    wanted = {label: max(1, round(fraction * total[label])) if spread[label] > 1 else 0 for label in total}
    order = sorted(groups)
    random.Random(seed).shuffle(order)
    chosen: set[tuple[bool, str]] = set()
    left, taken = total.copy(), Counter[str]()
    for group in order:
        labels = groups[group]
        gain = sum(abs(taken[name] - wanted[name]) - abs(taken[name] + n - wanted[name]) for name, n in labels.items())
        if gain > 0 and all(left[name] > n for name, n in labels.items()):
            chosen.add(group)
            taken.update(labels)
            left.subtract(labels)
    if not chosen:
        raise DataError(
            f"no validation clips can be split off: the {len(clips)} clips are of {len(groups)} groups, too few for "
            "every label on both sides; give a split column (or train/ and val/ folders), or more groups"
        )
    train = tuple(clip for clip in clips if _group(clip) not in chosen)
    return train, tuple(clip for clip in clips if _group(clip) in chosen)


def _group(clip: Clip) -> tuple[bool, str]:
    return (True, clip.group) if clip.group else (False, clip.path)


def _read_csv(manifest: str, base: str) -> tuple[list[Clip], bool]:
    try:
        with open(manifest, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            _check_header(header, manifest)
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except OSError as error:
        what = (
            "there is no such manifest"
            if isinstance(error, FileNotFoundError)
            else f"cannot be read ({error.strerror})"
        )
        raise DataError(f"{manifest}: {what}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{manifest}: is no CSV text in UTF-8 ({error})") from None
    if not rows:
        raise DataError(f"{manifest}: lists no clips, only a header")
    cell = header.index("label")
    multi_label = any("|" in row[cell] for _, row in rows if len(row) > cell)
    clips = [_read_row(header, row, f"{manifest}, line {line}", base, multi_label) for line, row in rows]
    splits = {clip.split for clip in clips}
    if "" in splits and len(splits) > 1:
        line = rows[[clip.split for clip in clips].index("")][0]
        raise DataError(f"{manifest}, line {line}: split is empty, while other lines have one")
    return clips, multi_label


def _check_header(header: list[str], manifest: str) -> None:
    if not any(header):
        raise DataError(f"{manifest}: is empty; the first line names the columns: path,label[,split][,fold][,group]")
    lacking = [name for name in ("path", "label") if name not in header]
    if lacking:
        raise DataError(
            f"{manifest}: the first line lacks the column {' and '.join(lacking)}; it has: {', '.join(header)}"
        )
    twice = [name for name, count in Counter(header).items() if count > 1 and name]
    if twice:
        raise DataError(f"{manifest}: the first line names the column {twice[0]} twice")
    others = [name for name in header if name and name not in _COLUMNS]
    if others:
        warnings.warn(f"{manifest}: columns not used: {', '.join(others)}", DataWarning, stacklevel=4)


def _read_row(header: list[str], row: list[str], where: str, base: str, multi_label: bool) -> Clip:
    if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
        raise DataError(f"{where}: has {len(row)} cells for {len(header)} columns; quote cells that contain a comma")
    cells = dict(zip(header, [cell.strip() for cell in row] + [""] * len(header), strict=False))
    labels = tuple(dict.fromkeys(label.strip() for label in cells["label"].split("|") if label.strip()))
    for name, found in (("path", cells["path"]), ("label", labels or multi_label)):
        if not found:
            raise DataError(f"{where}: the {name} is missing")
    split = split_name(cells.get("split", ""))
    if cells.get("split") and not split:
        raise DataError(f"{where}: unknown split {cells['split']!r}; known: {', '.join(SPLITS)}")
    start_s, end_s = (_seconds(cells.get(name, ""), name, where) for name in ("start_s", "end_s"))
    if end_s is not None and (start_s or 0.0) >= end_s:
        raise DataError(f"{where}: start_s ({start_s or 0:g}) must be before end_s ({end_s:g})")
    path = os.path.join(base, os.path.expanduser(cells["path"]))
    return Clip(path, labels, split, cells.get("fold", ""), cells.get("group", ""), start_s, end_s)


def _seconds(cell: str, name: str, where: str) -> float | None:
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise DataError(f"{where}: {name} must be seconds from the file's start, not {cell!r}")
    return value


def _on_disk(clips: list[Clip], manifest: str, base: str) -> list[Clip]:
    there = {path: os.path.isfile(path) for path in {clip.path for clip in clips}}
    missing = [path for path in dict.fromkeys(clip.path for clip in clips) if not there[path]]
    if not missing:
        return clips
    shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
    if len(missing) == len(there):
        raise DataError(
            f"{manifest}: none of its {len(there)} files is there ({shown}); paths are relative to {base or '.'}; "
            "try: --data.root DIR"
        )
    warnings.warn(
        f"{manifest}: {len(missing)} of {len(there)} files are missing and left out: {shown}", DataWarning, stacklevel=3
    )
    return [clip for clip in clips if there[clip.path]]
