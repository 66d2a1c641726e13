"""The way of a video through the model, routed and joint, on one page.

    crops ──> glances ──> policy ──> decisions ──> looks (only those chosen) ──> head ──> class scores

Letters: B videos, T sampled frames, S sources, A actions, F features, K classes, H×W pixels of the crop.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from adaframe.config import Model
from adaframe.errors import UsageError
from adaframe.model.actions import Actions, Decisions
from adaframe.model.backbones import Backbones
from adaframe.model.cost import Costs
from adaframe.model.counting import count_costs
from adaframe.model.fusion import fold_norms
from adaframe.model.holding import HoldingPolicy
from adaframe.model.packing import pack_convolutions
from adaframe.model.passes import frames_of, run_backbone
from adaframe.model.plans import Plan, parse_plan
from adaframe.model.policy import Choice, Policy
from adaframe.model.priority import Rule, frame_priority
from adaframe.model.temporal import Head, Standardise


@dataclass(frozen=True, eq=False)
class Clips:
    """Sampled frames of B videos.

    Args:
        crops: uint8, RGB, (B, T, H, W, 3).
        valid: bool, (B, T), a prefix of each row: False where a clip has no such frame.
        times_s: seconds, float32, (B, T).
    """

    crops: Tensor
    valid: Tensor
    times_s: Tensor


@dataclass(frozen=True, eq=False)
class Features:
    """Backbone features of B videos, before the head's projection.

    Args:
        glance: of the glances, (B, T, F), or what they answer with (`Network.answering`); None where nothing glances.
        looks: of each look, (B, T, F); zeros where not computed.
    """

    glance: Tensor | None
    looks: tuple[Tensor, ...]


class Network(nn.Module):
    """Glance, policy, looks and head.

    Args:
        model: the configuration.
        classes: K.
        plan: "adaptive", or a baseline's fixed plan (see `adaframe.model.plans`): then only what it needs is built.
        pretrained: False leaves backbones without weights (a checkpoint brings them).
        costs: MACs, as counted before; None counts them.
        prices: what a budget counts, where that is not MACs.
    """

    def __init__(
        self,
        model: Model,
        *,
        classes: int,
        plan: str = "adaptive",
        pretrained: bool = True,
        costs: Costs | None = None,
        prices: Costs | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.plan: Plan | None = None if plan == "adaptive" else parse_plan(plan, model)
        looks = model.looks if self.plan is None else tuple(k for k in model.looks if k.name == self.plan.source)
        answers = model.glance.answers if self.plan is None else self.plan.source == "glance"
        skips = model.policy.skips if self.plan is None else (1,)
        self.answers_from_state = answers and model.glance.answers_from == "state"
        if self.answers_from_state and (self.plan is not None or model.policy.hold != "h"):
            raise UsageError(
                "glance.answers_from: state needs a policy that goes on over skipped frames; try: policy.hold: h, or "
                "answers_from: glance"
            )
        if self.plan is None and model.policy.hold == "h" and model.policy.changes:
            raise UsageError(
                "policy.changes goes with policy.hold: all; AR-Net's policy, which holds h alone, has none"
            )
        self.actions = Actions(tuple(k.name for k in looks), answers, skips)
        self.pixels = tuple(k.pixels for k in looks)
        backbones = Backbones(pretrained=pretrained)
        made = [backbones.of(look) for look in looks]
        self.looks = nn.ModuleList(backbone for backbone, _ in made)
        widths = [width for _, width in made]
        self.glance: nn.Module | None = None
        self.glance_width = 0
        self.policy: Policy | None = None
        if self.plan is None or answers:
            self.glance, self.glance_width = backbones.of(model.glance)
            if answers:
                widths.append(model.policy.hidden if self.answers_from_state else self.glance_width)
            if self.plan is None:
                self.policy = (HoldingPolicy if model.policy.hold == "h" else Policy)(
                    features=self.glance_width,
                    project=model.policy.project,
                    hidden=model.policy.hidden,
                    actions=self.actions,
                    skip_first=model.policy.skip_first,
                    changes=model.policy.changes,
                    dropout=model.policy.dropout,
                )
        if model.head.width == 0 and model.head.scores == "shared" and len(set(widths)) > 1:
            raise UsageError(f"head.width 0 needs backbones of one width; these have {sorted(set(widths))}")
        self.head = Head(
            features=tuple(widths),
            width=model.head.width,
            classes=classes,
            changes=model.head.changes,
            dropout=model.head.dropout,
            nominal_gap_s=(model.sampling.window_s or model.sampling.frames / 8) / model.sampling.frames,
            per_look=model.head.scores == "per-look",
            # AR-Net drops features of networks, not the policy's state.
            undropped=(len(widths) - 1,) if self.answers_from_state else (),
        )
        self.look_widths = tuple(widths[: len(self.looks)])
        self.answer_width = model.policy.hidden if self.answers_from_state else self.glance_width
        self.costs = costs or count_costs(
            list(zip(self.actions.looks, self.looks, self.pixels, strict=True)),
            None if self.glance is None else (self.glance, model.glance.pixels),
            self.policy,
            self.head,
            [*self.look_widths, *([self.answer_width] if self.actions.glance_answers else [])],
        )
        self.prices = prices or self.costs
        self.to(memory_format=torch.channels_last)

    @property
    def price(self) -> tuple[float, ...]:
        """What deciding for each action adds to what a budget counts, (A,); a bias against cost is in proportion to it."""
        return self.prices.price(self.actions)

    @property
    def rule(self) -> Rule | None:
        """By which its plan chooses frames; None where it has none, or where these are the same for all videos."""
        return self.plan.rule if self.plan is not None else None

    def recognise(self, clips: Clips, *, bias: Tensor | None = None) -> tuple[Tensor, Decisions]:
        """Class scores (B, K) and the decisions they come from. What is skipped is not computed."""
        summary, decisions = self.summarise(clips, bias=bias)
        return self.head.answer(summary), decisions

    def summarise(self, clips: Clips, *, bias: Tensor | None = None) -> tuple[Tensor, Decisions]:
        """What the head sees of each video, (B, 2F), and the decisions it comes from."""
        glances = self.glance_features(clips) if self.glance is not None else None
        priority = frame_priority(self.rule, clips.crops, clips.valid, self.model) if self.rule is not None else None
        decisions = self.decide(glances, clips.valid, bias=bias, priority=priority)
        features = self.routed_features(clips, self.answering(glances, decisions), decisions)
        return self.summary(features, decisions.seen().float(), clips.times_s), decisions

    def decide(
        self, glances: Tensor | None, valid: Tensor, *, bias: Tensor | None = None, priority: Tensor | None = None
    ) -> Decisions:
        """The policy's argmax, or the fixed plan; `priority` of the frames, (B, T), where that goes by a rule."""
        if self.plan is not None:
            return self.plan.decisions(valid, self.actions, priority)
        assert self.policy is not None
        assert glances is not None
        return self.policy.decide(glances, valid, bias=bias).decisions

    def answering(self, glances: Tensor | None, decisions: Decisions) -> Tensor | None:
        """What a glance answers with: its features (B, T, F), or the policy's state after it, under these decisions."""
        if not self.answers_from_state or glances is None:
            return glances
        assert isinstance(self.policy, HoldingPolicy)
        return self.policy.states(glances, decisions)

    def look(self, clips: Clips, glances: Tensor | None, decisions: Decisions) -> Tensor:
        """Compute the looks that were chosen, and class scores from them, (B, K)."""
        features = self.routed_features(clips, self.answering(glances, decisions), decisions)
        return self.classify(features, decisions.seen().float(), clips.times_s)

    def classify(self, features: Features, seen: Tensor, times_s: Tensor) -> Tensor:
        """Backbone features and which source saw each frame (B, T, S) -> class scores (B, K)."""
        return self.head.answer(self.summary(features, seen, times_s))

    def summary(self, features: Features, seen: Tensor, times_s: Tensor) -> Tensor:
        """Backbone features and which source saw each frame (B, T, S) -> what the head sees of each video, (B, 2F)."""
        return self.head.summary(self.head.run(self.project(features, seen), seen, times_s))

    def project(self, features: Features, seen: Tensor) -> Tensor:
        """Backbone features -> projected ones by source, (B, T, S, F).

        Sources that saw nothing are projected all the same when `seen` carries a gradient: the policy learns from what
        it could have chosen. Otherwise only frames that were seen are, and the others are zero.
        """
        sources = list(zip(self.head.project, self._by_source(features), strict=True))
        if seen.requires_grad:
            return torch.stack([project(values) for project, values in sources], dim=2)
        projected = []
        for (project, values), which in zip(sources, frames_of(seen), strict=True):
            out = values.new_zeros(*values.shape[:2], self.head.width).flatten(0, 1)
            if len(which):
                out = out.index_copy(0, which, project(values.flatten(0, 1).index_select(0, which)).to(out.dtype))
            projected.append(out.unflatten(0, values.shape[:2]))
        return torch.stack(projected, dim=2)

    def _by_source(self, features: Features) -> list[Tensor]:
        if not self.actions.glance_answers:
            return list(features.looks)
        assert features.glance is not None
        return [*features.looks, features.glance]

    def glance_features(self, clips: Clips) -> Tensor:
        """Features of all valid glances, (B, T, F); zeros at invalid frames."""
        assert self.glance is not None
        (which,) = frames_of(clips.valid[..., None])
        return run_backbone(
            self.glance,
            clips.crops,
            which,
            pixels=self.model.glance.pixels,
            width=self.glance_width,
            preprocess=self.model.preprocess,
        )

    def routed_features(
        self, clips: Clips, glances: Tensor | None, decisions: Decisions, *, every: bool = False
    ) -> Features:
        """Features of the chosen looks alone, gathered by look over the whole batch; zeros elsewhere.

        With `every` a look that is chosen at all runs on all valid frames: what learning norms need, which tie frames together.
        """
        chosen = frames_of(decisions.seen())[: len(self.looks)]
        if every:
            (valid,) = frames_of(decisions.valid[..., None])
            chosen = [valid if len(which) else which for which in chosen]
        return Features(glances, self._look_features(clips.crops, chosen))

    def all_features(self, clips: Clips) -> Features:
        """Features of every look at every valid frame."""
        glances = self.glance_features(clips) if self.glance is not None else None
        return Features(glances, self._look_features(clips.crops, frames_of(clips.valid[..., None]) * len(self.looks)))

    def _look_features(self, crops: Tensor, chosen: list[Tensor]) -> tuple[Tensor, ...]:
        # Half the time on GPUs, for answers only; the policy's glances stay as exact as they were learnt.
        half = crops.device.type == "cuda" and torch.is_inference_mode_enabled()
        with torch.autocast("cuda", torch.bfloat16) if half else nullcontext():
            parts = zip(self.looks, self.pixels, self.look_widths, chosen, strict=True)
            features = tuple(
                run_backbone(look, crops, which, pixels=pixels, width=width, preprocess=self.model.preprocess)
                for look, pixels, width, which in parts
            )
        return tuple(values.float() for values in features) if half else features

    def joint(
        self,
        clips: Clips | None,
        *,
        features: Features | None = None,
        valid: Tensor,
        times_s: Tensor,
        temperature: float,
        bias: Tensor | None = None,
        generator: torch.Generator | None = None,
        among: tuple[int, int] | None = None,
        mix: Callable[[Tensor], Tensor] | None = None,
        every: bool = False,
    ) -> tuple[Tensor, Choice, Tensor]:
        """Class scores (B, K) with gradients for policy and classifiers, the choice sampled, glance features (B, T, F).

        With hard straight-through one-hots the features of looks that were not chosen get a gradient of exactly zero,
        so they are computed without one (the policy needs their values); the chosen ones are computed again, routed,
        with one. With frozen backbones, `features` may be given instead of clips. `among`: as the policy's. `mix` may mix what
        the head sees of the clips, (B, 2F). With `every` all looks get gradients at every frame: norms that learn tie frames
        together, so that those of an unchosen one are not zero.
        """
        assert self.policy is not None
        if features is None:
            assert clips is not None
            glances = self.glance_features(clips)
            with nullcontext() if every else torch.no_grad():
                values = self._look_features(clips.crops, frames_of(clips.valid[..., None]) * len(self.looks))
        else:
            assert features.glance is not None
            glances, values = features.glance, features.looks
        policy_sees = self.policy.dropout(glances)
        choice = self.policy.decide(
            policy_sees, valid, bias=bias, temperature=temperature, generator=generator, among=among
        )
        learns = any(p.requires_grad for p in self.looks.parameters())
        if clips is not None and features is None and learns and not every:
            routed = self.routed_features(clips, glances, choice.decisions).looks
            seen = choice.decisions.seen()
            values = tuple(
                torch.where(seen[..., i, None], r, v) for i, (r, v) in enumerate(zip(routed, values, strict=True))
            )
        seen_by = choice.one_hot[..., : len(self.actions.sources)]
        answers = self.answering(policy_sees if self.answers_from_state else glances, choice.decisions)
        summary = self.summary(Features(answers, values), seen_by, times_s)
        return self.head.answer(mix(summary) if mix is not None else summary), choice, glances

    def fuse(self) -> Network:
        """Bring the backbones into the form that answers soonest: from then on it cannot be trained, saved or moved."""
        folded: dict[nn.Module, nn.Module] = {}
        for backbone in [*self.looks, *([self.glance] if self.glance is not None else [])]:
            # Looks that share all of their weights go on doing so.
            if backbone not in folded:
                folded[backbone] = pack_convolutions(fold_norms(backbone))
        self.looks = nn.ModuleList(folded[look] for look in self.looks)
        self.glance = folded[self.glance] if self.glance is not None else None
        return self

    @torch.no_grad()
    def standardise(self, features: Features, valid: Tensor, times_s: Tensor) -> None:
        """Set the head's stored means and deviations (head.width: 0) from training clips' features.

        First of each source's features and the gains of its changes, then of averages and changes when every frame is seen by
        one source.
        """
        summaries = []
        for i, values in enumerate(self._by_source(features)):
            project = self.head.project[i]
            assert isinstance(project, Standardise)
            project.fit(values[valid])
            self.head.fit_changes(i, project(values), valid, times_s)
        for i in range(len(self.head.project)):
            seen = torch.zeros(*valid.shape, len(self.head.project), device=valid.device)
            seen[..., i] = valid.float()
            summaries.append(self.head.summary(self.head.run(self.project(features, seen), seen, times_s)))
        assert isinstance(self.head.scale, Standardise)
        self.head.scale.fit(torch.cat(summaries))
