"""`python -m adaframe.evaluation.studies.still_figure --videos PROBES RUN STATIC … --out FILE.png`: what choosing gains.

One --videos for each share of content: PROBES is what `still_probes --json` wrote, RUN an adaptive run of `train --fold all`,
STATIC one of a fixed plan, all of the same videos. Drawn are points of accuracy, paired, with 95 % intervals by source.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adaframe.cli.standalone import telling_errors
from adaframe.errors import DataError
from adaframe.evaluation.bootstrap import LEVEL, Interval
from adaframe.evaluation.metrics import headline, paired_difference
from adaframe.evaluation.report.drawing import BLUE, FAINT, GREEN, GREY, VERMILION, fonts, quietly, save
from adaframe.evaluation.studies.folds import compare
from adaframe.evaluation.studies.still_frames import EVENT_ALONE

_DPI = 140
_APART = 0.6  # percent of content between the bars of one kind of video, so that none hides another
_SERIES = (
    ("event", "the event's frames alone minus all frames (told where it is)", BLUE, "o"),
    ("random", "adaptive minus random frames, same weights and cost", GREEN, "v"),
    ("static", "adaptive minus a static plan trained on such videos", VERMILION, "s"),
)


@dataclass(frozen=True)
class Gains:
    """What choosing gains on one kind of video, in shares of the videos.

    Args:
        content: share of the sampled frames that show the event.
        event: gained by the event's frames alone over all frames.
        random: by adaptive over random frames at its cost.
        static: by adaptive over a static plan trained alone.
    """

    content: float
    event: Interval
    random: Interval
    static: Interval


def read_gains(probes: Path, run: Path, static: Path) -> Gains:
    """Raises DataError where a file or run is not what it should be."""
    try:
        facts = json.loads(probes.read_text(encoding="utf-8"))
        row = next(row for row in facts["worth"] if row["name"] == EVENT_ALONE)
        event, content = Interval(**row["against_first"]), float(facts["content"])
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise DataError(f"{probes}: holds no probes ({error}); try: still_probes --json") from None
    *own, plan = compare([run, static])
    points = {r.name: r for r in own}
    # The tightest budget is the one that it was trained for; its rules are named after it.
    adaptive = next((points[n] for n in reversed(points) if n.startswith("adaptive at ")), None)
    random = adaptive and points.get(adaptive.name.replace("adaptive", "random", 1))
    if adaptive is None or random is None:
        raise DataError(f"{run}: has no adaptive point with random frames at its cost; try: an adaptive run")
    gains = [paired_difference(adaptive, other, metric=headline(adaptive)) for other in (random, plan)]
    return Gains(content, event, *gains)


@quietly()
def gains_figure(gains: Sequence[Gains], path: Path) -> None:
    """Draw the gains against the share of content, as PNG; raises AdaframeError where it cannot be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.axhline(0, color=FAINT, lw=1)
    for n, (field, name, colour, marker) in enumerate(_SERIES):
        bars = [getattr(one, field) for one in gains]
        at = [100 * one.content + (n - 1) * _APART for one in gains]
        spread = [[100 * (b.value - b.low) for b in bars], [100 * (b.high - b.value) for b in bars]]
        values = [100 * b.value for b in bars]
        axes.errorbar(at, values, yerr=spread, color=colour, fmt=marker, capsize=3, lw=1.5, label=name)
    axes.set_xlabel("share of the video that is event, percent", family=fonts())
    axes.set_ylabel("accuracy, points", family=fonts())
    axes.set_xticks([round(100 * one.content) for one in gains])
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, prop={"family": fonts(), "size": 8})
    title = f"paired on the same videos; bars are {100 * LEVEL:g} % intervals by source"
    axes.set_title(title, loc="left", size=8, color=GREY, family=fonts())
    save(figure, path, dpi=_DPI)


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figure, and print what is in it."""
    parser = argparse.ArgumentParser(
        prog="python -m adaframe.evaluation.studies.still_figure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--videos",
        action="append",
        required=True,
        nargs=3,
        type=Path,
        metavar=("PROBES", "RUN", "STATIC"),
        help="of one kind of video; once for each",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the PNG")
    args = parser.parse_args(argv)
    gains = sorted((read_gains(*paths) for paths in args.videos), key=lambda one: one.content)
    gains_figure(gains, args.out)
    for one in gains:
        print(f"{one.content:.0%} event")
        for field, name, _, _ in _SERIES:
            bar = getattr(one, field)
            print(f"  {name}: {100 * bar.value:+.1f} [{100 * bar.low:+.1f}, {100 * bar.high:+.1f}]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
