"""What the windows of one file add up to. Letters: W windows, T sampled frames, K classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from adaframe.inference.prediction import WINDOWS_IN_A_STRIP, Prediction
from adaframe.inference.timeline import Still, Windows
from adaframe.model import answer
from adaframe.model.actions import Decisions, concatenated
from adaframe.model.metadata import Metadata
from adaframe.video import ClipFrames

STILLS = 12  # pictures kept of a file of more windows than a film strip shows


@dataclass(frozen=True, eq=False)
class Recognised:
    """What the model made of some windows of a file; tensors on the CPU.

    Args:
        frames: of the windows.
        scores: before softmax or sigmoid, (W, K).
        strangeness: of the windows, (W,).
        decisions: (W, T).
        macs: executed.
        macs_uniform: of looking at every sampled frame in full.
        model_s: seconds that the model took. Of a batch over several files each has the share of its executed MACs.
    """

    frames: ClipFrames
    scores: Tensor
    strangeness: Tensor
    decisions: Decisions
    macs: float
    macs_uniform: float
    model_s: float


class Total:
    """Adds up the windows of one file, part by part; few of the pictures are kept, to draw.

    Args:
        path: of the file.
        metadata: of the model.
    """

    def __init__(self, path: str, metadata: Metadata) -> None:
        self.path, self.metadata = path, metadata
        self.parts: list[Recognised] = []
        self.crops: np.ndarray | None = None
        self.stills: list[Still] = []
        self._seen = 0

    def add(self, part: Recognised) -> None:
        """The next windows of the file."""
        images, total = part.frames.images, part.frames.windows_total
        if total <= WINDOWS_IN_A_STRIP:
            self.crops = images
        else:
            wanted = {int((k + 0.5) * total / STILLS) for k in range(STILLS)}
            # Parts that waited for their second step have given up their pictures.
            here = [w for w in range(len(images)) if self._seen + w in wanted]
            self.stills += [_still(part, w, self.metadata.costs.sources()) for w in here]
        self._seen += len(part.scores)
        # A copy: a view of no frames would still hold all of them.
        bare = replace(part.frames, images=part.frames.images[:0].copy())
        self.parts.append(replace(part, frames=bare))

    def prediction(self) -> Prediction:
        """The answer for the whole file."""
        metadata = self.metadata
        scores = torch.cat([part.scores for part in self.parts])
        decisions = concatenated([part.decisions for part in self.parts])
        logits = scores.mean(dim=0)
        overall = _probabilities(logits[None], metadata.multi_label)[0]
        confidence = float(answer.confidence(overall[None].numpy(), multi_label=metadata.multi_label)[0])
        strangeness = torch.cat([part.strangeness for part in self.parts])
        names = [name for w in range(len(scores)) for name in decisions.names(w)]
        files = [part.frames for part in self.parts]
        index = np.concatenate([f.indices[f.valid] for f in files]).tolist()
        times = np.concatenate([f.times_s[f.valid] for f in files]).tolist()
        return Prediction(
            path=self.path,
            label=_label(overall, metadata),
            confidence=confidence,
            unsure=metadata.is_unsure(confidence, float(strangeness.mean())),
            top=sorted(zip(metadata.classes, overall.tolist(), strict=True), key=lambda pair: -pair[1]),
            logits=logits.numpy(),
            decisions=decisions,
            frames=[
                {"index": int(i), "time_s": round(t, 3), "action": a}
                for i, t, a in zip(index, times, names, strict=True)
            ],
            gmacs=sum(part.macs for part in self.parts) / 1e9,
            gmacs_uniform=sum(part.macs_uniform for part in self.parts) / 1e9,
            seconds={"decode": sum(f.decode_s for f in files), "model": sum(part.model_s for part in self.parts)},
            timeline=_timeline(files, scores, metadata) if len(scores) > 1 else [],
            warnings=tuple(dict.fromkeys(w for f in files for w in f.warnings)),
            crops=self.crops,
            windows=self._windows(scores, strangeness, decisions),
            model=metadata.model,
        )

    def _windows(self, scores: Tensor, strangeness: Tensor, decisions: Decisions) -> Windows:
        metadata, costs = self.metadata, self.metadata.costs
        likely = _probabilities(scores, metadata.multi_label).numpy()
        sure = answer.confidence(likely, multi_label=metadata.multi_label)
        share = costs.executed(decisions) / costs.uniform(decisions.valid.sum(dim=1))
        unsure = [metadata.is_unsure(float(c), float(s)) for c, s in zip(sure, strangeness, strict=True)]
        return Windows(unsure=np.array(unsure), share=share.numpy(), stills=tuple(self.stills))


def _still(part: Recognised, window: int, macs: tuple[float, ...]) -> Still:
    """The frame of a window that most was spent on; a copy, as a view would hold all of them."""
    spent = part.decisions.seen()[window].double() @ torch.tensor(macs, dtype=torch.float64)
    frame = int(spent.argmax())
    return Still(float(part.frames.times_s[window, frame]), part.frames.images[window, frame].copy())


def _timeline(files: list[ClipFrames], scores: Tensor, metadata: Metadata) -> list[dict[str, object]]:
    """The answer of each window by itself."""
    probabilities = _probabilities(scores, metadata.multi_label)
    starts, ends = np.concatenate([f.start_s for f in files]), np.concatenate([f.end_s for f in files])
    sure = answer.confidence(probabilities.numpy(), multi_label=metadata.multi_label)
    return [
        {
            "start_s": round(start, 3),
            "end_s": round(end, 3),
            "label": _label(row, metadata),
            "confidence": round(float(share), 4),
        }
        for start, end, row, share in zip(starts.tolist(), ends.tolist(), probabilities, sure, strict=True)
    ]


def _label(likely: Tensor, metadata: Metadata) -> str | list[str]:
    """What confidences (K,) name: a class; of a multi-label model the list of those that hold, likeliest first."""
    chosen = answer.named(likely[None].numpy(), multi_label=metadata.multi_label)[0]
    names = [metadata.classes[int(k)] for k in likely.argsort(descending=True, stable=True) if chosen[int(k)]]
    return names if metadata.multi_label else names[0]


def _probabilities(scores: Tensor, multi_label: bool) -> Tensor:
    return torch.sigmoid(scores) if multi_label else torch.softmax(scores, dim=-1)
