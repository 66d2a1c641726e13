"""`python -m adaframe.evaluation.studies.early_exit`: whether it pays to stop looking once the answer is settled.

The frames of a window are taken coarse to fine, in stages (`speed.stages`); where the answer after a stage is
settled, by a rule and a threshold, the others are neither glanced at nor looked at. Beside it stand the same model without an
exit, moved along its curve by a bias, and the same model on fewer frames. All of them have their settings (bias, rule,
threshold, number of frames) chosen on other clips than those that they are reported on: with --folds, on the other folds,
each answered by the model that did not learn from it; with --checkpoint, on other quarters of the clips.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from adaframe.cli.parser import positive
from adaframe.cli.standalone import telling_errors
from adaframe.data.manifest import Clip, load_dataset
from adaframe.errors import DataError, UsageError
from adaframe.evaluation.looking import look_at
from adaframe.evaluation.speed.stages import FEWER, RULES, answers, staged
from adaframe.evaluation.studies.early_exit_choice import Setting, Tried, as_text, study
from adaframe.evaluation.views import View
from adaframe.inference.recognizer import load
from adaframe.progress import Line
from adaframe.training.calibration import BETAS

GRADES = np.linspace(0.2, 5, 24)  # a threshold is 1 - 10 ** -grade
QUARTERS = 4


def rule_settings() -> list[Setting]:
    """All rules and thresholds that are tried, without a bias of their own."""
    graded = [1 - 10 ** -float(grade) for grade in GRADES]
    found = [Setting(rule=rule, threshold=t) for rule in RULES if rule != "unchanged" for t in graded]
    return [*found, Setting(rule="unchanged", threshold=1.0)]


def ends(scores: np.ndarray, setting: Setting, *, multi_label: bool) -> np.ndarray:
    """The stage (from 0) after which each window ends, int64, (W,), by the confidences after all of them, (W, stages, K)."""
    rule = RULES[setting.rule]
    reached = [
        rule(scores[:, n], scores[:, n - 1] if n else None, multi_label) >= setting.threshold
        for n in range(scores.shape[1])
    ]
    reached[-1][:] = True
    first: np.ndarray = np.stack(reached, axis=1).argmax(axis=1)
    return first


def try_all(view: View, clips: Sequence[Clip]) -> Tried:
    """What a model answers for clips that it did not learn from, in every setting."""
    metadata = view.recognizer.metadata
    targets = np.zeros((len(clips), len(metadata.classes)), dtype=bool)
    for n, clip in enumerate(clips):
        targets[n, [metadata.classes.index(label) for label in clip.labels]] = True
    groups = tuple(clip.group or clip.path for clip in clips)
    frames = torch.arange(view.valid.shape[1])
    found: Tried = {}
    line = Line("trying settings")
    betas = (None, *sorted({*BETAS, *(sum(pair) / 2 for pair in itertools.pairwise(BETAS))}))
    for done, beta in enumerate(betas):
        line.update(done, len(betas))
        bias = metadata.beta_for(None) if beta is None else beta
        for every in FEWER:
            fewer = frames[frames % every == every // 2]
            if len(fewer):
                one = answers(view, fewer, bias)
                setting = Setting(beta, every)
                found[setting] = view.results(str(setting), one.scores, one.macs, targets, groups, actions={})
        stages = staged(view, bias)
        likely = torch.sigmoid(stages.scores) if metadata.multi_label else torch.softmax(stages.scores, dim=2)
        for rule in rule_settings():
            setting = replace(rule, beta=beta)
            end = torch.from_numpy(ends(likely.double().numpy(), setting, multi_label=metadata.multi_label))
            at = (torch.arange(len(end)), end)
            shares = {f"stage {n + 1}": float((end == n).double().mean()) for n in range(likely.shape[1])}
            found[setting] = view.results(
                str(setting), stages.scores[at], stages.macs[at], targets, groups, actions=shares
            )
    line.done()
    return found


def parts_of(clips: Sequence[Clip], folds: str, checkpoint: str) -> list[tuple[str, list[Clip]]]:
    """Checkpoints, and the clips that each answers: a fold's model its fold, one model four parts that share no group.

    Raises:
        DataError: the clips have no folds, or too few groups.
    """
    if folds:
        names = sorted({clip.fold for clip in clips} - {""})
        if len(names) < 2:
            raise DataError("the data set has no folds; try: --checkpoint FILE")
        return [
            (str(Path(folds) / f"fold-{k}" / "model.safetensors"), [c for c in clips if c.fold == k]) for k in names
        ]
    groups = sorted({clip.group or clip.path for clip in clips})
    if len(groups) < QUARTERS:
        raise DataError(f"{len(groups)} groups of clips are too few to choose settings by some and report on others")
    random.Random(0).shuffle(groups)
    quarters = [set(groups[n::QUARTERS]) for n in range(QUARTERS)]
    return [(checkpoint, [c for c in clips if (c.group or c.path) in quarter]) for quarter in quarters]


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Answer, choose, print."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.studies.early_exit", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--folds", default="", metavar="RUN", help="a run with fold-K/model.safetensors for each fold K")
    which.add_argument("--checkpoint", default="", metavar="FILE", help="a model that learnt from none of the clips")
    parser.add_argument("--data.root", dest="root", default="", metavar="DIR", help="as of adaframe evaluate")
    parser.add_argument("--data.manifest", dest="manifest", default="", metavar="FILE", help="as of adaframe evaluate")
    parser.add_argument("--split", default="test", help="where the data set has splits (default: %(default)s)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=positive, default=1)
    args = parser.parse_args(argv)
    clips = list(load_dataset(args.root, args.manifest).clips)
    if any(clip.split for clip in clips):
        clips = [clip for clip in clips if clip.split == args.split]
    parts = []
    for path, some in parts_of(clips, args.folds, args.checkpoint):
        model = load(path, device=args.device)
        if model.network.policy is None:
            raise UsageError(f"{path}: a fixed plan has no answer that settles; try: an adaptive model")
        unknown = sorted({label for clip in some for label in clip.labels} - set(model.classes))
        if unknown:
            raise DataError(f"{args.manifest or args.root}: the model does not know {unknown[0]}")
        views, kept = look_at(some, [model], args.workers)
        parts.append(try_all(views[0], kept))
    print(as_text(study(parts)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
