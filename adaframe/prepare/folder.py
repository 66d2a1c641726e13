"""A folder per class, as one's own clips are."""

from __future__ import annotations

from pathlib import Path

from adaframe.data.folders import read_folders
from adaframe.prepare.gathering import Prepared


def read_folder(source: Path) -> Prepared:
    """The clips of `<split>/<label>/*.mp4` or `<label>/*.mp4`."""
    return Prepared(tuple(read_folders(str(source))))
