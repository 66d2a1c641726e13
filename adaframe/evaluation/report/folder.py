"""A report as a folder: the same blocks as Markdown with its figures, and as one page that holds all; the numbers as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from adaframe.evaluation.metrics import Results, headline
from adaframe.evaluation.report.blocks import (
    Block,
    Command,
    Document,
    Heading,
    Headlines,
    Items,
    Picture,
    Shares,
    Strong,
    Text,
)
from adaframe.evaluation.report.comparison import to_json
from adaframe.evaluation.report.drawing import BLUE, ORANGE, number
from adaframe.evaluation.report.page import html_page
from adaframe.evaluation.report.tables import comparison_blocks, interval_in_words
from adaframe.evaluation.verdict import verdict
from adaframe.files import atomic_path

_LOOKS = (BLUE, "#4fa8dc", "#9fd0ee", "#5fb8a0", "#009e73")
_SKIPS = ("#808a9540", "#808a9566", "#808a958c")  # the last two digits: how opaque, as they lie on white and on black
_ACTIONS = (
    "Of the sampled frames: which look they were seen through (its number is that of its pixels a side), whether the glance "
    "itself was the answer, and how many were left out (skip-1: this frame; skip-2: and the next one)."
)


def write_report(
    folder: Path,
    results: Sequence[Results],
    *,
    title: str,
    command: str,
    reference: str,
    extra: Sequence[Block] = (),
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write report.html, report.md, report.json and the figures of report.md into a folder: all of them, or none.

    Args:
        folder: made where it is missing; what else it holds stays.
        results: of methods on the same videos, the one that it is about first.
        title: of the report, one line.
        command: that repeats it, as typed.
        reference: name of the method that the others are compared with.
        extra: further sections, after the actions.
        facts: more for report.json, plain values.

    Raises:
        AdaframeError: the files cannot be written.
        UsageError, ValueError: as `markdown_table`.
    """
    numbers = {"title": title, "command": command, **to_json(results, reference), **(facts or {})}
    document = Document(title, [*_blocks(results, reference), *extra, Heading("The command"), Command(command)])
    with ExitStack() as files:

        def write(name: str, text: str) -> None:
            # A name of a file may hold bytes that are no text: they are written as what they are, \udc80.
            data = text.encode("utf-8", errors="backslashreplace")
            files.enter_context(atomic_path(folder / name)).write_bytes(data)

        pictures = {}
        for picture in document.pictures():
            path = files.enter_context(atomic_path(folder / picture.name))
            picture.draw(path)
            pictures[picture.name] = path.read_bytes()
        write("report.md", document.markdown())
        write("report.html", html_page(document, pictures))
        write("report.json", json.dumps(numbers, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _blocks(results: Sequence[Results], reference: str) -> list[Block]:
    """From the verdict to the actions."""
    from adaframe.evaluation.report.figures import accuracy_cost_figure  # matplotlib takes a moment to import

    first, *reasons = verdict(results)
    judgement, colon, why = first.partition(": ")
    shares = tuple((r.name, r.actions) for r in results if r.actions)
    what = "mAP" if headline(results[0]) == "map" else "accuracy"
    curve = Picture(
        "accuracy-cost.png",
        partial(accuracy_cost_figure, results),
        f"{what} against executed compute, a point per method",
    )
    done: list[Block] = []
    if shares:
        done = [
            Heading("What was done with the frames"),
            Text((_ACTIONS,)),
            Shares("method", _colours(results), shares),
        ]
    return [
        Text((Strong(judgement), colon + why), lead=True),
        *([Items(tuple((reason,) for reason in reasons))] if reasons else []),
        _headlines(results, reference),
        Heading("Methods"),
        *comparison_blocks(results, reference),
        Heading("Accuracy and cost"),
        curve,
        *done,
    ]


def _headlines(results: Sequence[Results], reference: str) -> Headlines:
    first = results[0]
    by_map = headline(first) == "map"
    named = {r.name: r for r in results}
    reached = interval_in_words(first, by_map=by_map)
    executed = f"{number(float(first.gmacs.mean()))} of {number(first.gmacs_uniform)} GMACs a video"
    found = [
        (f"{reached[0]} %", f"{'mAP' if by_map else 'accuracy'} of {first.name} {reached[1]}"),
        (f"{100 * first.of_uniform:.1f} %", f"of uniform's compute: {executed}"),
    ]
    if first.name != reference:
        base = named[reference]
        value, bounds = interval_in_words(first, by_map=by_map, against=base)
        found.append((f"{value}", f"points against {reference} {bounds}"))
        if first.model_ms and base.model_ms:
            times = f"{first.model_ms:.1f} ms a video instead of {base.model_ms:.1f} ms, without decoding"
            found.append((f"{base.model_ms / first.model_ms:.2f} ×", f"the speed of {reference}: {times}"))
    return Headlines(tuple(found))


def _colours(results: Sequence[Results]) -> dict[str, str]:
    """Of all actions, in the order to draw them: looks from the largest on, the glance, skips."""
    names = list(dict.fromkeys(name for r in results for name in r.actions))
    skips = sorted((name for name in names if name.startswith("skip")), key=lambda name: (len(name), name))
    looks = [name for name in names if name != "glance" and name not in skips]
    colours = {name: _LOOKS[min(rank, len(_LOOKS) - 1)] for rank, name in enumerate(looks)}
    colours |= {"glance": ORANGE} if "glance" in names else {}
    return colours | {name: _SKIPS[min(rank, len(_SKIPS) - 1)] for rank, name in enumerate(skips)}
