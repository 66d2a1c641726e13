"""How right a method is class by class. N videos, K classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaframe.evaluation.metrics import Results, average_precisions
from adaframe.model.answer import named

TABLE_LIMIT = 60  # classes in a table; of more, the worst are shown
NAMES_LIMIT = 12  # labels in a sentence


@dataclass(frozen=True)
class ClassFacts:
    """What one method made of one class.

    Args:
        name: of the class.
        videos: that have it as a label.
        answered: videos for which it was named.
        right: videos of both kinds.
        average_precision: 0..1; NaN where no video has the label.
    """

    name: str
    videos: int
    answered: int
    right: int
    average_precision: float

    @property
    def recall(self) -> float:
        """Share of the videos that have the label for which it was named; NaN where none has it."""
        return self.right / self.videos if self.videos else math.nan

    @property
    def precision(self) -> float:
        """Share of the videos for which it was named that have the label; NaN where it was never named."""
        return self.right / self.answered if self.answered else math.nan


def class_facts(results: Results, classes: Sequence[str]) -> list[ClassFacts]:
    """One entry per class, in the order of the scores."""
    chosen = named(results.scores, multi_label=results.multi_label)
    columns = zip(
        classes,
        results.targets.sum(axis=0),
        chosen.sum(axis=0),
        (chosen & results.targets).sum(axis=0),
        average_precisions(results.scores, results.targets),
        strict=True,
    )
    return [ClassFacts(name, int(n), int(said), int(both), float(ap)) for name, n, said, both, ap in columns]


def class_table(facts: Sequence[ClassFacts], *, by_map: bool) -> str:
    """A Markdown table with a line per class; of more than 60 classes the 60 with the least recall (by_map: precision).

    Args:
        facts: of each class.
        by_map: show average precision, where a video may have several labels.
    """
    shown = list(facts)
    if len(facts) > TABLE_LIMIT:
        worth = (lambda f: f.average_precision) if by_map else (lambda f: f.recall)
        kept = {f.name for f in sorted((f for f in facts if f.videos), key=worth)[:TABLE_LIMIT]}
        shown = [f for f in facts if f.name in kept]
    columns = ["class", "n", *(["average precision"] if by_map else []), "recall", "precision", "named"]
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)]]
    for f in shown:
        ap = [_percent(f.average_precision)] if by_map else []
        name = f.name.replace("|", "\\|")
        lines.append([name, str(f.videos), *ap, _percent(f.recall), _percent(f.precision), str(f.answered)])
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    if len(shown) < len(facts):
        what = "average precision" if by_map else "recall"
        table += f"\n\nOf {len(facts)} classes, the {len(shown)} with the least {what}; report.json has all."
    return f"{table}\n"


def label_counts(facts: Sequence[ClassFacts], targets: NDArray[np.bool_]) -> str:
    """In a sentence or two: how many videos have each label, how many have none, and which labels none has.

    Args:
        facts: of each class.
        targets: bool, (N, K).
    """
    there = sorted((f for f in facts if f.videos), key=lambda f: (-f.videos, f.name))
    more = f", … ({len(there)} labels)" if len(there) > NAMES_LIMIT else ""
    parts = [f"{f.name} {f.videos}" for f in there[:NAMES_LIMIT]]
    bare = int((~targets.any(axis=1)).sum())
    text = f"labels in {len(targets)} videos: {', '.join(parts)}{more}" if parts else f"{len(targets)} videos, no label"
    text += f"; {bare} without any" if bare and parts else ""
    absent = missing([f.name for f in facts], targets)
    return f"{text}. No video has {absent}: left out of mAP." if absent else f"{text}."


def missing(classes: Sequence[str], targets: NDArray[np.bool_] | NDArray[np.floating]) -> str:
    """The classes that no video has, as a list in words; nothing where each is there."""
    absent = [name for name, there in zip(classes, np.any(targets > 0, axis=0).tolist(), strict=True) if not there]
    more = f", … ({len(absent)} classes)" if len(absent) > NAMES_LIMIT else ""
    return ", ".join(absent[:NAMES_LIMIT]) + more


def plain(facts: Sequence[ClassFacts]) -> dict[str, Any]:
    """The same for JSON: `per_class`, with null where there is no number."""
    return {
        "per_class": [
            {
                "name": f.name,
                "videos": f.videos,
                "named": f.answered,
                "right": f.right,
                "average_precision": None if math.isnan(f.average_precision) else f.average_precision,
            }
            for f in facts
        ]
    }


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"
