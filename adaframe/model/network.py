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
from adaframe.model.backbones import build_backbone, share_weights
from adaframe.model.cost import Costs, count_macs, picture_macs
from adaframe.model.fusion import fold_norms
from adaframe.model.holding import HoldingPolicy
from adaframe.model.packing import pack_convolutions
from adaframe.model.pixels import at_pixels
from adaframe.model.plans import Plan, parse_plan
from adaframe.model.policy import Choice, Policy
from adaframe.model.temporal import Head, Standardise

# Frames of one forward pass on a CPU without gradients: at least these, at most twice as many. More leave the cache, and
# memory for their feature maps is asked of the system anew each time (MobileNetV2 at 160 pixels: 6.7 ms a frame by 64,
# 4.4 by 16 to 31); with fewer than 16 torch takes a slower way through 1×1 convolutions where it has one thread (5.2 ms).
FRAMES_PER_PASS, PIXELS_PER_PASS = 16, 16 * 96**2


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
        self.looks = nn.ModuleList()
        widths: list[int] = []
        made: dict[str, tuple[nn.Module, int]] = {}
        for look in looks:
            source = made.get(look.shares)
            if source is None:
                made[look.name] = build_backbone(look.backbone, look.weights if pretrained else "none")
            else:
                made[look.name] = share_weights(source[0], norms_of_its_own=look.weights == "none"), source[1]
            self.looks.append(made[look.name][0])
            widths.append(made[look.name][1])
        self.glance: nn.Module | None = None
        self.glance_width = 0
        self.policy: Policy | None = None
        if self.plan is None or answers:
            source = made.get(model.glance.shares)
            if source is None:
                weights = model.glance.weights if pretrained else "none"
                self.glance, self.glance_width = build_backbone(model.glance.backbone, weights)
            else:
                norms = model.glance.weights == "none"
                self.glance, self.glance_width = share_weights(source[0], norms_of_its_own=norms), source[1]
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
        self.costs = costs or self.count()
        self.prices = prices or self.costs
        self.to(memory_format=torch.channels_last)

    @property
    def price(self) -> tuple[float, ...]:
        """What deciding for each action adds to what a budget counts, (A,); a bias against cost is in proportion to it."""
        return self.prices.price(self.actions)

    def recognise(self, clips: Clips, *, bias: Tensor | None = None) -> tuple[Tensor, Decisions]:
        """Class scores (B, K) and the decisions they come from. What is skipped is not computed."""
        summary, decisions = self.summarise(clips, bias=bias)
        return self.head.answer(summary), decisions

    def summarise(self, clips: Clips, *, bias: Tensor | None = None) -> tuple[Tensor, Decisions]:
        """What the head sees of each video, (B, 2F), and the decisions it comes from."""
        glances = self.glance_features(clips) if self.glance is not None else None
        decisions = self.decide(glances, clips.valid, bias=bias)
        features = self.routed_features(clips, self.answering(glances, decisions), decisions)
        return self.summary(features, decisions.seen().float(), clips.times_s), decisions

    def decide(self, glances: Tensor | None, valid: Tensor, *, bias: Tensor | None = None) -> Decisions:
        """The policy's argmax, or the fixed plan."""
        if self.plan is not None:
            return self.plan.decisions(valid, self.actions)
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
        return self._run(self.glance, self.model.glance.pixels, self.glance_width, clips.crops, which)

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
            features = tuple(self._run(look, pixels, width, crops, which) for look, pixels, width, which in parts)
        return tuple(values.float() for values in features) if half else features

    def _run(self, backbone: nn.Module, pixels: int, width: int, crops: Tensor, which: Tensor) -> Tensor:
        """A backbone on some frames, as `frames_of` tells them -> features (B, T, width), zeros elsewhere."""
        frames = crops.flatten(0, 1)
        if not len(which):
            return torch.zeros(*crops.shape[:2], width, device=crops.device)
        passes = 1
        if crops.device.type == "cpu" and not torch.is_grad_enabled() and not backbone.training:
            passes = max(1, len(which) // max(FRAMES_PER_PASS, PIXELS_PER_PASS // pixels**2))
        every = len(which) == len(frames)
        # Not frames[part], which copies byte by byte.
        some = frames.tensor_split(passes) if every else (frames.index_select(0, w) for w in which.tensor_split(passes))
        features = torch.cat([backbone(at_pixels(part, pixels, self.model.preprocess)) for part in some])
        if not every:
            features = features.new_zeros(len(frames), width).index_copy(0, which, features)
        return features.view(*crops.shape[:2], width)

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

    def count(self) -> Costs:
        """MACs of the parts at their real input sizes."""
        parts = zip(self.actions.looks, self.looks, self.pixels, strict=True)
        looks = tuple(picture_macs(*part) for part in parts)
        glance = policy = 0
        if self.glance is not None:
            glance = picture_macs("glance", self.glance, self.model.glance.pixels)
        if self.policy is not None:
            policy = count_macs(_OneStep(self.policy), torch.empty(1, self.policy.features))
        widths = [*self.look_widths, *([self.answer_width] if self.actions.glance_answers else [])]
        project = tuple(count_macs(p, torch.empty(1, w)) for p, w in zip(self.head.project, widths, strict=True))
        head = count_macs(self.head.classify, torch.empty(1, self.head.width * (2 if self.head.changes else 1)))
        return Costs(glance, policy, looks, project, head)


def frames_of(seen: Tensor) -> list[Tensor]:
    """Which frames each source sees, (B, T, S) -> S times indices into the B·T frames. The device is waited for once."""
    by_source = seen.detach().flatten(0, 1).t().cpu()
    return [which.nonzero()[:, 0].to(seen.device, non_blocking=True) for which in by_source]


class _OneStep(nn.Module):
    """A policy step as a function of the glance features alone, for counting."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, glance: Tensor) -> Tensor:
        embedded = self.policy.embed(glance)
        return self.policy.step(embedded, self.policy.start(glance.shape[0], glance.device))[0]
