"""Film strips of a few held-out clips, by really classifying their files with the saved checkpoint."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from adaframe.errors import VideoError
from adaframe.inference.recognizer import load
from adaframe.model.answer import in_words, named
from adaframe.training.calibration import Outcome
from adaframe.training.report.sections import plain_text
from adaframe.video import DecodePool, read_clip

if TYPE_CHECKING:
    from adaframe.training.run import Run

RIGHT, WRONG = 2, 4
WINDOWS = 4  # of a long clip: it is drawn to show what the policy does, not to be answered anew
LIMIT_S = 9.0  # after that no other strip is begun


def film_strips(run: Run, outcome: Outcome, *, limit_s: float = LIMIT_S) -> str:
    """Draw the most confident right and wrong answers into figures/, and say what each is (Markdown).

    Args:
        run: whose model.safetensors is there already.
        outcome: of the held-out clips, at the budget.
        limit_s: seconds after which no other strip is begun.
    """
    chosen = [*_surest(outcome, outcome.right)[:RIGHT], *_surest(outcome, ~outcome.right)[:WRONG]]
    clips = [run.material.data_set.clips[int(outcome.clips[row])] for row in chosen]
    classes = run.material.data_set.classes
    said = named(outcome.scores, multi_label=outcome.multi_label)
    recognizer = load(run.out / "model.safetensors", device=run.config.device)
    requests = [
        replace(recognizer.metadata.request(c.path), start_s=c.start_s, end_s=c.end_s, max_windows=WINDOWS)
        for c in clips
    ]
    started, texts = time.monotonic(), {True: [""][:0], False: [""][:0]}
    with DecodePool(workers=1) as pool:
        for row, clip, part in zip(chosen, clips, pool.map(read_clip, requests), strict=True):
            right = bool(outcome.right[row])
            if isinstance(part, VideoError):
                texts[right].append(f"`{clip.path}`: {plain_text(part.what)}")
                continue
            prediction = recognizer.classify_parts(clip.path, [part])
            name = f"{'right' if right else 'wrong'}-{len(texts[right]) + 1}.png"
            prediction.draw(run.out / "figures" / name)
            answered = in_words(prediction.label)
            # Validation saw one window of cached frames, through weights that were not rounded for saving.
            before = in_words([classes[k] for k in np.flatnonzero(said[row])])
            also = "" if _same(answered, before) else f"; in validation {before}"
            part_of = f"; its first {WINDOWS} of {part.windows_total} windows" if part.windows_total > WINDOWS else ""
            facts = (
                f"is {in_words(clip.labels)}, answered {answered} ({100 * prediction.confidence:.0f} %{also}{part_of})"
            )
            file = plain_text(clip.title)
            texts[right].append(f"**{file}**: {plain_text(facts)}\n\n![film strip of {file}](figures/{name})")
            if time.monotonic() - started > limit_s:
                break
    left = len(chosen) - sum(map(len, texts.values()))
    if left:
        print(f"report: {left} film strips are left out, as drawing took long", file=sys.stderr)
    parts = ["Its surest answers on held-out clips, from their files with the saved model."]
    parts += _headed("Right", texts[True], bool(outcome.right.any()))
    parts += _headed("Wrong", texts[False], not outcome.right.all())
    return "\n\n".join([*parts, *([f"{left} more were left out, as drawing took long."] if left else [])])


def _surest(outcome: Outcome, those: np.ndarray) -> list[int]:
    """Rows of the outcome, the most confident first."""
    rows = np.flatnonzero(those)
    return [int(row) for row in rows[np.argsort(-outcome.confidence[rows], kind="stable")]]


def _headed(title: str, texts: Sequence[str], any_there: bool) -> list[str]:
    return [f"### {title}", *(texts or (["None was drawn."] if any_there else ["There is none."]))]


def _same(one: str, other: str) -> bool:
    """Whether two answers name the same labels, in any order."""
    return set(one.split(" + ")) == set(other.split(" + "))
