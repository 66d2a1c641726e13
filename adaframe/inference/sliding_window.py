"""What the head has seen over the last window: its state for a stream that has no end.

Letters: S sources, F the common width.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from adaframe.model.temporal import Head, HeadState


@dataclass(frozen=True, eq=False)
class _Part:
    """What one frame adds to the sums of a head's state: features and change (1, F), number of changes (1, 1)."""

    time_s: float
    source: int
    features: Tensor
    change: Tensor
    changes: Tensor


class SlidingWindow:
    """The frames seen over the last window, as a head's state: what a file's window of the same frames gives.

    Each frame goes through `Head.step` once. What it added leaves with it, and so does the change of the next frame of the
    same source, which in a window that began there would have had none before it.

    Args:
        head: of the model.
        frames: most that a window holds, T.
        window_s: length of the window in seconds.
    """

    def __init__(self, head: Head, *, frames: int, window_s: float) -> None:
        self.head, self.frames, self.window_s = head, frames, window_s
        self._parts: deque[_Part] = deque()
        self._last = head.start(1, next(head.parameters())).last
        self._last_s: list[float | None] = [None] * self._last.shape[1]

    def __len__(self) -> int:
        return len(self._parts)

    def add(self, features: Tensor, source: int, time_s: float) -> None:
        """A frame that was seen.

        Args:
            features: projected, by source, (S, F); anything finite but at the source that saw the frame.
            source: its index.
            time_s: of the frame, rising.
        """
        self.expire(time_s)
        if len(self._parts) == self.frames:
            self._leave()
        # Seconds before this frame: those of a stream's start grow beyond what float32 tells apart.
        ages = [0.0 if last is None else last - time_s for last in self._last_s]
        empty = self.head.start(1, features)
        state = HeadState(
            last=self._last,
            last_s=features.new_tensor([ages]),
            met=features.new_tensor([[float(last is not None) for last in self._last_s]]),
            total=empty.total,
            seen=empty.seen,
            change=empty.change,
            changes=empty.changes,
        )
        seen = features.new_zeros(1, len(self._last_s))
        seen[0, source] = 1.0
        after = self.head.step(state, features[None], seen, features.new_zeros(1))
        self._last, self._last_s[source] = after.last, time_s
        self._parts.append(_Part(time_s, source, after.total, after.change, after.changes))

    def expire(self, time_s: float) -> bool:
        """Let go of what is a window or more before this time; whether anything was."""
        before = len(self._parts)
        while self._parts and time_s - self._parts[0].time_s > self.window_s - 1e-6:
            self._leave()
        return len(self._parts) < before

    def summary(self) -> Tensor:
        """What the head sees of them, (1, F) or (1, 2F)."""
        like = self._last
        state = HeadState(
            last=like,
            last_s=like[..., 0],
            met=like[..., 0],
            total=torch.stack([part.features for part in self._parts]).sum(dim=0),
            seen=like.new_full((1, 1), len(self._parts)),
            change=torch.stack([part.change for part in self._parts]).sum(dim=0),
            changes=torch.stack([part.changes for part in self._parts]).sum(dim=0),
        )
        return self.head.summary(state)

    def _leave(self) -> None:
        gone = self._parts.popleft()
        for i, part in enumerate(self._parts):
            if part.source == gone.source:
                zero = torch.zeros_like(part.change), torch.zeros_like(part.changes)
                self._parts[i] = _Part(part.time_s, part.source, part.features, *zero)
                return
        self._last_s[gone.source] = None
