"""Features of unequal looks -> one score per class: one formula, dense, routed and live.

Letters: B videos, T sampled frames, S sources (the looks, and the glance where it may answer), F the common width,
K classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NEVER = 1e-4  # a feature that deviates less than this is taken as constant
ALMOST_ONE_GAP = 0.05  # spread of the gaps' logarithms; of gaps of 1, 2 and 4 frames it is 0.96
LARGEST_GAP = 32.0  # times the nominal gap, and its inverse: gains do not move beyond


@dataclass(frozen=True, eq=False)
class HeadState:
    """All that the head remembers of the frames so far; its size does not grow with them.

    Args:
        last: features of the last frame seen by each source, (B, S, F).
        last_s: time of that frame in seconds, (B, S).
        met: 1 where the source has seen a frame, (B, S).
        total: sum of the features seen, (B, F).
        seen: number of frames seen, (B, 1).
        change: sum of the changes, (B, F).
        changes: number of the changes, (B, 1).
    """

    last: Tensor
    last_s: Tensor
    met: Tensor
    total: Tensor
    seen: Tensor
    change: Tensor
    changes: Tensor


class Head(nn.Module):
    """Averages of features over the frames seen, averages of their changes, and a linear layer on both.

    A change is |f - f of the last frame seen by the same look|, weighed by a learned gain that knows the gap in
    seconds; it is 0 where there is none yet, so a still video has no change under any mix of looks.

    Args:
        features: width of each source's backbone features, in the order of the sources.
        width: F; 0 keeps the (common) width of the backbones and only normalises.
        classes: K.
        changes: whether changes are used.
        dropout: in training, before the class scores.
        nominal_gap_s: the gap at which the gain of a change starts from 1.
        per_look: each source has class scores of its own, which are averaged (AR-Net, arXiv:2007.15796, sec. 3.2); width and
            changes mean nothing then, and dropout stands before each,
        undropped: but for these sources.
    """

    def __init__(
        self,
        *,
        features: tuple[int, ...],
        width: int,
        classes: int,
        changes: bool,
        dropout: float,
        nominal_gap_s: float,
        per_look: bool = False,
        undropped: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        if per_look:
            width, changes = classes, False
        self.classes = classes
        self.width = width or features[0]
        self.changes = changes
        self.nominal_gap_s = nominal_gap_s
        self.project = nn.ModuleList(
            _projection(f, width, (0.0 if i in undropped else dropout) if per_look else None)
            for i, f in enumerate(features)
        )
        # Per source and feature: the logarithm of a change's gain at the nominal gap, and how it moves with the gap's.
        self.level = nn.Parameter(torch.zeros(len(features), self.width)) if changes else None
        self.gap = nn.Parameter(torch.zeros(len(features), self.width)) if changes else None
        # Without a learned projection nothing else brings averages and changes, which are far smaller, to one scale.
        self.scale = Standardise(self.width * (2 if changes else 1)) if width == 0 else nn.Identity()
        # Of the training clips' summaries, set after training: what is far from them is nothing that was learnt.
        self.usual = Standardise(self.width * (2 if changes else 1))
        self.dropout = nn.Dropout(0.0 if per_look else dropout)
        self.classify = nn.Identity() if per_look else nn.Linear(self.width * (2 if changes else 1), classes)

    def start(self, videos: int, like: Tensor) -> HeadState:
        """The state before the first frame of B videos."""
        sources = len(self.project)
        zeros = like.new_zeros
        return HeadState(
            last=zeros(videos, sources, self.width),
            last_s=zeros(videos, sources),
            met=zeros(videos, sources),
            total=zeros(videos, self.width),
            seen=zeros(videos, 1),
            change=zeros(videos, self.width),
            changes=zeros(videos, 1),
        )

    def step(self, state: HeadState, features: Tensor, seen: Tensor, time_s: Tensor) -> HeadState:
        """One frame of each video.

        Args:
            state: of the frames before.
            features: projected features by source, (B, S, F); anything finite where a source did not see the frame.
            seen: 1 at the source that saw the frame, 0 elsewhere (all 0: skipped), (B, S); has the policy's gradient.
            time_s: time of the frame in seconds, (B,).
        """
        mask = seen[..., None]
        total = state.total + (mask * features).sum(dim=1)
        count = state.seen + seen.sum(dim=1, keepdim=True)
        change, changes = state.change, state.changes
        if self.gap is not None and self.level is not None:
            gain = self._gain(time_s[:, None] - state.last_s)
            both = seen * state.met
            change = change + (both[..., None] * gain * (features - state.last).abs()).sum(dim=1)
            changes = changes + both.sum(dim=1, keepdim=True)
        return HeadState(
            last=mask * features + (1 - mask) * state.last,
            last_s=seen.detach() * time_s[:, None] + (1 - seen.detach()) * state.last_s,
            met=seen + (1 - seen) * state.met,
            total=total,
            seen=count,
            change=change,
            changes=changes,
        )

    @torch.no_grad()
    def fit_changes(self, source: int, features: Tensor, valid: Tensor, times_s: Tensor) -> None:
        """Set a source's gains so that its changes average 1 over training clips, whatever the gap.

        Args:
            source: index.
            features: its projected features, (B, T, F).
            valid: bool, (B, T).
            times_s: seconds, (B, T).
        """
        if self.level is None or self.gap is None:
            return
        rows, logs = [], []
        for gap in (1, 2, 4):
            both = valid[:, gap:] & valid[:, :-gap]
            if gap < valid.shape[1] and bool(both.any()):
                change = (features[:, gap:] - features[:, :-gap]).abs()[both].mean(dim=0)
                # What never changed keeps a gain of 1: a large one would blow up its first change.
                rows.append(torch.log(torch.where(change < NEVER, 1.0, change)))
                ratio = (times_s[:, gap:] - times_s[:, :-gap])[both].mean() / self.nominal_gap_s
                logs.append(torch.log(ratio.clamp(1 / LARGEST_GAP, LARGEST_GAP)))
        if not rows:
            return
        x, y = torch.stack(logs), torch.stack(rows)
        spread = (x - x.mean()).square().sum()
        slope = ((x - x.mean())[:, None] * (y - y.mean(dim=0))).sum(dim=0) / spread.clamp(min=1e-6)
        # Gaps near the largest that counts are almost one and the same, from which no slope can be told.
        self.gap[source] = -slope if spread > ALMOST_ONE_GAP else torch.zeros_like(slope)
        self.level[source] = -(y.mean(dim=0) + self.gap[source] * x.mean())

    def summary(self, state: HeadState) -> Tensor:
        """Averages of features and of changes, (B, F) or (B, 2F)."""
        parts = [state.total / state.seen.clamp(min=1)]
        if self.changes:
            parts.append(state.change / state.changes.clamp(min=1))
        return torch.cat(parts, dim=1)

    def scores(self, state: HeadState) -> Tensor:
        """Class scores before softmax or sigmoid, (B, K)."""
        return self.answer(self.summary(state))

    def answer(self, summary: Tensor) -> Tensor:
        """Summary -> class scores before softmax or sigmoid, (B, K)."""
        scores: Tensor = self.classify(self.dropout(self.scale(summary)))
        return scores

    def strangeness(self, summary: Tensor) -> Tensor:
        """How far summaries are from those of the training clips: root mean square deviation, about 1 for these, (B,)."""
        strange: Tensor = self.usual(summary).square().mean(dim=1).sqrt()
        return strange

    def run(self, features: Tensor, seen: Tensor, times_s: Tensor) -> HeadState:
        """The state after all frames: projected features (B, T, S, F), seen (B, T, S) and times (B, T).

        As one `step` after the other, with the same gradients; at most one source sees a frame.
        """
        if not seen.requires_grad:
            return self._run_at_once(features, seen, times_s)
        # What a frame would have changed had it been seen otherwise reaches through all later ones: only steps know it.
        state = self.start(features.shape[0], features)
        for t in range(features.shape[1]):
            state = self.step(state, features[:, t], seen[:, t], times_s[:, t])
        return state

    def _run_at_once(self, features: Tensor, seen: Tensor, times_s: Tensor) -> HeadState:
        """A few large operations instead of many small ones, which take longer than the arithmetic in them."""
        source = seen.argmax(dim=2, keepdim=True)  # (B, T, 1); any where nothing was seen
        was_seen = seen.amax(dim=2)
        values = was_seen[..., None] * picked(features.flatten(0, 1), source.flatten(0, 1)).view(*seen.shape[:2], -1)
        # Per source, the latest frame seen so far, counted from 1 (0: none yet), (B, T, S).
        latest = (seen * torch.arange(1, seen.shape[1] + 1, device=seen.device)[:, None]).cummax(dim=1).values
        change, changes = torch.zeros_like(values[:, 0]), torch.zeros_like(was_seen[:, :1])
        if self.gap is not None and self.level is not None:
            before = torch.cat([torch.zeros_like(latest[:, :1]), latest[:, :-1]], dim=1).gather(2, source)[..., 0]
            both = was_seen * before.clamp(max=1)
            before = (before.long() - 1).clamp(min=0)
            gap_s = times_s - times_s.gather(1, before)
            steps = (values - picked(values, before)).abs()
            change = (both[..., None] * self._gain(gap_s, source[..., 0]) * steps).sum(dim=1)
            changes = both.sum(dim=1, keepdim=True)
        met, last = latest[:, -1].clamp(max=1), (latest[:, -1].long() - 1).clamp(min=0)
        return HeadState(
            last=met[..., None] * picked(values, last),
            last_s=met * times_s.gather(1, last),
            met=met,
            total=values.sum(dim=1),
            seen=was_seen.sum(dim=1, keepdim=True),
            change=change,
            changes=changes,
        )

    def _gain(self, gap_s: Tensor, source: Tensor | None = None) -> Tensor:
        """What a change counts after gaps in seconds, by source, (B, S), or of the sources given, (B, T); (..., F)."""
        assert self.level is not None
        assert self.gap is not None
        # Bounded, so that a gap never met in training cannot blow up a change.
        ratio = (gap_s / self.nominal_gap_s).clamp(1 / LARGEST_GAP, LARGEST_GAP)
        level: Tensor = self.level
        gap: Tensor = self.gap
        if source is not None:
            level, gap = (F.embedding(source, values) for values in (level, gap))
        return torch.exp(level + gap * torch.log(ratio)[..., None])

    def forward(self, features: Tensor, seen: Tensor, times_s: Tensor) -> Tensor:
        """Arguments as of `run`; class scores, (B, K)."""
        return self.scores(self.run(features, seen, times_s))


def picked(values: Tensor, which: Tensor) -> Tensor:
    """Some rows of each video: values (B, N, F) at indices (B, M) -> (B, M, F). As `gather`, but row by row."""
    first = values.shape[1] * torch.arange(len(values), device=values.device)[:, None]
    return values.flatten(0, 1).index_select(0, (which + first).flatten()).view(*which.shape, -1)


def _projection(features: int, width: int, dropout: float | None) -> nn.Module:
    """Backbone features -> the common width; with a dropout, which has its place before class scores, those."""
    if dropout is not None:
        scores = nn.Linear(features, width)
        # As in AR-Net's release: a look that knows nothing yet has no say.
        nn.init.normal_(scores.weight, std=0.001)
        nn.init.zeros_(scores.bias)
        return nn.Sequential(nn.Dropout(dropout), scores)
    return nn.Sequential(nn.Linear(features, width), nn.LayerNorm(width)) if width else Standardise(features)


class Standardise(nn.Module):
    """Subtract a stored mean and divide by a stored standard deviation, per feature; set once from training clips."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.mean: Tensor
        self.std: Tensor

    @torch.no_grad()
    def fit(self, features: Tensor) -> None:
        """Set mean and deviation from features (N, F)."""
        self.mean.copy_(features.mean(dim=0))
        std = features.std(dim=0, correction=0)
        self.std.copy_(torch.where(std < NEVER, 1.0, std))

    def forward(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.std
