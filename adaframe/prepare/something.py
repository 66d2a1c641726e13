"""Something-Something V1 and V2 (Goyal et al., ICCV 2017).

V2: JSON lists of `{"id": "78687", "template": "Holding [something] next to [something]", …}` for train and validation, of ids
alone for test; labels.json has the templates without brackets; videos are <id>.webm. V1: `id;label` lines without a header,
and folders of JPEG files in place of videos.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from adaframe.errors import DataError
from adaframe.prepare.gathering import Gathering, Prepared
from adaframe.prepare.place import Place
from adaframe.prepare.texts import read_json, read_lines

_PUBLISHED = "https://www.qualcomm.com/developer/software/something-something-v-2-dataset (labels)"
_PUBLISHED_V1 = "https://20bn.com/datasets/something-something/v1 (closed by now; ask those who have it)"
_SPLITS = {"train": "train", "validation": "val", "test": "test"}


def read_something_v1(source: Path, annotations: Path | None = None) -> Prepared:
    """The clips of V1, once its folders of frames were made into videos <id>.mp4.

    Raises:
        DataError: there are only the folders of frames; the message has the command that turns them into videos.
    """
    place = Place("Something-Something V1", _PUBLISHED_V1, source, annotations, closed=r"\d+")
    prefix = "something-something-v1-"
    labels = {line.casefold(): line for _, line in read_lines(place.file(f"{prefix}labels.csv"))}
    files = {split: place.file(f"{prefix}{name}.csv") for name, split in _SPLITS.items() if name != "test"}
    if place.videos.closed and not place.videos.videos:
        raise _frames_only(place.videos.closed)
    found = Gathering(place)
    for split, path in files.items():
        for where, line in read_lines(path):
            name, _, label = line.partition(";")
            found.add(name.strip(), (_spelled(label, labels, where),), split)
    return found.prepared()


def read_something_v2(source: Path, annotations: Path | None = None) -> Prepared:
    """The clips of V2, labelled by their templates."""
    place = Place("Something-Something V2", _PUBLISHED, source, annotations)
    files = {split: place.file(f"{name}.json", _v2(name)) for name, split in _SPLITS.items() if name != "test"}
    labels = {name.casefold(): name for name in read_json(place.file("labels.json", _v2("labels")), dict)}
    test = place.optional("test.json", _v2("test"))
    found = Gathering(place)
    for split, path in (files | ({"test": test} if test else {})).items():
        for where, name, template in _entries(path):
            label = template.replace("[", "").replace("]", "")
            found.add(name, (_spelled(label, labels, where),) if label else (), split)
    return found.prepared()


def _v2(name: str) -> str:
    return rf"(something-something-v2-)?{name}\.json"


def _entries(path: Path) -> Iterator[tuple[str, str, str]]:
    """(where, id, template) of each entry; the template is empty where labels are held out."""
    for index, entry in enumerate(read_json(path, list), 1):
        where = f"{path}, entry {index}"
        if not isinstance(entry, dict) or "id" not in entry:
            raise DataError(f"{where}: has no id")
        yield where, str(entry["id"]), str(entry.get("template", ""))


def _spelled(label: str, labels: dict[str, str], where: str) -> str:
    known = labels.get(label.strip().casefold())
    if known is None:
        raise DataError(f"{where}: {label!r} is not among the {len(labels)} labels of the data set")
    return known


def _frames_only(folders: list[str]) -> DataError:
    base = shlex.quote(str(Path(folders[0]).parent))
    return DataError(
        f"{folders[0]}: Something-Something V1 comes as folders of frames ({len(folders)} are here), adaframe reads videos; "
        f'try: mkdir v1-videos; for d in {base}/*/; do ffmpeg -n -framerate 12 -i "$d%05d.jpg" '
        "-vf 'scale=trunc(iw/2)*2:trunc(ih/2)*2' -pix_fmt yuv420p -crf 12 v1-videos/$(basename \"$d\").mp4; done; then "
        "--source v1-videos --annotations with the folder of the CSV files"
    )
