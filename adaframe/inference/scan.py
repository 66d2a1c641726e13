"""Which windows are settled by their key frames, and both steps of decoding fast as one answer. W windows, T sampled frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from adaframe.errors import VideoError
from adaframe.inference.total import Recognised
from adaframe.model import answer
from adaframe.model.actions import Decisions, concatenated
from adaframe.model.metadata import Metadata
from adaframe.video.clip_frames import merged_frames


def unsettled(recognised: Recognised, metadata: Metadata) -> tuple[int, ...]:
    """Numbers of the windows that have to be read exactly: those not read yet, and those that few key frames do not settle.

    These do, if the policy was content with the cheapest way to see each of them, the model does not call its answer unsure,
    and its confidence is at least half way from the one where it would to certainty: models learn from all sampled frames, and
    are too confident of fewer. Enough key frames need no second step (`adaframe.video.sampling.to_key_frames`).
    """
    scan = recognised.frames.scan
    if scan is None:
        return ()
    scores = recognised.scores
    likely = torch.sigmoid(scores) if metadata.multi_label else torch.softmax(scores, dim=-1)
    confidence = answer.confidence(likely.numpy(), multi_label=metadata.multi_label)
    strangeness = recognised.strangeness.tolist()
    enough = (metadata.unsure_below + 1) / 2
    unsure = [metadata.is_unsure(c, s) or c < enough for c, s in zip(confidence.tolist(), strangeness, strict=True)]
    open_ = scan.few & (np.array(unsure, dtype=np.bool_) | _looked_closer(recognised.decisions, metadata))
    return tuple(sorted((*scan.unread, *scan.windows[open_].tolist())))


def _looked_closer(decisions: Decisions, metadata: Metadata) -> NDArray[np.bool_]:
    """Where the policy saw any frame by another source than the cheapest, bool, (W,)."""
    macs = metadata.costs.sources()
    dearer = torch.tensor(macs) > min(macs)
    closer: NDArray[np.bool_] = (decisions.seen() & dearer).flatten(1).any(dim=1).numpy()
    return closer


def merged(first: Recognised, second: Recognised, metadata: Metadata) -> Recognised:
    """Both steps as one: the second step's windows in the place of the first one's."""
    frames, order = merged_frames(first.frames, second.frames)
    rows = torch.from_numpy(order)
    decisions = _rows(concatenated([first.decisions, second.decisions]), rows)
    return Recognised(
        frames=frames,
        scores=torch.cat([first.scores, second.scores])[rows],
        strangeness=torch.cat([first.strangeness, second.strangeness])[rows],
        decisions=decisions,
        macs=first.macs + second.macs,
        macs_uniform=float(metadata.costs.uniform(decisions.valid.sum(dim=1)).sum()),
        model_s=first.model_s + second.model_s,
    )


def without_second(first: Recognised, error: VideoError) -> Recognised:
    """What is left where the second step failed: all that key frames say."""
    frames = first.frames
    assert frames.scan is not None
    lost = len(frames.scan.unread)
    warnings = [f"{len(frames.start_s)} windows are answered from key frames alone: {error.what}"]
    warnings += [f"{lost} windows are left out: {error.what}"] if lost else []
    return replace(first, frames=replace(frames, scan=None, warnings=(*frames.warnings, *warnings)))


def _rows(decisions: Decisions, rows: torch.Tensor) -> Decisions:
    actions, decided, glanced, valid = (
        getattr(decisions, name)[rows] for name in ("actions", "decided", "glanced", "valid")
    )
    return Decisions(actions, decided, glanced, valid, decisions.of)
