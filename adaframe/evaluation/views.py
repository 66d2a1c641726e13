"""All windows of all clips as one recogniser sees them, and the methods that are compared on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adaframe.evaluation.baselines import (
    equal_cost_looks,
    frame_macs,
    most_changed,
    shuffled,
)
from adaframe.evaluation.metrics import Results
from adaframe.evaluation.timing import Timed
from adaframe.inference.recognizer import Recognizer
from adaframe.model.actions import Decisions, concatenated
from adaframe.model.network import Clips, Features
from adaframe.model.plans import evenly

STATIC_EVERY = (1, 2, 4, 8)  # static plans beside those of equal cost: every frame, every second, …
_PER_WINDOW = ("valid", "times_s", "priority", "clip_of")
CHUNK = 64  # windows whose decisions are scored at once


@dataclass(frozen=True, eq=False)
class Method:
    """Decisions of one method for all windows, and what follows from them.

    `scores` are the class scores of each window, (W, K), where they are known already; None: from the view's features.
    """

    name: str
    view: View
    decisions: Decisions
    bias: Tensor | None = None
    policy_runs: bool = False
    note: str = ""
    scores: Tensor | None = None

    def results(self, targets: np.ndarray, groups: tuple[str, ...], ms: float | None) -> Results:
        view = self.view
        found = view.results(
            self.name,
            view.scores(self.decisions) if self.scores is None else self.scores,
            view.recognizer.network.costs.executed(self.decisions),
            targets,
            groups,
            actions=self.decisions.shares(),
        )
        of_its_windows = None if ms is None else ms * len(view.valid) / len(targets)
        return replace(found, model_ms=of_its_windows, note=self.note)

    def timed(self) -> Timed:
        """The method on the windows that are kept for timing, as a function to call."""
        view, n = self.view, len(self.view.timed_crops)
        network, device, d = view.recognizer.network, view.recognizer.device, self.decisions
        clips = Clips(view.timed_crops, view.valid[:n].to(device), view.times_s[:n].to(device))
        if self.policy_runs:
            return Timed(lambda: network.recognise(clips, bias=self.bias), n)
        actions, decided, glanced = (x[:n].to(device) for x in (d.actions, d.decided, d.glanced))
        few = Decisions(actions, decided, glanced, clips.valid, d.of)
        answering = replace(clips, valid=few.glanced)  # without a policy, only these frames are glanced at
        needed = network.actions.glance_answers
        return Timed(lambda: network.look(clips, network.glance_features(answering) if needed else None, few), n)


@dataclass(frozen=True, eq=False)
class View:
    """All windows of all clips as one recogniser sees them. All but `timed_crops` is kept on the CPU.

    Args:
        recognizer: whose features these are.
        features: of every look at every valid frame, and of the glances, (W, T, F); none where methods are settled.
        valid: bool, (W, T).
        times_s: seconds, (W, T).
        priority: of each frame, by the rule of the model's plan; by the change rule where it has none, (W, T).
        clip_of: number of each window's clip, (W,).
        timed_crops: uint8, RGB, of the first windows, for timing.
        settled: methods with their scores, in place of features.
    """

    recognizer: Recognizer
    features: Features
    valid: Tensor
    times_s: Tensor
    priority: Tensor
    clip_of: Tensor
    timed_crops: Tensor
    settled: tuple[Method, ...] = ()

    def scores(self, decisions: Decisions) -> Tensor:
        """Class scores of each window under these decisions, (W, K)."""
        network, device, seen = self.recognizer.network, self.recognizer.device, decisions.seen().float()
        out = []
        with torch.inference_mode():
            for part in torch.arange(len(self.valid)).split(CHUNK):
                glance = None if self.features.glance is None else self.features.glance[part].to(device)
                glance = network.answering(glance, decisions.pick(part, device))
                features = Features(glance, tuple(x[part].to(device) for x in self.features.looks))
                out.append(network.classify(features, seen[part].to(device), self.times_s[part].to(device)).cpu())
        return torch.cat(out)

    def results(
        self,
        name: str,
        scores: Tensor,
        macs: Tensor,
        targets: np.ndarray,
        groups: tuple[str, ...],
        *,
        actions: dict[str, float],
    ) -> Results:
        """What a method answered for the clips, from the class scores (W, K) and the executed MACs (W,) of their windows.

        Scores are averaged, not probabilities, as `classify` averages windows (and TSN and AR-Net frames): a video is
        answered in the same way wherever its views come from.
        """
        n = len(targets)
        per_clip = torch.zeros(n, scores.shape[1]).index_add_(0, self.clip_of, scores)
        per_clip /= torch.bincount(self.clip_of, minlength=n)[:, None]
        gmacs = torch.zeros(n, dtype=torch.float64).index_add_(0, self.clip_of, macs) / 1e9
        uniform = self.recognizer.network.costs.uniform(self.valid.sum(dim=1)).sum() / 1e9 / n
        multi_label = self.recognizer.metadata.multi_label
        likely = per_clip.double().sigmoid() if multi_label else per_clip.double().softmax(dim=1)
        return Results(
            name=name,
            scores=likely.numpy(),
            targets=targets,
            gmacs=gmacs.numpy(),
            gmacs_uniform=float(uniform),
            model_ms=None,
            groups=groups,
            actions=actions,
            multi_label=multi_label,
            views=len(self.valid) / n,
        )

    def methods(self, budgets: Sequence[float] | None, baselines: bool) -> list[Method]:
        """The model at the budgets (None: the one it was trained for), and its baselines at the same costs."""
        if self.settled:
            return [replace(method, view=self) for method in self.settled]
        network, metadata, device = self.recognizer.network, self.recognizer.metadata, self.recognizer.device
        if network.plan is not None:
            return [Method(metadata.plan, self, network.decide(None, self.valid, priority=self.priority))]
        found = []
        price = torch.tensor(network.price, device=device)
        assert self.features.glance is not None
        wanted: Sequence[float | None] = budgets or [None]
        for budget in wanted:
            beta = metadata.beta_for(budget)
            bias = -beta * price[None] if beta else None
            with torch.inference_mode():
                glances, valid = self.features.glance.to(device), self.valid.to(device)
                decisions = concatenated([network.decide(glances, valid, bias=bias)])
            name = f"adaptive at {metadata.budget if budget is None else budget:g}"
            found.append(Method(name, self, decisions, bias, True, f"beta {beta:.3g}{self._counted(decisions)}"))
        return found + (self._baselines(found) if baselines else [])

    def _counted(self, decisions: Decisions) -> str:
        """What these decisions take of what the model's budget counts, in words; nothing where that is MACs."""
        prices = self.recognizer.network.prices
        if prices.counted == "macs":
            return ""
        share = prices.executed(decisions).sum() / prices.uniform(self.valid.sum(dim=1)).sum()
        return f"; its budget counts {prices.unit}, of which this takes {share:.3f} of uniform's (by {prices.by})"

    def _baselines(self, adaptive: Sequence[Method]) -> list[Method]:
        network = self.recognizer.network
        costs, actions, frames = network.costs, network.actions, self.valid.shape[1]
        # A static plan leaves out frames also where the policy cannot.
        actions = actions if actions.skips else replace(actions, skips=(1,))
        strongest = costs.strongest
        same = "this model's own looks by a fixed plan, for which they were not trained"
        found = [Method("uniform, same weights", self, evenly(self.valid, strongest, frames, actions), note=same)]
        plans = {(s, -(-frames // k)) for s in range(len(actions.sources)) for k in STATIC_EVERY} - {
            (strongest, frames)
        }
        generator = torch.Generator().manual_seed(0)
        for method in adaptive:
            of = method.name.removeprefix("adaptive ")
            mean = float(costs.executed(method.decisions).mean())
            plans |= {(s, equal_cost_looks(costs, s, mean, frames)) for s in range(len(actions.sources))}
            random = shuffled(method.decisions, costs, generator)
            changed = most_changed(method.decisions, costs, self.priority)
            note = "the policy's looks elsewhere, and its own cost spent on more"
            found += [
                Method(f"random {of}", self, random, note=note),
                Method(f"change rule {of}", self, changed, note=note),
            ]
        for source, looks in sorted(plans - {(strongest, frames)}, key=lambda p: -p[1] * frame_macs(costs, p[0])):
            name = actions.sources[source]
            full = "glance" if name == "glance" else f"static {name}"
            title = full if looks == frames else f"{full} on {looks} of {frames}"
            found.append(Method(title, self, evenly(self.valid, source, looks, actions), note=same))
        return found


def settled(view: View, methods: Sequence[Method]) -> View:
    """The view with these methods' scores in place of its features, which take a thousand times as much memory."""
    return replace(
        view,
        features=Features(None, ()),
        settled=tuple(replace(method, scores=view.scores(method.decisions)) for method in methods),
    )


def joined(views: Sequence[View]) -> View:
    """Settled views of one recogniser, by the same methods, as one."""
    methods = []
    for same in zip(*(view.settled for view in views), strict=True):
        scores = torch.cat([method.scores for method in same if method.scores is not None])
        methods.append(replace(same[0], decisions=concatenated([m.decisions for m in same]), scores=scores))
    parts: dict[str, Any] = {name: torch.cat([getattr(view, name) for view in views]) for name in _PER_WINDOW}
    return replace(views[0], **parts, settled=tuple(methods))
