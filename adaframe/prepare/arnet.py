"""AR-Net's own lists for ActivityNet, FCVID and Mini-Kinetics (Meng et al., arXiv:2007.15796; its release, ops/dataset.py).

No header; `v_abc,123,7[,9]`: folder of frames, number of frames, class ids from 0; for Mini-Kinetics with spaces in place of
commas, and the folder may hold spaces. adaframe reads the videos that the frames were taken from, found by the folder's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adaframe.errors import DataError
from adaframe.prepare.classes import read_classes
from adaframe.prepare.gathering import Gathering, Prepared
from adaframe.prepare.place import Place
from adaframe.prepare.texts import read_lines

_PUBLISHED = "https://github.com/mengyuest/AR-Net (README, dataset preparation)"
_LISTS = {
    "activitynet": ("actnet_{}_split.txt", ","),
    "fcvid": ("fcvid_{}_split.txt", ","),
    "mini-kinetics": ("mini_{}_videofolder.txt", " "),
}
_MOST_LABELS = 3
_FEWEST_FRAMES = 3


@dataclass(frozen=True)
class Listed:
    """A line of a list.

    Args:
        folder: of the video's frames.
        frames: how many.
        ids: of its classes, sorted, each once, one to three.
    """

    folder: str
    frames: int
    ids: tuple[int, ...]


def read_list(path: Path, separator: str) -> tuple[list[Listed], int]:
    """A list as AR-Net reads it.

    Args:
        path: of the list.
        separator: a comma, or a space: then the last two fields are count and id, and the folder may hold spaces.

    Returns:
        Its videos, and how many others have under 3 frames and are dropped.

    Raises:
        DataError: a line is not of that form, or has more than 3 different ids.
    """
    videos, dropped = [], 0
    for where, line in read_lines(path):
        fields = line.rsplit(" ", 2) if separator == " " else line.split(separator)
        try:
            folder, frames, *ids = fields[0], int(fields[1]), *(int(field) for field in fields[2:])
        except (IndexError, ValueError):
            raise DataError(f"{where}: must be a folder, a number of frames and class ids, not {line!r}") from None
        if frames < _FEWEST_FRAMES:
            dropped += 1
            continue
        different = tuple(sorted(set(ids)))
        if not 1 <= len(different) <= _MOST_LABELS:
            raise DataError(f"{where}: has {len(different)} class ids; 1 to {_MOST_LABELS} are possible")
        videos.append(Listed(folder, frames, different))
    return videos, dropped


def read_arnet(dataset: str, source: Path, annotations: Path | None = None) -> Prepared:
    """The videos of AR-Net's lists for `dataset`: activitynet, fcvid or mini-kinetics."""
    pattern, separator = _LISTS[dataset]
    place = Place(f"AR-Net's lists for {dataset}", _PUBLISHED, source, annotations, closed="frames")
    lists = {split: read_list(place.file(pattern.format(split)), separator) for split in ("train", "val")}
    videos = [video for listed, _ in lists.values() for video in listed]
    names = _folder_names(videos) if separator == " " else read_classes(place.file("classInd.txt"))
    if place.videos.closed and not place.videos.videos:
        raise DataError(
            f"{place.videos.closed[0]}: adaframe reads videos, not folders of frames; try: --source with the folder of "
            "the videos that the frames were taken from (videos/)"
        )
    found = Gathering(place, multi_label=separator == ",")
    for split, (listed, dropped) in lists.items():
        for video in listed:
            if not 0 <= video.ids[0] <= video.ids[-1] < len(names):
                raise DataError(
                    f"{video.folder}: its class ids {video.ids} are not all below {len(names)}, as the names are"
                )
            found.add(video.folder, tuple(names[i] for i in video.ids), split)
        if dropped:
            found.notes.append(f"{dropped} lines of {split} have under {_FEWEST_FRAMES} frames and are dropped")
    return found.prepared()


def _folder_names(videos: list[Listed]) -> list[str]:
    """Names for classes that have none: the folder that all videos of a class, and no others, are in; else numbers."""
    pairs = {(video.ids[0], video.folder.rpartition("/")[0]) for video in videos}
    ids, folders = {one for one, _ in pairs}, {folder for _, folder in pairs}
    names = [f"class {index:03d}" for index in range(200)]  # of Mini-Kinetics, as AR-Net's dataset_config.py has it
    if len(ids) == len(folders) == len(pairs) and "" not in folders and max(ids, default=0) < len(names):
        for one, folder in pairs:
            names[one] = folder.rpartition("/")[2]
    return names
