"""Video files in folders: which they are, and what a folder per class says about them."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from adaframe.data.clips import Clip, DataWarning, split_name
from adaframe.errors import DataError

# fmt: off
VIDEO_SUFFIXES = frozenset([
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".f4v", ".flv", ".gif", ".ivf", ".m2ts", ".m2v", ".m4v", ".mjpeg",
    ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogm", ".ogv", ".rm", ".rmvb", ".ts",
    ".vob", ".webm", ".wmv", ".y4m",
])
# fmt: on


def is_video(path: str | Path) -> bool:
    """Whether the name (not the content) is that of a video: a known suffix, and not hidden."""
    name = os.path.basename(path)
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES


def videos_below(folder: str | Path) -> list[str]:
    """The videos in a folder and in those below it; what is hidden is left out, links to folders are not entered.

    Returns:
        Paths that start with `folder` as given, sorted.
    """
    found = []
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.join(here, name) for name in names if is_video(name)]
    return sorted(found)


def read_folders(root: str) -> list[Clip]:
    """The clips of a folder per class: `root/<split>/<label>/*.mp4` or `root/<label>/*.mp4`.

    It is the first form when a folder in `root` has a split's name and holds folders.

    Raises:
        DataError: `root` is missing or empty, holds no folder per class, or a class folder holds no video.
    """
    if not os.path.isdir(root):
        what = "is a file, not a folder; try: --data.manifest" if os.path.exists(root) else "there is no such folder"
        raise DataError(f"{root}: {what}")
    parts = [name for name in _folders(root) if split_name(name) and _folders(os.path.join(root, name))]
    if not parts:
        return _read_classes(root, "")
    others = [name for name in _folders(root) if name not in parts]
    if others:
        _left_out(root, "folders that are no split", others)
    return [clip for name in parts for clip in _read_classes(os.path.join(root, name), split_name(name))]


def _read_classes(folder: str, split: str) -> list[Clip]:
    labels = _folders(folder)
    loose = [
        name for name in sorted(os.listdir(folder)) if is_video(name) and os.path.isfile(os.path.join(folder, name))
    ]
    if not labels:
        seen = f"{len(loose)} videos but no folders" if loose else "nothing to learn from"
        raise DataError(
            f"{folder}: holds {seen}; put the videos of each class into a folder of its name, or give a manifest"
        )
    if loose:
        _left_out(folder, "videos outside class folders", loose)
    clips = []
    for label in labels:
        videos = videos_below(os.path.join(folder, label))
        if not videos:
            raise DataError(
                f"{os.path.join(folder, label)}: this class folder holds no video (.mp4, .avi, .mkv, .webm, …); "
                "add some, or remove the folder"
            )
        clips += [Clip(path, (label,), split) for path in videos]
    return clips


def _folders(folder: str) -> list[str]:
    return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))


def _left_out(folder: str, what: str, names: list[str]) -> None:
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    warnings.warn(f"{folder}: {len(names)} {what} left out: {shown}", DataWarning, stacklevel=4)
