"""The results of several methods on the same videos as tables, JSON and a folder with a figure."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaframe.energy import columns
from adaframe.errors import UsageError
from adaframe.evaluation.bootstrap import DRAWS, LEVEL, SEED, Interval
from adaframe.evaluation.drawing import number
from adaframe.evaluation.metrics import Metric, Results, cost_fraction, headline, interval, paired_difference, sentence
from adaframe.files import atomic_path


@dataclass(frozen=True)
class _Row:
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


def markdown_table(results: Sequence[Results], reference: str) -> str:
    """The methods as a Markdown table with 95 % intervals, and the notes below it.

    Args:
        results: of methods on the same videos.
        reference: name of the method that the others are compared with.

    Raises:
        UsageError: no method has that name.
        ValueError: the methods were not tried on the same videos.
    """
    header, *lines = _cells(_rows(results, reference), reference)
    marks = ["---"] + ["---:"] * (len(header) - 2) + ["---"]
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in (header, marks, *lines)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in escaped)
    notes = "\n".join(f"- {note}" for note in _notes(results))
    return f"{table}\n" + (f"\n{notes}\n" if notes else "")


def text_table(results: Sequence[Results], reference: str) -> str:
    """The same for a terminal: aligned columns. Raises as `markdown_table` does."""
    header, *lines = _cells(_rows(results, reference), reference)
    widths = [max(len(line[column]) for line in (header, *lines)) for column in range(len(header))]
    rule = ["-" * width for width in widths]
    last = len(header) - 1

    def aligned(line: list[str]) -> str:
        cells = (
            c.ljust(w) if i in (0, last) else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    return "\n".join([aligned(line) for line in (header, rule, *lines)] + _notes(results)) + "\n"


def _notes(results: Sequence[Results]) -> list[str]:
    return [f"{r.name}: {r.note}" for r in results if r.note] + columns.notes([r.energy for r in results])


def to_json(results: Sequence[Results], reference: str) -> dict[str, Any]:
    """All that the tables say, unrounded, as plain JSON values; null where there is no number.

    Shares, accuracies and mAP are in 0..1; accuracy is null where a video may have several labels. Raises as
    `markdown_table` does.
    """
    rows = _rows(results, reference)
    scores, groups = results[0].scores, results[0].groups
    return {
        "reference": reference,
        "videos": len(scores),
        "classes": scores.shape[1],
        "groups": len(set(groups)),
        "intervals": {"level": LEVEL, "draws": DRAWS, "seed": SEED, "resampled": "groups of videos"},
        "judged_by": headline(results[0]),
        "sentence": sentence(results),
        "methods": [
            {
                "name": row.results.name,
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


def write_report(
    folder: Path, results: Sequence[Results], *, title: str, command: str, reference: str, extra: str = ""
) -> None:
    """Write report.md, report.json and accuracy-cost.png into a folder: all of them, or none.

    Args:
        folder: made where it is missing; what else it holds stays.
        results: of methods on the same videos.
        title: of the report, one line.
        command: that repeats it, as typed.
        reference: name of the method that the others are compared with.
        extra: more Markdown, at the end.

    Raises:
        AdaframeError: the files cannot be written.
        UsageError, ValueError: as `markdown_table`.
    """
    from adaframe.evaluation.figures import accuracy_cost_figure  # matplotlib takes a moment to import

    facts = {"title": title, "command": command, **to_json(results, reference)}
    text = f"""# {title}

{facts["sentence"]}

{markdown_table(results, reference)}
{facts["videos"]} videos in {facts["groups"]} groups, {facts["classes"]} classes. In brackets: {100 * LEVEL:g} % \
intervals, from {DRAWS} resamples of whole groups (seed {SEED}); differences are in \
points, and paired video by video. GMACs are the \
multiply-adds that were executed per video, on average; model ms is the median time per video without decoding.

![accuracy against executed compute](accuracy-cost.png)

```
{command}
```
"""
    if extra:
        text += f"\n{extra.strip()}\n"
    with ExitStack() as files:
        files.enter_context(atomic_path(folder / "report.md")).write_text(text, encoding="utf-8", newline="")
        line = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        files.enter_context(atomic_path(folder / "report.json")).write_text(line, encoding="utf-8", newline="")
        accuracy_cost_figure(results, files.enter_context(atomic_path(folder / "accuracy-cost.png")))


def _rows(results: Sequence[Results], reference: str) -> list[_Row]:
    named = {r.name: r for r in results}
    if reference not in named:
        raise UsageError(f"there is no method {reference!r} to compare with; try one of: {', '.join(named)}")
    base = named[reference]
    return [_row(r, None if r is base else base) for r in results]


def _row(results: Results, base: Results | None) -> _Row:
    def difference(metric: Metric) -> Interval | None:
        return None if base is None else paired_difference(results, base, metric=metric)

    by_map = headline(results) == "map"
    with_map = results.scores.shape[1] > 2 or by_map
    return _Row(
        results=results,
        accuracy=None if by_map else interval(results),
        map=interval(results, metric="map") if with_map else None,
        cost=cost_fraction(results),
        accuracy_difference=None if by_map else difference("accuracy"),
        map_difference=difference("map") if with_map else None,
        cost_difference=difference("cost"),
    )


def _cells(rows: Sequence[_Row], reference: str) -> list[list[str]]:
    """Header and lines of the tables. The difference is of the metric to judge by."""
    by_map = headline(rows[0].results) == "map"
    versus = f"{'mAP' if by_map else 'accuracy'} vs {reference}"
    places = columns.places([row.results.energy for row in rows])
    lines = [["method", "accuracy %", "mAP %", "GMACs", "of uniform", "model ms", *columns.headers(places)]]
    lines[0] += [versus, "actions"]
    for row in rows:
        r = row.results
        actions = ", ".join(f"{name} {100 * share:.0f} %" for name, share in r.actions.items() if share >= 0.005)
        lines.append(
            [
                r.name,
                _percent(row.accuracy),
                _percent(row.map),
                number(float(r.gmacs.mean())),
                f"{100 * row.cost.value:.1f} %",
                "–" if r.model_ms is None else f"{r.model_ms:.1f}",
                *columns.cells(r.energy, places),
                _percent(row.map_difference if by_map else row.accuracy_difference, sign="+"),
                actions or "–",
            ]
        )
    if rows[0].accuracy is None:
        return [line[:1] + line[2:] for line in lines]
    return [line[:2] + line[3:] for line in lines] if rows[0].map is None else lines


def _percent(share: Interval | None, sign: str = "") -> str:
    if share is None or math.isnan(share.value):
        return "–"
    # + 0.0: no minus before a nought.
    value, low, high = (f"{round(100 * part, 1) + 0.0:{sign}.1f}" for part in (share.value, share.low, share.high))
    return f"{value} [?]" if math.isnan(share.low) else f"{value} [{low}, {high}]"


def _plain(share: Interval | None) -> dict[str, float | None] | None:
    if share is None:
        return None
    parts = {"value": share.value, "low": share.low, "high": share.high}
    return {name: None if math.isnan(part) else part for name, part in parts.items()}
