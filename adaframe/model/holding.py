"""A policy that skips as AR-Net's release does (arXiv:2007.15796; its code, ops/models_ada.py), for imported models.

Letters: B videos, T sampled frames, A actions, F glance features, H hidden.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from adaframe.model.actions import Decisions
from adaframe.model.policy import MASKED, Choice, Policy


class HoldingPolicy(Policy):
    """Over the frames that a skip covers, h and the action are held, but c goes on: every frame is glanced at and stepped.

    The paper says that skipped frames are not processed; in the release their glances do move c, and through it later
    decisions. A model that was trained so has to be run so.
    """

    def states(self, glances: Tensor, decisions: Decisions) -> Tensor:
        """The hidden state after each frame's glance, before any is held, under decisions already made: (B, T, H).

        Args:
            glances: features of the glances, float, (B, T, F).
            decisions: of these videos; where no policy decided, nothing was held.
        """
        moved = decisions.decided | ~decisions.decided.any(dim=1, keepdim=True)
        with torch.autocast(glances.device.type, enabled=False):
            embedded = self.embed(glances)
            h, c = self.start(len(glances), glances.device)
            after = []
            for t in range(glances.shape[1]):
                h_new, c = self.cell(embedded[:, t], (h, c))
                h = torch.where(moved[:, t, None], h_new, h)
                after.append(h_new)
        return torch.stack(after, dim=1)

    def _decide(
        self,
        glances: Tensor,
        valid: Tensor,
        bias: Tensor | None,
        temperature: float | None,
        draw: Callable[[Tensor], Tensor],
    ) -> Choice:
        device, videos = glances.device, len(valid)
        embedded = self.embed(glances)
        covers = torch.tensor(self.actions.covers, device=device)
        first_skip = len(self.actions.sources)
        h, c = self.start(videos, device)
        left = torch.zeros(videos, dtype=torch.long, device=device)
        action = torch.zeros_like(left)
        row = torch.zeros(videos, len(self.actions), device=device)
        rows, chosen, decided_at, entropies = [], [], [], []
        for t in range(valid.shape[1]):
            decided = (left == 0) & valid[:, t]
            held = decided[:, None]
            logits, (h_new, c, *_) = self.step(embedded[:, t], (h, c))
            if bias is not None:
                logits = logits + bias
            if t == 0 and self.actions.skips and not self.skip_first:
                logits = torch.cat([logits[:, :first_skip], torch.full_like(logits[:, first_skip:], MASKED)], dim=1)
            if temperature is None:
                picked = logits.argmax(dim=1)
                choice = F.one_hot(picked, len(self.actions)).to(row.dtype)
            else:
                choice = self._sample(logits, temperature, draw)
                picked = choice.argmax(dim=1)
                log_p = torch.log_softmax(logits, dim=1)
                entropies.append(-((log_p.exp() * log_p).sum(dim=1) * decided).sum())
            h, row = torch.where(held, h_new, h), torch.where(held, choice, row)
            action = torch.where(decided, picked, action)
            left = torch.where(decided, covers[action] - 1, (left - 1).clamp(min=0))
            rows.append(row * valid[:, t, None])
            chosen.append(torch.where(valid[:, t], action, torch.zeros_like(action)))
            decided_at.append(decided)
        decided_all = torch.stack(decided_at, dim=1)
        decisions = Decisions(torch.stack(chosen, dim=1), decided_all, valid.clone(), valid, self.actions)
        entropy = torch.stack(entropies).sum() / decided_all.sum().clamp(min=1) if entropies else glances.new_zeros(())
        return Choice(decisions, torch.stack(rows, dim=1), entropy)
