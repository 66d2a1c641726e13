"""`python -m adaframe.evaluation.early_exit`: whether it pays to stop looking once the answer is settled.

The frames of a window are taken coarse to fine, in stages (`adaframe.evaluation.stages`); where the answer after a stage is
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from adaframe.cli.parser import positive
from adaframe.data.manifest import Clip, load_dataset
from adaframe.errors import AdaframeError, DataError, UsageError
from adaframe.evaluation.bootstrap import Interval
from adaframe.evaluation.metrics import (
    Results,
    accuracy,
    cost_fraction,
    headline,
    interval,
    mean_average_precision,
    paired_difference,
)
from adaframe.evaluation.nested import pooled
from adaframe.evaluation.stages import FEWER, RULES, answers, staged
from adaframe.evaluation.views import View, look_at
from adaframe.inference.recognizer import load
from adaframe.progress import Line
from adaframe.training.calibration import BETAS

THRESHOLDS = 24  # of a rule, at equal shares of the answers that are below them
CAPS = (1.0, 0.85, 0.7, 0.55, 0.4)  # of what the model costs without an exit
QUARTERS = 4
WITHOUT = "no exit"
FAMILIES = BIAS, FEWER_FRAMES, EXIT = "bias", "bias or fewer frames", "early exit"


@dataclass(frozen=True)
class Setting:
    """How a model answers.

    Args:
        beta: bias of the action logits against cost; None for the one that the model's budget asks for.
        every: only every so many frames are sampled.
        rule: of `RULES`; "" never ends early.
        threshold: that the rule must reach, 0..1.
    """

    beta: float | None = None
    every: int = 1
    rule: str = ""
    threshold: float = 0.0

    def __str__(self) -> str:
        parts = ["the budget's bias" if self.beta is None else f"bias {self.beta:g}"]
        parts += [f"every {self.every}"] if self.every > 1 else []
        parts += [f"{self.rule} {self.threshold:.4g}"] if self.rule else []
        return ", ".join(parts)


AS_IT_IS = Setting()
Tried = dict[Setting, Results]


def rule_settings() -> list[Setting]:
    """All rules and thresholds that are tried, without a bias of their own."""
    graded = [1 - 10**-x for x in np.linspace(0.2, 5, THRESHOLDS)]
    found = [Setting(rule=rule, threshold=t) for rule in RULES if rule != "unchanged" for t in graded]
    return [*found, Setting(rule="unchanged", threshold=1.0)]


def families(settings: Sequence[Setting]) -> dict[str, list[Setting]]:
    """What is compared: each has its setting chosen among these."""
    return {
        BIAS: [s for s in settings if not s.rule and s.every == 1],
        FEWER_FRAMES: [s for s in settings if not s.rule],
        EXIT: [s for s in settings if s.rule],
    }


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


def as_right(among: Sequence[Setting], tried: Tried) -> Setting | None:
    """The cheapest setting that is no less right than the model as it is."""
    enough = [s for s in among if _right(tried[s]) >= _right(tried[AS_IT_IS])]
    return min(enough, key=lambda s: (_cost(tried[s]), -_right(tried[s])), default=None)


def within(among: Sequence[Setting], cap: float, tried: Tried) -> Setting | None:
    """The most right setting that costs no more than that share of what the model as it is costs."""
    allowed = [s for s in among if _cost(tried[s]) <= cap * _cost(tried[AS_IT_IS]) + 1e-9]
    return max(allowed, key=lambda s: (_right(tried[s]), -_cost(tried[s])), default=None)


@dataclass(frozen=True, eq=False)
class Study:
    """The methods, reported on clips that did not choose their settings. A method that cannot be had is left out.

    Args:
        plain: the model as it is, at the budget that it was trained for.
        equal: the cheapest of each family that is as right as that, by family.
        capped: the most right of each family, by the share of the plain model's cost that it may take, and by family.
        settings: that were chosen, one for each part of the clips; by family, for `equal`.
    """

    plain: Results
    equal: dict[str, Results]
    capped: dict[float, dict[str, Results]]
    settings: dict[str, list[Setting]]


def study(parts: Sequence[Tried]) -> Study:
    """Choose for each part on the others, and put together what that gives."""
    others = [{setting: pooled([p[setting] for p in parts if p is not own]) for setting in own} for own in parts]
    plain = replace(pooled([own[AS_IT_IS] for own in parts]), name=WITHOUT)
    study = Study(plain, {}, {cap: {} for cap in CAPS}, {})

    def chosen(name: str, choose: Callable[[Tried], Setting | None]) -> tuple[Results, list[Setting]] | None:
        settings = [s for s in map(choose, others) if s is not None]
        if len(settings) < len(parts):
            return None
        return replace(pooled([own[s] for own, s in zip(parts, settings, strict=True)]), name=name), settings

    for name, among in families(list(parts[0])).items():
        found = chosen(name, partial(as_right, among))
        if found is not None:
            study.equal[name], study.settings[name] = found
        for cap in CAPS:
            found = chosen(name, partial(within, among, cap))
            if found is not None:
                study.capped[cap][name] = found[0]
    return study


def _right(results: Results) -> float:
    return mean_average_precision(results.scores, results.targets) if headline(results) == "map" else accuracy(results)


def _cost(results: Results) -> float:
    return float(results.gmacs.mean()) / results.gmacs_uniform


def as_text(study: Study) -> str:
    """Markdown: both tables, the verdict, and what was chosen."""
    exit_ = study.equal.get(EXIT)
    metric = headline(study.plain)
    what = "mAP" if metric == "map" else "accuracy"
    lines = [
        f"Settings that are as right as {WITHOUT} on the clips that choose, at the least cost:",
        "",
        f"| method | {what} | of uniform's GMACs | {what} of {EXIT} minus it | cost of {EXIT} minus it |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in (study.plain, *study.equal.values()):
        cells = [row.name, _share(interval(row, metric=metric)), _fraction(cost_fraction(row))]
        if exit_ is None or row is exit_:
            cells += ["–", "–"]
        else:
            cells += [
                _share(paired_difference(exit_, row, metric=metric), "+"),
                _fraction(paired_difference(exit_, row, metric="cost"), "+"),
            ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        f"The most right settings at up to so much of what {WITHOUT} costs ({what} at a fraction of uniform's GMACs):",
        "",
        f"| at most | {' | '.join(FAMILIES)} | {EXIT} minus {FEWER_FRAMES} |",
        "|---|" + "---:|" * (len(FAMILIES) + 1),
    ]
    for cap, found in study.capped.items():
        cells = [f"{100 * _right(found[n]):.1f} % at {_cost(found[n]):.3f}" if n in found else "–" for n in FAMILIES]
        both = EXIT in found and FEWER_FRAMES in found
        cells.append(_share(paired_difference(found[EXIT], found[FEWER_FRAMES], metric=metric), "+") if both else "–")
        lines.append(f"| {cap:g} | {' | '.join(cells)} |")
    videos, groups = len(study.plain.scores), len(set(study.plain.groups))
    lines += ["", f"{videos} clips in {groups} groups; 95 % intervals by group, paired. {verdict(study)}"]
    for name, settings in study.settings.items():
        lines.append(f"- {name}: {'; '.join(str(s) for s in settings)}")
    if exit_ is not None:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in exit_.actions.items())
        lines.append(f"- windows that end after each stage: {shares}")
    return "\n".join(lines)


def verdict(study: Study) -> str:
    """Whether less is computed for as much accuracy than by all of the others, in a sentence."""
    exit_ = study.equal.get(EXIT)
    if exit_ is None:
        return "Early exit never is as right as the model without it."
    rivals = [study.plain, *(r for name, r in study.equal.items() if name != EXIT)]
    metric = headline(exit_)
    cheaper = all(paired_difference(exit_, r, metric="cost").high < 0 for r in rivals)
    worse = any(paired_difference(exit_, r, metric=metric).high < 0 for r in rivals)
    if cheaper and not worse:
        return "Early exit computes less than all of the others, and is not less right beyond the noise."
    return "Early exit does not pay: " + ("it is less right." if cheaper else "something simpler costs no more.")


def _share(part: Interval, sign: str = "") -> str:
    return f"{100 * part.value:{sign}.1f} [{100 * part.low:{sign}.1f}, {100 * part.high:{sign}.1f}]"


def _fraction(part: Interval, sign: str = "") -> str:
    return f"{part.value:{sign}.3f} [{part.low:{sign}.3f}, {part.high:{sign}.3f}]"


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


def main(argv: Sequence[str] | None = None) -> int:
    """Answer, choose, print."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.early_exit", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--folds", default="", metavar="RUN", help="a run with fold-K/model.safetensors for each fold K")
    which.add_argument("--checkpoint", default="", metavar="FILE", help="a model that learnt from none of the clips")
    parser.add_argument("--data.root", dest="root", default="", metavar="DIR", help="as of adaframe evaluate")
    parser.add_argument("--data.manifest", dest="manifest", default="", metavar="FILE", help="as of adaframe evaluate")
    parser.add_argument("--split", default="test", help="where the data set has splits (default: %(default)s)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=positive, default=1)
    args = parser.parse_args(argv)
    try:
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
    except AdaframeError as error:
        print(f"adaframe: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
