"""`python -m adaframe.evaluation.studies.seeds REPORT REPORT …`: one recipe under several seeds, in one table."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from adaframe.cli.standalone import telling_errors
from adaframe.errors import DataError


def read_reports(folders: Sequence[Path]) -> dict[str, list[tuple[float, float]]]:
    """Accuracy and cost (fraction of uniform) of each method, a pair per seed.

    Equal-cost plans differ in their number of looks from seed to seed; they are put together as "… at equal cost".

    Raises:
        DataError: a folder holds no report of `adaframe evaluate`.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for folder in folders:
        try:
            rows = json.loads((folder / "report.json").read_text(encoding="utf-8"))["methods"]
            one = {row["name"]: (row["accuracy"]["value"], row["of_uniform"]["value"]) for row in rows}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{folder}: holds no report ({error}); try: adaframe evaluate --report") from error
        # Another model's methods carry its name in brackets.
        adaptive = min(cost for name, (_, cost) in one.items() if name.startswith("adaptive") and name[-1] != ")")
        static = [v for name, v in one.items() if name.startswith(("static", "glance")) and v[1] <= 1.3 * adaptive]
        if static:
            # Generous to the baseline: whole looks only, so it may cost up to a look more than adaptive.
            found.setdefault("best static plan at up to 1.3 times adaptive's cost", []).append(max(static))
        for name, value in one.items():
            if re.match(r"adaptive|uniform|random|change|.*, trained alone$", name):
                found.setdefault(name, []).append(value)
    return found


def table(found: dict[str, list[tuple[float, float]]]) -> str:
    """Markdown: mean and range of accuracy, mean cost, over seeds."""
    rows = ["| method | accuracy: mean (lowest to highest) | of uniform's GMACs | seeds |", "|---|---|---|---|"]
    for name, pairs in sorted(found.items(), key=lambda item: -float(np.mean([a for a, _ in item[1]]))):
        accuracy, cost = np.array(pairs).T
        spread = f"{accuracy.mean():.1%} ({accuracy.min():.1%} to {accuracy.max():.1%})"
        rows.append(f"| {name} | {spread} | {cost.mean():.3f} | {len(pairs)} |")
    return "\n".join(rows)


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.studies.seeds", description=__doc__)
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT", help="folders of adaframe evaluate --report")
    print(table(read_reports(parser.parse_args(argv).reports)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
