"""The sections that the reports of a run and of its folds are made of, as Markdown."""

from __future__ import annotations

import re
import shlex
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from adaframe.config import Config
from adaframe.data.manifest import Clip, load_dataset
from adaframe.energy.result import Energy
from adaframe.errors import AdaframeError
from adaframe.evaluation.bootstrap import LEVEL
from adaframe.evaluation.classes import class_facts, class_table, label_counts
from adaframe.evaluation.metrics import Results, headline, interval
from adaframe.evaluation.report.confusion import FIGURE_LIMIT, confused_pairs, confusion, confusion_figure
from adaframe.evaluation.report.drawing import number

if TYPE_CHECKING:
    from adaframe.training.run import Run

_BAD_SHOWN = 10
_CLASSES_SHOWN = 60


class Sections:
    """Markdown that grows section by section; one that fails leaves a note, as the model has been saved by then."""

    def __init__(self, title: str) -> None:
        self.parts = [f"# {title}\n"]

    def add(self, title: str, make: Callable[[], str]) -> None:
        """Append what `make` returns under a heading (without one if there is no title); nothing where it returns ""."""
        try:
            text = make()
        except Exception as error:  # whatever it is, the report's other sections are worth having
            what = " ".join(str(error).split())[:300] or type(error).__name__
            print(f"report: {title or 'a part'}: could not be made ({what})", file=sys.stderr)
            text = f"*This part could not be made: {plain_text(what)}*"
        if text:
            self.parts.append(f"## {title}\n\n{text.strip()}\n" if title else f"{text.strip()}\n")

    def text(self) -> str:
        return "\n".join(self.parts)


def verdict(results: Results, *, budget: float | None, clips: str, rest: str = "", kept: bool = True) -> str:
    """Two sentences: how right it is on which clips, and what that costs.

    Args:
        results: at the asked budget.
        budget: that was asked for; None for a fixed plan.
        clips: what they are, in words that follow their number.
        rest: more about them, in words that follow.
        kept: whether any setting keeps to the budget; else the results are of the cheapest.
    """
    by_map = headline(results) == "map"
    found = interval(results, metric="map" if by_map else "accuracy")
    n, groups = len(results.scores), len(set(results.groups))
    of = f"{n} {clips}" + (f" in {groups} groups" if groups < n else "") + (f", {rest}" if rest else "")
    shares = 100 * results.targets.mean(axis=0)
    bounds = f"{100 * LEVEL:g} % interval {100 * found.low:.1f} to {100 * found.high:.1f}"
    if np.isnan(found.low):
        bounds = "no interval, as all are of one group"
    if np.isnan(found.value):
        right = f"On {of}, nothing can be said: none of them has a label."
    elif by_map:
        chance = f"a random order: {shares[shares > 0].mean():.1f} %"
        right = f"On {of}, its mAP is **{100 * found.value:.1f} %** ({bounds}; {chance})."
    else:
        chance = f"always the commonest class: {shares.max():.1f} %"
        right = f"On {of}, it is right for **{100 * found.value:.1f} %** ({bounds}; {chance})."
    gmacs = float(results.gmacs.mean())
    share = gmacs / results.gmacs_uniform
    actions = ", ".join(f"{name} {100 * part:.0f} %" for name, part in results.actions.items() if part >= 0.005)
    took = f"{number(gmacs)} of {number(results.gmacs_uniform)} GMACs a clip; frames: {actions}"
    if budget is None:
        return f"{right} Its plan is fixed ({results.name}), and executes {number(gmacs)} GMACs a clip."
    if not kept:
        missed = f"**No setting keeps to the budget of {budget:g}**"
        return f"{right} {missed}: the cheapest executes {share:.3f} of uniform's compute ({took})."
    return f"{right} At the budget of {budget:g} it executes **{share:.3f}** of uniform's compute ({took})."


def usage(run: Run, clip: str) -> str:
    """The commands that use the model, to be copied."""
    checkpoint = str(run.out / "model.safetensors")
    data = run.config.data
    source = ["--data.manifest", data.manifest] if data.manifest else []
    source += ["--data.root", data.root] if data.root else []
    splits = {c.split for c in _all_clips(run.config)}
    split = next((name for name in ("test", "val") if name in splits), "")
    evaluate = ["adaframe", "evaluate", "--checkpoint", checkpoint]
    if split:
        evaluate += [*source, "--split", split]
        remark = (
            "" if split == "test" else "It was calibrated on the split `val`: clips that it has never met say more.\n"
        )
    else:
        several = run.material.data_set.multi_label
        new, what = ("NEW.csv", "a manifest") if several else ("NEW-CLIPS", "a folder per class,")
        evaluate += ["--data.manifest" if several else "--data.root", new]
        remark = f"{new}: {what} of clips that it did not learn from; its own would flatter it.\n"
    evaluate += ["--baselines"] if run.config.policy == "adaptive" else []
    commands = [["adaframe", "classify", clip, "--checkpoint", checkpoint], evaluate]
    return "```\n" + "\n".join(shlex.join(words) for words in commands) + f"\n```\n\n{remark}"


def picked_list(picked: Sequence[str]) -> str:
    """A line per automatic choice."""
    return "\n".join(f"- {' '.join(line.split())}" for line in picked)


def classes_section(results: Results, classes: Sequence[str], folder: Path) -> str:
    """Which class was taken for which, and how right each is; draws figures/confusion.png where that can be read."""
    facts, by_map = class_facts(results, classes), headline(results) == "map"
    table = class_table(facts, by_map=by_map)
    if by_map:
        counts = label_counts(facts, results.targets)
        how = "Recall and precision are of the answers as `classify` gives them (a label is named from a confidence of 0.5 on)."
        return f"{counts[0].upper()}{counts[1:]} {how}\n\n{table}"
    matrix = confusion(results)
    if len(classes) > FIGURE_LIMIT:
        return f"What was most often taken for something else:\n\n{confused_pairs(matrix, classes)}\n{table}"
    confusion_figure(matrix, classes, folder / "figures" / "confusion.png")
    words = f"{int(np.trace(matrix))} of {int(matrix.sum())} right"
    return f"![confusion matrix of {len(classes)} classes: {words}](figures/confusion.png)\n\n{table}"


def data_section(run: Run, parts: Mapping[str, Sequence[int]]) -> str:
    """Clips per class and part, and those that cannot be read.

    Args:
        run: gives the clips.
        parts: what was done with which clips (by number).
    """
    clips = run.material.data_set.clips
    counts = {name: Counter(label for n in numbers for label in clips[n].labels) for name, numbers in parts.items()}
    totals = {name: len(numbers) for name, numbers in parts.items()}
    if test := [clip for clip in _all_clips(run.config) if clip.split == "test"]:
        counts["test (not touched)"] = Counter(label for clip in test for label in clip.labels)
        totals["test (not touched)"] = len(test)
    classes = run.material.data_set.classes
    lines = ["| class | " + " | ".join(counts) + " |", "| --- |" + " ---: |" * len(counts)]
    rare = sorted(classes, key=lambda name: sum(c[name] for c in counts.values()))[:_CLASSES_SHOWN]
    for name in [name for name in classes if name in set(rare)]:
        cells = " | ".join(str(c[name]) for c in counts.values())
        lines.append(f"| {plain_text(name)} | {cells} |")
    lines.append("| **clips** | " + " | ".join(f"**{n}**" for n in totals.values()) + " |")
    text = "\n".join(lines) + "\n"
    if len(rare) < len(classes):
        text += f"\nOf {len(classes)} classes, the {len(rare)} with the fewest clips.\n"
    if run.material.data_set.multi_label:
        text += "\nA clip may have several labels, or none: a column's numbers need not add up to its clips.\n"
    bad = run.material.bad
    if bad:
        shown = [f"- `{clips[n].path}`: {plain_text(error.what)}" for n, error in sorted(bad.items())[:_BAD_SHOWN]]
        more = "- …\n" if len(bad) > _BAD_SHOWN else ""
        where = run.out / "bad_clips.txt"
        text += f"\n{len(bad)} of {len(clips)} clips cannot be read and were left out ({where}):\n\n"
        text += "\n".join(shown) + f"\n{more}"
    else:
        text += f"\nAll {len(clips)} clips could be read.\n"
    return text


def plain_text(text: str) -> str:
    """On one line, with Markdown's signs taken literally."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _all_clips(config: Config) -> tuple[Clip, ...]:
    """The whole data set with its test clips; nothing where it cannot be read any more."""
    with warnings.catch_warnings(), suppress(AdaframeError):
        warnings.simplefilter("ignore")  # said when training began
        return load_dataset(config.data.root, config.data.manifest).clips
    return ()


def energy_section(energy: Energy | None) -> str:
    """What the run took, from reading the clips to the last epoch; nothing where that is not known."""
    if energy is None:
        return ""
    return f"From reading the clips to the last epoch (of this sitting, if it was resumed): {energy.words()}."
