"""Clips -> the text of a manifest."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from adaframe.data.clips import Clip


def manifest_text(clips: Sequence[Clip], folder: Path, *, multi_label: bool) -> str:
    """The CSV text; columns that would be empty throughout are left out.

    Args:
        clips: at least one.
        folder: that the manifest will be in; paths are relative to it.
        multi_label: whether several classes may hold at once: a clip that has one then ends its label with a bar
            (`run|`), so that any part of the manifest still says so.
    """
    base = os.path.realpath(folder)

    @cache
    def relative(here: str) -> str:
        return Path(os.path.relpath(os.path.realpath(here), base)).as_posix()

    def path_of(clip: Clip) -> str:
        here, name = os.path.split(clip.path)
        return name if relative(here) == "." else f"{relative(here)}/{name}"

    rows = [
        {
            "path": path_of(clip),
            "label": "|".join(clip.labels) + ("|" if multi_label and len(clip.labels) == 1 else ""),
            "split": clip.split,
            "fold": clip.fold,
            "start_s": "" if clip.start_s is None else f"{clip.start_s:.12g}",
            "end_s": "" if clip.end_s is None else f"{clip.end_s:.12g}",
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
