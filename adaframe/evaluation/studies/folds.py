"""`python -m adaframe.evaluation.studies.folds RUN RUN …`: runs of `train --fold all` on the same folds, in one table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from adaframe.cli.standalone import telling_errors
from adaframe.errors import DataError
from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report.folder import write_report
from adaframe.evaluation.report.tables import text_table
from adaframe.evaluation.verdict import verdict


def read_run(folder: Path) -> list[Results]:
    """What the models of a run answered for the clips of the folds that they had not learnt from.

    Raises:
        DataError: the folder holds no finished run over all folds.
    """
    try:
        rows = json.loads((folder / "out_of_fold.json").read_text(encoding="utf-8"))
        return [from_row(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder}: holds no finished run over folds ({error}); try: adaframe train --fold all"
        ) from error


def from_row(row: dict[str, Any]) -> Results:
    """What `adaframe.training.folds.as_row` wrote; raises KeyError, TypeError or ValueError where it did not."""
    return Results(
        name=row["name"],
        scores=np.array(row["scores"]),
        targets=np.array(row["targets"], dtype=bool),
        gmacs=np.array(row["gmacs"]),
        gmacs_uniform=row["gmacs_uniform"],
        model_ms=None,
        groups=tuple(row["groups"]),
        actions=row["actions"],
        multi_label=row.get("multi_label", False),
    )


def compare(folders: Sequence[Path]) -> list[Results]:
    """All methods of the first run, and of each further run its own (a plan trained alone, another budget).

    Raises:
        DataError: a run is not finished, or the runs are not about the same clips.
    """
    first, *others = (read_run(folder) for folder in folders)
    results = list(first)
    for folder, rows in zip(folders[1:], others, strict=True):
        # Of an adaptive run, its tightest budget: the one that it was trained for, or below.
        own = ([row for row in rows if row.name.startswith("adaptive")] or rows[:1])[-1]
        if own.groups != first[0].groups or not np.array_equal(own.targets, first[0].targets):
            raise DataError(f"{folder}: is not about the same clips as {folders[0]}; try: runs on one manifest")
        # Fractions are of the first run's uniform: a plan trained alone may lack the strongest look.
        alone = f"{own.name}, trained alone" if not own.name.startswith("adaptive") else f"{own.name}, {folder.name}"
        results.append(replace(own, name=alone, gmacs_uniform=first[0].gmacs_uniform))
    return results


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; with --report also write it with its figure."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.studies.folds", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of adaframe train --fold all")
    parser.add_argument(
        "--reference", metavar="METHOD", help="that the others are compared with (default: frozen features)"
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="also write a report with a figure there")
    args = parser.parse_args(argv)
    results = compare(args.runs)
    names = [r.name for r in results]
    reference = args.reference or next((name for name in names if name.startswith("frozen")), names[0])
    if reference not in names:
        raise DataError(f"--reference: there is no {reference}; try: one of {', '.join(names)}")
    print("\n".join([text_table(results, reference), *verdict(results)]))
    if args.report:
        command = f"{parser.prog} {' '.join(map(str, args.runs))}"
        write_report(args.report, results, title="Folds", command=command, reference=reference)
    return 0


if __name__ == "__main__":
    sys.exit(main())
