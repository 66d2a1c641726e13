"""ActivityNet 1.2 and 1.3 (Caba Heilbron et al., CVPR 2015).

Annotations: activity_net.v1-3.min.json, `{"database": {id: {"subset": "training", "duration": 82.7, "annotations":
[{"segment": [3.1, 20.4], "label": "Drinking coffee"}, …]}}}`. Videos are v_<id>.mp4 (.mkv, .webm), by some tools without `v_`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from adaframe.data.clips import split_name
from adaframe.errors import DataError
from adaframe.prepare.gathering import Gathering, Prepared
from adaframe.prepare.place import Place
from adaframe.prepare.texts import read_json

_PUBLISHED = "http://activity-net.org/download.html"


def read_activitynet(version: str, source: Path, annotations: Path | None = None, segments: bool = False) -> Prepared:
    """The videos of ActivityNet, each with all its labels; that is what AR-Net and its kin classify.

    Args:
        version: 1.2 or 1.3.
        source: folder of the videos.
        annotations: folder of the JSON file.
        segments: a clip per annotated segment instead, with its one label: trimmed classification.
    """
    place = Place(f"ActivityNet {version}", _PUBLISHED, source, annotations)
    name = f"activity_net.v{version.replace('.', '-')}"
    path = place.file(f"{name}.min.json", rf"{re.escape(name)}(\.min)?\.json")
    database = read_json(path, dict).get("database")
    if not isinstance(database, dict):
        raise DataError(f'{path}: has no "database"; is it ActivityNet\'s file?')
    found, odd = Gathering(place, multi_label=not segments), 0
    for video, facts in database.items():
        split, marked = _facts(facts, f"{path}, {video}")
        keys = (f"v_{video}", video)
        if not segments or not marked:
            found.add(keys, tuple(dict.fromkeys(label for label, _, _ in marked)), split)
            continue
        for label, start, end in marked:
            if start < end:
                found.add(keys, (label,), split, spans=((start, end),))
            else:
                odd += 1
    if odd:
        found.notes.append(f"{odd} segments that end before they start, or after the video, are left out")
    return found.prepared()


def _facts(facts: Any, where: str) -> tuple[str, list[tuple[str, float, float]]]:
    """The split of a video and its (label, start, end), within its duration."""
    try:
        split, last = split_name(facts["subset"]), float(facts.get("duration") or "inf")
        marked = [
            (str(one["label"]), max(0.0, float(one["segment"][0])), min(last, float(one["segment"][1])))
            for one in facts.get("annotations", ())
        ]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: is not as ActivityNet's videos are ({type(error).__name__}: {error})") from None
    if not split:
        raise DataError(f"{where}: unknown subset {facts['subset']!r}")
    return split, marked
