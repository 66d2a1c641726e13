"""Glance features -> LSTM -> action logits -> decisions (AR-Net, arXiv:2007.15796, sec. 3.1).

Letters: B videos, T sampled frames, A actions, P projected glance features, H hidden.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adaframe.model.actions import Actions, Decisions

State = tuple[Tensor, ...]  # h, c; with changes also the last glance, embedded: NaN where there is none yet

# Finite, so that the softmax of a masked action has a gradient of exactly zero rather than none.
MASKED = -1e9
# Of an embedded glance's deviation over its features, which is near 1: a change far below counts as none.
LITTLE = 0.01


@dataclass(frozen=True, eq=False)
class Choice:
    """Decisions, and what training needs of how they came about.

    Args:
        decisions: what was chosen.
        one_hot: the executed actions, (B, T, A); its value is exactly one-hot, its gradient that of the relaxed choice;
            covered frames repeat their decider's row; zero where invalid.
        entropy: mean entropy of the choices made, in nats, scalar.
    """

    decisions: Decisions
    one_hot: Tensor
    entropy: Tensor


class Policy(nn.Module):
    """Decides frame after frame, from the glances alone. Always in float32.

    Args:
        features: width of the glance features.
        project: P, width of what enters the LSTM; 0: the glance features as they are.
        hidden: H, width of the LSTM.
        actions: what there is to choose from.
        skip_first: whether the first frame may be skipped.
        changes: whether it also sees how each glance differs from the last one that it decided about: |embedded - embedded
            before|, as a logarithm; no change where there is none yet. A single small glance often cannot tell a scene that
            stands still from one in which something happens (docs/still-scenes.md).
        dropout: of `dropout`, which training puts before it: once, as one glance may be read twice (`HoldingPolicy.states`).
    """

    def __init__(
        self,
        *,
        features: int,
        project: int,
        hidden: int,
        actions: Actions,
        skip_first: bool = False,
        changes: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.actions, self.features, self.skip_first, self.changes = actions, features, skip_first, changes
        self.embedded = project or features
        self.project = nn.Linear(features, project) if project else nn.Identity()
        self.norm = nn.LayerNorm(project) if project else nn.Identity()
        self.cell = nn.LSTMCell(self.embedded * (2 if changes else 1), hidden)
        self.logits = nn.Linear(hidden, len(actions))
        # Starts undecided, so that the joint stage meets all actions.
        nn.init.normal_(self.logits.weight, std=0.01)
        nn.init.zeros_(self.logits.bias)

    def embed(self, glances: Tensor) -> Tensor:
        """Glance features (..., F) -> LSTM inputs (..., P)."""
        embedded: Tensor = self.norm(self.project(glances.float()))
        return embedded

    def start(self, videos: int, device: torch.device) -> State:
        """The state before the first frame: two zero tensors (B, H), and with changes no last glance (B, P)."""
        zero = torch.zeros(videos, self.cell.hidden_size, device=device)
        if not self.changes:
            return zero, zero
        return zero, zero, torch.full((videos, self.embedded), torch.nan, device=device)

    def step(self, embedded: Tensor, state: State) -> tuple[Tensor, State]:
        """One frame: LSTM inputs (B, P) and a state -> action logits (B, A) and the next state."""
        if not self.changes:
            h, c = self.cell(embedded, state)
            return self.logits(h), (h, c)
        *memory, last = state
        change = (embedded - torch.where(torch.isnan(last), embedded, last)).abs()
        h, c = self.cell(torch.cat([embedded, torch.log(change + LITTLE)], dim=1), tuple(memory))
        return self.logits(h), (h, c, embedded)

    def decide(
        self,
        glances: Tensor,
        valid: Tensor,
        *,
        bias: Tensor | None = None,
        temperature: float | None = None,
        generator: torch.Generator | None = None,
        among: tuple[int, int] | None = None,
    ) -> Choice:
        """Decide about all frames of B videos.

        Skips are masked at the first frame (but for skip_first), so that no video is wholly skipped. Over the frames that a
        skip covers the whole state is held and their glances influence nothing. Without a temperature the decisions are the
        argmax: AR-Net samples its actions at test time too; we take the best, so results repeat.

        Args:
            glances: features of the glances, float, (B, T, F); whatever stands at invalid frames is ignored.
            valid: bool, (B, T); a prefix of each row.
            bias: added to the action logits, (B, A): how a budget moves the decisions at run time.
            temperature: of the Gumbel-softmax, with straight-through one-hots (training).
            generator: of the Gumbel noise.
            among: where these videos begin in a larger batch, and its size: they get the noise that they would get there.
        """
        draw = partial(_uniform, generator=generator, among=among or (0, len(valid)))
        with torch.autocast(glances.device.type, enabled=False):
            return self._decide(glances, valid, bias, temperature, draw)

    def _decide(
        self,
        glances: Tensor,
        valid: Tensor,
        bias: Tensor | None,
        temperature: float | None,
        draw: Callable[[Tensor], Tensor],
    ) -> Choice:
        videos, frames = valid.shape
        embedded = self.embed(glances)
        covers = _on(glances.device, self.actions.covers)
        state = self.start(videos, glances.device)
        # A frame ahead of the last decision's reach is due; those of a video's invalid end never are.
        due = torch.zeros(videos, dtype=torch.long, device=glances.device)
        action = due
        row = embedded.new_zeros(videos, len(self.actions))
        rows, chosen, decided_at, entropies = [], [], [], []
        for t in range(frames):
            decided = (due == t) & valid[:, t]
            decided_at.append(decided)
            # Looking at what came out costs nothing where it is computed at once; a GPU would have to be waited for.
            if temperature is None and glances.device.type == "cpu" and not bool(decided.any()):
                chosen.append(action)
                continue
            logits, after = self.step(embedded[:, t], state)
            if bias is not None:
                logits = logits + bias
            if t == 0 and self.actions.skips and not self.skip_first:
                first_skip = len(self.actions.sources)
                logits = torch.cat([logits[:, :first_skip], torch.full_like(logits[:, first_skip:], MASKED)], dim=1)
            held = decided[:, None]
            state = tuple(torch.where(held, new, old) for new, old in zip(after, state, strict=True))
            if temperature is None:
                picked = logits.argmax(dim=1)
            else:
                choice = self._sample(logits, temperature, draw)
                picked = choice.argmax(dim=1)
                row = torch.where(held, choice, row)
                rows.append(row * valid[:, t, None])
                log_p = torch.log_softmax(logits, dim=1)
                entropies.append(-((log_p.exp() * log_p).sum(dim=1) * decided).sum())
            action = torch.where(decided, picked, action)
            due = torch.where(decided, covers[picked] + t, due)
            chosen.append(action)
        decided_all = torch.stack(decided_at, dim=1)
        decisions = Decisions(torch.stack(chosen, dim=1) * valid, decided_all, valid.clone(), valid, self.actions)
        if temperature is None:
            one_hot = F.one_hot(decisions.actions, len(self.actions)) * valid[..., None]
            return Choice(decisions, one_hot.to(embedded.dtype), embedded.new_zeros(()))
        entropy = torch.stack(entropies).sum() / decided_all.sum().clamp(min=1)
        return Choice(decisions, torch.stack(rows, dim=1), entropy)

    def _sample(self, logits: Tensor, temperature: float, draw: Callable[[Tensor], Tensor]) -> Tensor:
        """Action logits (B, A) -> straight-through one-hots (B, A)."""
        uniform = draw(logits).clamp(1e-10, 1 - 1e-7)
        soft = torch.softmax((logits - torch.log(-torch.log(uniform))) / temperature, dim=1)
        hard = F.one_hot(soft.argmax(dim=1), len(self.actions)).to(soft.dtype)
        # Written so that the value is exactly one-hot: hard + soft - soft would round.
        return hard + (soft - soft.detach())


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def _on(device: torch.device, numbers: tuple[int, ...]) -> Tensor:
    """Numbers as a tensor there; kept, as sending them to a GPU anew would wait for it."""
    return torch.tensor(numbers, device=device)


def _uniform(like: Tensor, *, generator: torch.Generator | None, among: tuple[int, int]) -> Tensor:
    """Noise in 0..1 for some rows (B, A) of a larger batch, as they would get there."""
    first, group = among
    noise = torch.rand(group, like.shape[1], generator=generator, device=like.device)
    return noise[first : first + len(like)]
