"""`python -m adaframe.evaluation.studies.budgets --trained REPORT … --moved REPORT`: what was asked of a budget, and what came.

Each budget trained for, beside the same budgets asked of one checkpoint at run time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from adaframe.cli.standalone import telling_errors
from adaframe.errors import DataError

Point = tuple[float, float]  # cost as a fraction of uniform's, accuracy


def read_points(folder: Path) -> dict[float, Point]:
    """The adaptive operating points of one report, by the budget that was asked for.

    Raises:
        DataError: the folder holds no report of `adaframe evaluate`.
    """
    try:
        methods = json.loads((folder / "report.json").read_text(encoding="utf-8"))["methods"]
        return {
            float(m["name"].removeprefix("adaptive at ")): (m["of_uniform"]["value"], m["accuracy"]["value"])
            for m in methods
            if m["name"].startswith("adaptive at ")
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder}: holds no report ({error}); try: adaframe evaluate --report") from error


def table(trained: dict[float, Point], moved: dict[float, Point]) -> str:
    """Markdown: a row per budget."""
    rows = [
        "| budget asked | trained for it: cost | accuracy | one checkpoint, moved to it: cost | accuracy |",
        "|---|---|---|---|---|",
    ]
    for budget in sorted({*trained, *moved}):
        cells = [
            cell
            for points in (trained, moved)
            for cell in ((f"{points[budget][0]:.3f}", f"{points[budget][1]:.1%}") if budget in points else ("–", "–"))
        ]
        rows.append(f"| {budget:g} | {' | '.join(cells)} |")
    return "\n".join(rows)


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.studies.budgets", description=__doc__)
    parser.add_argument("--trained", nargs="+", type=Path, metavar="REPORT", required=True, help="one for each budget")
    parser.add_argument("--moved", type=Path, metavar="REPORT", required=True, help="of one checkpoint at all budgets")
    args = parser.parse_args(argv)
    trained: dict[float, Point] = {}
    for folder in args.trained:
        trained |= read_points(folder)
    print(table(trained, read_points(args.moved)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
