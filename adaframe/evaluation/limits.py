"""What the numbers of an evaluation do not say."""

from __future__ import annotations

import math
from collections.abc import Sequence

from adaframe.evaluation.bootstrap import DRAWS, LEVEL, Interval
from adaframe.evaluation.metrics import Results, judged
from adaframe.evaluation.report.blocks import Items
from adaframe.evaluation.verdict import ENOUGH_GROUPS

FEW_GROUPS = 20  # below this a bootstrap of groups is known to give intervals that are too narrow
FEW_VIDEOS = 20  # of a class


def limits(results: Sequence[Results], gain: Interval | None, *, split: str, grouped: bool) -> Items:
    """A list for the end of a report, of what holds for these results.

    Args:
        results: of methods on the same videos, the one to judge first.
        gain: of adaptive over the best static plan of equal cost; None where the two are not there.
        split: of the data set that the videos are; empty where it has none.
        grouped: whether it is known which videos are related.
    """
    first = results[0]
    n, groups = len(first.scores), len(set(first.groups))
    level = f"{100 * LEVEL:g} %"
    found = [
        f"The numbers are of these {n} videos, and of videos like them. The {level} intervals come from {DRAWS} resamples of "
        f"whole groups ({groups}), and say what other videos of the same kind would change; they do not say what another "
        "training would."
        if groups > 1
        else f"The numbers are of these {n} videos alone: all are of one group, so nothing is known of others, and there are "
        "no intervals."
    ]
    if not grouped:
        found.append(
            "The data set does not say which videos are related (same film, same place): each counts as independent. Where "
            "some are related, the intervals are too narrow; a column group in the manifest mends that."
        )
    elif 1 < groups < FEW_GROUPS:
        found.append(f"There are few groups ({groups}): intervals from so few are rather too narrow.")
    if judged(first) == 1 and groups >= ENOUGH_GROUPS:
        found.append(
            f"Without any error among {groups} groups the interval has no width; yet about 3/{groups} of new ones "
            f"({300 / groups:.1f} %) may be answered wrongly without that being a surprise."
        )
    chosen_on = {
        "": "The data set has no splits: nobody says that the model did not learn from these very videos.",
        "train": "These are training videos: the model may have learnt from them, and the figures say nothing about new ones.",
        "val": "These are validation videos: epochs, budget and threshold were chosen by them, which flatters the model.",
        "test": "These are test videos. What a budget means (the bias on the policy) and the threshold of unsure were set "
        "on other, validation videos, when the model was trained.",
    }
    found.append(chosen_on[split])
    if any(r.name.startswith(("static", "glance")) for r in results):
        found.append(
            "The best static plan is chosen on these same videos, which favours static plans: somebody who has to choose "
            "one beforehand may do worse. Those with the same weights were not trained for their plan; one trained alone "
            "may do better."
        )
    if gain is not None and not math.isnan(gain.low) and gain.low <= 0 <= gain.high and gain.low < gain.high:
        bounds = f"{100 * gain.low:+.1f} to {100 * gain.high:+.1f} points"
        found.append(f"A tie is no proof that both are equally good: differences of {bounds} remain possible.")
    if len(results) > 2:
        found.append(
            f"There are {len(results)} methods, and each interval is for one number by itself: among so many comparisons some "
            "seem real by chance."
        )
    counts = first.targets.sum(axis=0)
    few = int(((counts > 0) & (counts < FEW_VIDEOS)).sum())
    if few:
        found.append(
            f"{few} of {len(counts)} classes have fewer than {FEW_VIDEOS} videos: a line of theirs says little."
        )
    found.append(
        "Compute is counted in multiply-adds, from what was executed. Seconds depend on the machine and on what else it "
        "does: model ms is a median over a few rounds in turn, for the first windows of the data, without decoding."
    )
    return Items(tuple((text,) for text in found))
