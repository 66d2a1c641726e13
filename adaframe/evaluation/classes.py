"""How right and how costly a method is class by class. N videos, K classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaframe.evaluation.metrics import Results, average_precisions
from adaframe.evaluation.report.blocks import Block, Table, Text, markdown, percent
from adaframe.evaluation.report.drawing import number
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
        gmacs: executed for a video that has the label, on average, in 1e9 multiply-adds; NaN where none has it.
        of_uniform: that as a fraction of what uniform executes for a video of any class, on average.
    """

    name: str
    videos: int
    answered: int
    right: int
    average_precision: float
    gmacs: float
    of_uniform: float

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
    videos = results.targets.sum(axis=0)
    spent = np.divide(results.gmacs @ results.targets, videos, out=np.full(len(videos), np.nan), where=videos > 0)
    columns = zip(
        classes,
        videos,
        chosen.sum(axis=0),
        (chosen & results.targets).sum(axis=0),
        average_precisions(results.scores, results.targets),
        spent,
        strict=True,
    )
    return [
        ClassFacts(name, int(n), int(said), int(both), float(ap), float(g), float(g) / results.gmacs_uniform)
        for name, n, said, both, ap, g in columns
    ]


def class_table(facts: Sequence[ClassFacts], *, by_map: bool) -> str:
    """What `class_blocks` gives, as Markdown. Arguments as there."""
    return "\n\n".join(markdown(block) for block in class_blocks(facts, by_map=by_map)) + "\n"


def class_blocks(facts: Sequence[ClassFacts], *, by_map: bool) -> list[Block]:
    """A table with a line per class; of more than 60 classes the 60 with the least accuracy (by_map: average precision).

    Args:
        facts: of each class.
        by_map: show average precision, where a video may have several labels. Else a class's recall is its accuracy.
    """
    shown = list(facts)
    least = "average precision" if by_map else "accuracy"
    if len(facts) > TABLE_LIMIT:
        worth = (lambda f: f.average_precision) if by_map else (lambda f: f.recall)
        kept = {f.name for f in sorted((f for f in facts if f.videos), key=worth)[:TABLE_LIMIT]}
        shown = [f for f in facts if f.name in kept]
    right = ("average precision", "recall") if by_map else ("accuracy",)
    header = ("class", "videos", *right, "precision", "named", "GMACs", "of uniform")
    rows = []
    for f in shown:
        ap = [_percent(f.average_precision)] if by_map else []
        cost = "–" if math.isnan(f.gmacs) else number(f.gmacs)
        rates = [_percent(f.recall), _percent(f.precision), str(f.answered), cost, _percent(f.of_uniform)]
        rows.append((f.name, str(f.videos), *ap, *rates))
    blocks: list[Block] = [Table(header, tuple(rows))]
    if len(shown) < len(facts):
        said = f"Of {len(facts)} classes, the {len(shown)} with the least {least}; report.json has all."
        blocks.append(Text((said,)))
    return blocks


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
                "gmacs": None if math.isnan(f.gmacs) else f.gmacs,
                "of_uniform": None if math.isnan(f.of_uniform) else f.of_uniform,
            }
            for f in facts
        ]
    }


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else percent(share)
