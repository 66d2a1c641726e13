"""The numbers of several methods on the same videos, each beside a reference; and as plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adaframe.errors import UsageError
from adaframe.evaluation.bootstrap import DRAWS, LEVEL, SEED, Interval
from adaframe.evaluation.metrics import Metric, Results, cost_fraction, headline, interval, paired_difference
from adaframe.evaluation.verdict import sentence


@dataclass(frozen=True)
class Row:
    """One method's numbers; differences are None for the reference itself.

    `map` is None with two classes that exclude each other, `accuracy` where a video may have several labels.
    """

    results: Results
    accuracy: Interval | None
    map: Interval | None
    cost: Interval
    accuracy_difference: Interval | None
    map_difference: Interval | None
    cost_difference: Interval | None


def compared(results: Sequence[Results], reference: str) -> list[Row]:
    """A row of numbers for each method.

    Args:
        results: of methods on the same videos.
        reference: name of the method that the others are compared with.

    Raises:
        UsageError: no method has that name.
        ValueError: the methods were not tried on the same videos.
    """
    named = {r.name: r for r in results}
    if reference not in named:
        raise UsageError(f"there is no method {reference!r} to compare with; try one of: {', '.join(named)}")
    base = named[reference]
    return [_compare(r, None if r is base else base) for r in results]


def _compare(results: Results, base: Results | None) -> Row:
    def difference(metric: Metric) -> Interval | None:
        return None if base is None else paired_difference(results, base, metric=metric)

    by_map = headline(results) == "map"
    with_map = results.scores.shape[1] > 2 or by_map
    return Row(
        results=results,
        accuracy=None if by_map else interval(results),
        map=interval(results, metric="map") if with_map else None,
        cost=cost_fraction(results),
        accuracy_difference=None if by_map else difference("accuracy"),
        map_difference=difference("map") if with_map else None,
        cost_difference=difference("cost"),
    )


def to_json(results: Sequence[Results], reference: str) -> dict[str, Any]:
    """All that tables say, unrounded, as plain JSON values; null where there is no number.

    Shares, accuracies and mAP are in 0..1; accuracy is null where a video may have several labels. Raises as
    `compared` does.
    """
    rows = compared(results, reference)
    scores, groups = results[0].scores, results[0].groups
    return {
        "reference": reference,
        "videos": len(scores),
        "classes": scores.shape[1],
        "groups": len(set(groups)),
        "views": float(results[0].views),
        "intervals": {"level": LEVEL, "draws": DRAWS, "seed": SEED, "resampled": "groups of videos"},
        "judged_by": headline(results[0]),
        "sentence": sentence(results),
        "methods": [
            {
                "name": row.results.name,
                "model": row.results.model,
                "accuracy": _plain(row.accuracy),
                "map": _plain(row.map),
                "gmacs": float(row.results.gmacs.mean()),
                "gmacs_uniform": float(row.results.gmacs_uniform),
                "of_uniform": _plain(row.cost),
                "model_ms": row.results.model_ms,
                **({"energy": [e.to_json() for e in row.results.energy]} if row.results.energy else {}),
                "difference": {
                    "accuracy": _plain(row.accuracy_difference),
                    "map": _plain(row.map_difference),
                    "of_uniform": _plain(row.cost_difference),
                },
                "actions": {name: float(share) for name, share in row.results.actions.items()},
                "note": row.results.note,
            }
            for row in rows
        ],
    }


def _plain(share: Interval | None) -> dict[str, float | None] | None:
    if share is None:
        return None
    parts = {"value": share.value, "low": share.low, "high": share.high}
    return {name: None if math.isnan(part) else part for name, part in parts.items()}
