"""events.csv: where in each video something happens. Free of torch."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from adaframe.errors import DataError


def read_events(file: Path) -> dict[str, tuple[float, float]]:
    """Start and end of the event of each video, in the video's seconds, by the video's absolute path.

    Args:
        file: CSV with the columns path (relative to the file's folder), start_s and end_s; others are left alone.

    Raises:
        DataError: it cannot be read, or is no such list.
    """
    try:
        with file.open(newline="", encoding="utf-8") as text:
            rows = list(csv.DictReader(text))
        paths = [os.path.abspath(file.parent / row["path"]) for row in rows]
        return {path: (float(row["start_s"]), float(row["end_s"])) for path, row in zip(paths, rows, strict=True)}
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{file}: is no list of events ({error}); try: events.csv of adaframe.evaluation.studies.still_scenes"
        ) from None


def event_of(events: dict[str, tuple[float, float]], path: str) -> tuple[float, float]:
    """Start and end of a video's event; raises DataError where the list has none."""
    if (key := os.path.abspath(path)) not in events:
        raise DataError(f"{path}: is not in the list of events; try: the list that was made with these videos")
    return events[key]
