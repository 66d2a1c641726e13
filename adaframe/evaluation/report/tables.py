"""The results of several methods on the same videos as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from adaframe.energy import columns
from adaframe.evaluation.bootstrap import DRAWS, LEVEL, SEED, Interval
from adaframe.evaluation.metrics import Metric, Results, headline, interval, paired_difference
from adaframe.evaluation.report.blocks import Block, Heading, Items, Strong, Table, Text, in_words, markdown
from adaframe.evaluation.report.comparison import Row, compared
from adaframe.evaluation.report.drawing import number

_PAIRED = (
    "In points, on the same videos: both methods of a pair are resampled together. Where brackets hold 0, the difference may "
    "be chance. Cost is executed compute, in points of uniform's."
)


def markdown_table(results: Sequence[Results], reference: str) -> str:
    """The methods as a Markdown table with 95 % intervals, and the notes below it.

    Args:
        results: of methods on the same videos.
        reference: name of the method that the others are compared with.

    Raises:
        UsageError: no method has that name.
        ValueError: the methods were not tried on the same videos.
    """
    header, *lines = _cells(compared(results, reference), reference)
    table = markdown(Table(tuple(header), tuple(map(tuple, lines))))
    notes = "\n".join(f"- {note}" for note in _notes(results))
    return f"{table}\n" + (f"\n{notes}\n" if notes else "")


def text_table(results: Sequence[Results], reference: str) -> str:
    """The same for a terminal: aligned columns, those of energy by themselves. Raises as `markdown_table` does."""
    parts = [aligned(_cells(compared(results, reference), reference), words_last=True), *_notes(results)]
    if results[0].energy:
        parts += ["", aligned(_energy_cells(results)), *columns.notes([r.energy for r in results])]
    return "\n".join(parts) + "\n"


def aligned(cells: Sequence[Sequence[str]], *, words_last: bool = False) -> str:
    """A header and lines in columns of equal width: words on the left (the first column, and maybe the last), numbers on
    the right."""
    header, *lines = cells
    widths = [max(len(line[column]) for line in (header, *lines)) for column in range(len(header))]
    rule = ["-" * width for width in widths]
    of_words = (0, len(header) - 1) if words_last else (0,)

    def spaced(line: Sequence[str]) -> str:
        cells = (c.ljust(w) if i in of_words else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        return "  ".join(cells).rstrip()

    return "\n".join(spaced(line) for line in (header, rule, *lines))


def _notes(results: Sequence[Results]) -> list[str]:
    views = [_views(results)] if results[0].views > 1 else []
    return [f"{note}: {'; '.join(names)}" for note, names in _by_note(results)] + views


def _by_note(results: Sequence[Results]) -> list[tuple[str, list[str]]]:
    """Each note, and the methods that it is about."""
    notes = dict.fromkeys(r.note for r in results if r.note)
    return [(note, [r.name for r in results if r.note == note]) for note in notes]


def _energy_cells(results: Sequence[Results]) -> list[list[str]]:
    """Header and lines of a table of joules a video, by place."""
    places = columns.places([r.energy for r in results])
    return [["method", *columns.headers(places)], *([r.name, *columns.cells(r.energy, places)] for r in results)]


def _views(results: Sequence[Results]) -> str:
    return (
        f"Scores are averages over {results[0].views:.3g} views of a video (windows in time, crops in space); "
        "GMACs and ms count them all."
    )


def comparison_blocks(results: Sequence[Results], reference: str) -> list[Block]:
    """The same as narrower tables: what each method reached, how they differ, what energy they take; and what the numbers are.

    Raises as `markdown_table` does.
    """
    rows = compared(results, reference)
    header, *lines = ([*line[:-2]] for line in _cells(rows, reference))
    first = rows[0].results
    main = frozenset(n for n, r in enumerate(results) if r.name.startswith("adaptive") and r.model == first.model)
    by_map = headline(first) == "map"
    metric: Metric = "map" if by_map else "accuracy"
    what = "mAP" if by_map else metric
    widths: list[tuple[str, ...]] = []
    for row in rows:
        own = row.map_difference if by_map else row.accuracy_difference
        ahead = None if row.results is first else paired_difference(first, row.results, metric=metric)
        cells = (_percent(own, sign="+"), _percent(row.cost_difference, sign="+"), _percent(ahead, sign="+"))
        widths.append((row.results.name, *cells))
    differences = ("method", f"{what} vs {reference}", f"cost vs {reference}", f"{first.name} vs it, {what}")
    notes = tuple((Strong(note), ": " + "; ".join(names)) for note, names in _by_note(results))
    energy: list[Block] = []
    if first.energy:
        names, *joules = (tuple(cells) for cells in _energy_cells(results))
        said = tuple((note,) for note in columns.notes([r.energy for r in results]))
        energy = [Heading("Energy"), Table(names, tuple(joules), main), Items(said)]
    return [
        Table(tuple(header), tuple(map(tuple, lines)), main),
        Text((scope_of(results),)),
        *([Items(notes)] if notes else []),
        Heading("Paired differences"),
        Text((_PAIRED,)),
        Table(differences, tuple(widths), main),
        *energy,
    ]


def interval_in_words(results: Results, *, by_map: bool, against: Results | None = None) -> tuple[str, str]:
    """The metric to judge by in percent, and its bounds in brackets; with `against`, the difference in points."""
    metric: Metric = "map" if by_map else "accuracy"
    found = interval(results, metric=metric) if against is None else paired_difference(results, against, metric=metric)
    value, _, bounds = _percent(found, sign="" if against is None else "+").partition(" ")
    return value, bounds


def scope_of(results: Sequence[Results]) -> str:
    """What the numbers in the tables are, in words."""
    first = results[0]
    videos, classes = first.scores.shape
    return (
        f"{videos} videos in {len(set(first.groups))} groups, {classes} classes. In brackets: {100 * LEVEL:g} % intervals, "
        f"from {DRAWS} resamples of whole groups (seed {SEED}). GMACs are the multiply-adds that were executed per video, "
        "on average; model ms is the median time per video without decoding."
        + (f" {_views(results)}" if first.views > 1 else "")
        + (" beta is the bias on the policy against cost." if any(r.note.startswith("beta") for r in results) else "")
    )


def _cells(rows: Sequence[Row], reference: str) -> list[list[str]]:
    """Header and lines of the tables. The difference is of the metric to judge by."""
    by_map = headline(rows[0].results) == "map"
    versus = f"{'mAP' if by_map else 'accuracy'} vs {reference}"
    lines = [["method", "accuracy %", "mAP %", "GMACs", "of uniform", "model ms", versus, "actions"]]
    for row in rows:
        r = row.results
        lines.append(
            [
                r.name,
                _percent(row.accuracy),
                _percent(row.map),
                number(float(r.gmacs.mean())),
                f"{100 * row.cost.value:.1f} %",
                "–" if r.model_ms is None else f"{r.model_ms:.1f}",
                _percent(row.map_difference if by_map else row.accuracy_difference, sign="+"),
                in_words(r.actions),
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
