"""The videos over which a model and the best static plan disagree, as film strips of what the model did there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby

import numpy as np
from numpy.typing import NDArray

from adaframe.data.clips import Clip
from adaframe.errors import VideoError
from adaframe.evaluation.metrics import Results, judged
from adaframe.evaluation.report.blocks import Block, Heading, Picture, Strong, Text
from adaframe.inference.prediction import Prediction
from adaframe.inference.recognizer import Recognizer
from adaframe.model import answer
from adaframe.video import DecodePool, Parts

SHOWN = 4  # strips of a kind
GENEROUS = 1.3  # whole looks only: a plan of equal cost may have to cost a look more


@dataclass(frozen=True)
class Chosen:
    """Which videos to show.

    Args:
        rival: that the model is compared with; None: with no plan, the videos are those of its surest answers.
        right: numbers of videos that the model has right and the rival wrong, the clearest first,
        wrong: and the other way round; where they never disagree so, the model's surest right and wrong answers.
        counts: videos that both have right, the model alone, the rival alone, neither.
    """

    rival: Results | None
    right: list[int]
    wrong: list[int]
    counts: tuple[int, int, int, int]


def best_static_plan(own: Results, results: Sequence[Results]) -> Results | None:
    """The best plan that costs at most 1.3 times as much; else the cheapest; None where there is no plan at all."""
    plans = [r for r in results if r is not own and r.name.startswith(("static", "uniform", "glance"))]
    near = [r for r in plans if r.gmacs.mean() <= GENEROUS * own.gmacs.mean()]
    if not near:
        return min(plans, key=lambda r: r.gmacs.mean(), default=None)
    return max(near, key=lambda r: (judged(r), -r.gmacs.mean()))


def choose(own: Results, rival: Results | None) -> Chosen:
    """The clearest disagreements between a model and a plan; videos of groups and classes not shown yet come first."""
    is_right = answer.right(own.scores, own.targets, multi_label=own.multi_label)
    sure = answer.confidence(own.scores, multi_label=own.multi_label)
    surest = _first(is_right, sure, own), _first(~is_right, sure, own)
    if rival is None:
        return Chosen(None, *surest, (0, int(is_right.sum()), 0, int((~is_right).sum())))
    other = answer.right(rival.scores, rival.targets, multi_label=rival.multi_label)
    # How much nearer to the truth the model's confidences are, over all classes.
    nearer = np.abs(rival.scores - rival.targets).sum(axis=1) - np.abs(own.scores - own.targets).sum(axis=1)
    kinds = (is_right & other, is_right & ~other, ~is_right & other, ~is_right & ~other)
    both, alone, rivals, neither = (int(kind.sum()) for kind in kinds)
    if not alone and not rivals:
        return Chosen(rival, *surest, (both, alone, rivals, neither))
    right, wrong = _first(kinds[1], nearer, own), _first(kinds[2], -nearer, own)
    return Chosen(rival, right, wrong, (both, alone, rivals, neither))


def strip_blocks(
    own: Results,
    chosen: Chosen,
    clips: Sequence[Clip],
    recognizer: Recognizer,
    *,
    budget: float | None,
    decode: str,
) -> list[Block]:
    """A section of the report; the chosen videos are read and recognised once more for it.

    Args:
        own: what the model answered.
        chosen: from `choose`.
        clips: the videos of `own`, N.
        recognizer: the model.
        budget: that `own` kept to; None for the one it was trained for.
        decode: auto, exact or fast, as for `own`.
    """
    rows = [*chosen.right, *chosen.wrong]
    again = dict(zip(rows, _recognised([clips[row] for row in rows], recognizer, budget, decode), strict=True))
    rival = chosen.rival
    both, alone, rivals, neither = chosen.counts
    n = len(own.scores)
    if rival is None:
        intro = f"There is no static plan to compare with: these are the surest answers of {own.name}, by what came of them. "
        intro += "With --baselines there is one."
        titles = (f"Right ({alone} of {n})", f"Wrong ({neither} of {n})")
    else:
        near = float(rival.gmacs.mean()) <= GENEROUS * float(own.gmacs.mean())
        which = f"best static plan at up to {GENEROUS:g} times its cost" if near else "cheapest static plan"
        intro = (
            f"{own.name} against {rival.name}, the {which}: of {n} videos, "
            f"both are right on {both}, neither on {neither}; {own.name} alone on {alone}, {rival.name} alone on {rivals}. "
            "Shown are the clearest of these disagreements, of each group and class one before a second one: no random sample. "
            "The strips are of what the adaptive model did."
        )
        titles = (f"Adaptive right, static wrong ({alone})", f"Static right, adaptive wrong ({rivals})")
        if not alone and not rivals:
            intro = (
                intro.partition(" Shown")[0] + f" As they never disagree so, here are the surest answers of {own.name}."
            )
            titles = (f"Both right ({both})", f"Both wrong ({neither})")
    blocks: list[Block] = [Text((intro,))]
    for title, kind, those in zip(titles, ("right", "wrong"), (chosen.right, chosen.wrong), strict=True):
        blocks.append(Heading(title, 3))
        if not those:
            blocks.append(Text(("There is none.",)))
        for number, row in enumerate(those, start=1):
            name = f"strips/{kind}-{number}.png"
            blocks.append(
                _strip(name, clips[row], again[row], [own, *([rival] if rival else [])], row, recognizer.classes)
            )
    return blocks


def _strip(
    name: str, clip: Clip, found: Prediction | VideoError, methods: Sequence[Results], row: int, classes: Sequence[str]
) -> Block:
    said = "; ".join(f"{r.name}: {_answer(r, row, classes)}" for r in methods)
    file = clip.title
    caption = (Strong(file), f" is {answer.in_words(clip.labels)}. {said}.")
    if isinstance(found, VideoError):
        return Text((*caption, f" It could not be read a second time: {found.what}."))
    return Picture(name, found.draw, f"film strip of {file}", caption, photo=True)


def _answer(results: Results, row: int, classes: Sequence[str]) -> str:
    scores = results.scores[[row]]
    labels = [classes[int(k)] for k in np.argsort(-scores[0], kind="stable")]
    named = {classes[int(k)] for k in np.flatnonzero(answer.named(scores, multi_label=results.multi_label)[0])}
    sure = float(answer.confidence(scores, multi_label=results.multi_label)[0])
    return f"{answer.in_words([label for label in labels if label in named])} ({100 * sure:.0f} %)"


def _first(those: NDArray[np.bool_], worth: NDArray[np.floating], own: Results) -> list[int]:
    """The best of those; one of each group, and then one of each class, before a second one of any."""
    groups: Counter[str] = Counter()
    labels: Counter[bytes] = Counter()
    ranked: list[tuple[int, int, int]] = []
    rows = np.flatnonzero(those)
    for row in rows[np.argsort(-worth[rows], kind="stable")].tolist():
        group, label = own.groups[row], own.targets[row].tobytes()
        groups[group] += 1
        labels[label] += 1
        ranked.append((groups[group], labels[label], row))
    return [row for *_, row in sorted(ranked, key=lambda places: places[:2])][:SHOWN]


def _recognised(
    clips: Sequence[Clip], recognizer: Recognizer, budget: float | None, decode: str
) -> list[Prediction | VideoError]:
    """Every clip from its file, all its windows, as `evaluate` saw it."""
    jobs = [
        replace(recognizer.metadata.request(c.path, decode=decode), start_s=c.start_s, end_s=c.end_s) for c in clips
    ]
    found: list[Prediction | VideoError] = []
    with DecodePool(workers=min(2, max(1, len(jobs)))) as pool:
        for _, parts in groupby(Parts(pool, jobs), key=lambda part: part.number):
            frames = (part.frames for part in parts)
            first = next(frames)
            if isinstance(first, VideoError):
                found.append(first)
                continue
            windows = (part for part in chain([first], frames) if not isinstance(part, VideoError))
            found.append(recognizer.classify_parts(clips[len(found)].path, windows, budget=budget))
    return found
