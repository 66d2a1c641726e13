"""`python -m adaframe.evaluation.studies.splits REPORT REPORT REPORT`: official splits (UCF101, HMDB51) in one table.

Each split has a model of its own, trained and evaluated on that split's manifest; what is reported is the plain mean over
the splits, as the data sets' owners ask for.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adaframe.cli.standalone import telling_errors
from adaframe.errors import DataError
from adaframe.evaluation.report.tables import aligned


@dataclass(frozen=True)
class Split:
    """What an evaluation on one split says of each method.

    Args:
        folder: of the report.
        judged_by: accuracy or map.
        classes: K.
        about: the data that were evaluated: their files and the split within.
        views: of a video, on average.
        reached: by method, 0..1.
        top5: by method, 0..1, or None.
        cost: by method, mean executed cost as a fraction of uniform's.
    """

    folder: Path
    judged_by: str
    classes: int
    about: tuple[str, ...]
    views: float
    reached: dict[str, float]
    top5: dict[str, float | None]
    cost: dict[str, float]


def read_split(folder: Path) -> Split:
    """Read report.json of a folder; raises DataError where it holds no report of `adaframe evaluate`."""
    try:
        facts = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        methods = {row["name"]: row for row in facts["methods"]}
        by = facts["judged_by"]
        return Split(
            folder,
            by,
            facts["classes"],
            (*facts["made"]["source"], facts["made"]["split"]),
            facts["views"],
            {name: row[by]["value"] for name, row in methods.items()},
            {name: facts["protocols"][name]["top5"] for name in methods},
            {name: row["of_uniform"]["value"] for name, row in methods.items()},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder}: holds no report ({error}); try: adaframe evaluate --report") from error


def check(splits: Sequence[Split]) -> None:
    """Raise DataError where these are no splits of one data set, evaluated alike."""
    first = splits[0]
    for number, split in enumerate(splits):
        same = next((other for other in splits[:number] if other.about == split.about), None)
        if same is not None:
            raise DataError(f"{split.folder}: is about the same clips as {same.folder}; try: a report per split")
        facts = {"classes": (split.classes, first.classes), "judged by": (split.judged_by, first.judged_by)}
        for what, (own, others) in facts.items():
            if own != others:
                raise DataError(
                    f"{split.folder}: {what} {own}, but {first.folder}: {others}; try: one data set's splits"
                )


def cells(splits: Sequence[Split]) -> list[list[str]]:
    """Header and lines: of each method that all splits have, the mean over them, and each one's, in percent."""
    kept = [name for name in splits[0].reached if all(name in split.reached for split in splits)]
    what = "mAP" if splits[0].judged_by == "map" else "accuracy"
    with_top5 = any(split.top5[name] is not None for split in splits for name in kept)
    lines = [["method", f"{what} %: mean", *(split.folder.name for split in splits)]]
    lines[0] += [*(["top-5 %: mean"] if with_top5 else []), "of uniform"]
    for name in kept:
        reached = [split.reached[name] for split in splits]
        top5 = [value for split in splits if (value := split.top5[name]) is not None]
        line = [name, *(f"{100 * value:.1f}" for value in (float(np.mean(reached)), *reached))]
        line += [f"{100 * np.mean(top5):.1f}" if len(top5) == len(splits) else "–"] if with_top5 else []
        lines.append([*line, f"{100 * np.mean([split.cost[name] for split in splits]):.1f} %"])
    return lines


def notes(splits: Sequence[Split]) -> list[str]:
    """What a reader of the table should know: how many splits there are, and what is not the same in all of them."""
    found = [f"Plain means over {len(splits)} splits; each has a model of its own."]
    views = [split.views for split in splits]
    if max(views) > 1:
        found.append(f"Views of a video, on average: {', '.join(f'{v:.3g}' for v in views)}.")
    elsewhere = {name for split in splits for name in split.reached}
    left = sorted(elsewhere - {line[0] for line in cells(splits)})
    if left:
        found.append(f"Left out, as not every split has them: {', '.join(left)}.")
    return found


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.studies.splits", description=__doc__)
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT", help="folders of adaframe evaluate --report")
    splits = [read_split(folder) for folder in parser.parse_args(argv).reports]
    check(splits)
    print("\n".join([aligned(cells(splits)), "", *notes(splits)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
