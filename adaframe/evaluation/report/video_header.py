"""The head of a picture about one video: the answer on the left, what it cost on the right."""

from __future__ import annotations

from collections.abc import Sequence

from adaframe.evaluation.report.drawing import BLUE, FAINT, GREY, INK, PAPER, VERMILION, Canvas, number

WIDTH, MARGIN, HEADER = 1600, 40, 136


def answer_and_cost(
    canvas: Canvas,
    label: str,
    confidence: float,
    unsure: bool,
    source: str,
    top: Sequence[tuple[str, float]],
    gmacs: float,
    gmacs_uniform: float,
) -> None:
    """Draw into a canvas's first HEADER pixels; it is WIDTH pixels wide.

    Args:
        canvas: to draw on.
        label: the answer.
        confidence: of the answer, 0..1.
        unsure: whether the answer is below the model's threshold.
        source: where the video came from.
        top: best classes with their confidences; the first four are drawn.
        gmacs: executed, in 1e9 multiply-adds.
        gmacs_uniform: what uniform would have executed.
    """
    _answer(canvas, label, confidence, unsure, source, top)
    _cost(canvas, gmacs, gmacs_uniform)


def _answer(
    canvas: Canvas, label: str, confidence: float, unsure: bool, source: str, top: Sequence[tuple[str, float]]
) -> None:
    """The answer and its best classes, on the left of a canvas's first HEADER pixels."""
    most = 600 if top else 980
    taken = 128 + (104 if unsure else 0)
    size = canvas.fitting(label, (38, 32, 26, 22), most - taken, bold=True)
    x = MARGIN + canvas.text(MARGIN, 66, label, size, bold=True, most=most - taken) + 16
    x += canvas.text(x, 66, f"{100 * confidence:.0f} %", size, colour=GREY) + 18
    if unsure:
        canvas.box(x, 42, 86, 30, edge=VERMILION, round=15)
        canvas.text(x + 43, 63, "unsure", 18, colour=VERMILION, align="center")
    canvas.text(MARGIN, 98, source, 17, colour=GREY, most=most)
    for row, (name, share) in enumerate(top[:4]):
        y, colour = 50 + 20 * row, INK if row == 0 else GREY
        canvas.text(870, y, name, 15, colour=colour, align="right", most=210)
        canvas.box(882, y - 10, 120, 9, fill=PAPER)
        canvas.box(882, y - 10, 120 * min(max(share, 0.0), 1.0), 9, fill=colour)
        canvas.text(1056, y, f"{100 * share:.0f} %", 15, colour=colour, align="right")


def _cost(canvas: Canvas, gmacs: float, gmacs_uniform: float) -> None:
    """What was executed, on the right of a canvas's first HEADER pixels."""
    right, share = WIDTH - MARGIN, gmacs / gmacs_uniform
    text = f"{number(gmacs)} of {number(gmacs_uniform)} GMACs ({100 * share:.0f} %)"
    size = canvas.fitting(text, (26, 23, 20, 17), 440, bold=True)  # small numbers have many digits
    canvas.text(right, 62, text, size, bold=True, align="right")
    canvas.box(right - 440, 78, 440, 10, fill=FAINT)
    canvas.box(right - 440, 78, 440 * min(share, 1.0), 10, fill=BLUE)
    canvas.text(right, 108, "executed, of what every frame in full would take", 15, colour=GREY, align="right")
