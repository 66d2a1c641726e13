"""What live recognition says: how things are at a moment, and what began or ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Moment:
    """How things are at one moment of one source.

    Args:
        source: as a user named it, passwords masked.
        time: which moment this is about: when its frame was captured; with a time zone.
        stream_s: seconds from the start of the source to that frame.
        label: of the most likely class, smoothed; of multi-label models the list of the classes that hold.
        confidence: of the label, 0..1.
        unsure: as of a file's Prediction.
        action: what the policy did with the frame: a look's name, glance or skip.
        delay_s: from the capture of the frame to this answer.
        dropped: frames of the source that should have been sampled, but went by while the model worked, since its start.
        load: share of one core that the process took over the last seconds.
        gmacs_per_s: 1e9 multiply-adds executed a second for this source, over the last seconds.
        saved: share of uniform's compute at the same frame rate that was not spent, over the last seconds, 0..1.
        top: every class with its confidence, likeliest first.
        budget: which fraction of uniform's compute the model is held to now; None: its own.
        note: what is given up to keep to a load or a delay, in words (fewer frames a second, …); "": nothing.
        image: the frame, RGB, uint8, (H, W, 3), as captured; not to be written to.
    """

    source: str
    time: datetime
    stream_s: float
    label: str | list[str]
    confidence: float
    unsure: bool
    action: str
    delay_s: float
    dropped: int
    load: float
    gmacs_per_s: float
    saved: float
    top: list[tuple[str, float]]
    budget: float | None = None
    note: str = ""
    image: NDArray[np.uint8] | None = field(default=None, repr=False)

    def to_json(self, top_k: int = 5) -> dict[str, Any]:
        """The keys of one line of `adaframe stream --json`."""
        return {
            "source": self.source,
            "time": _iso(self.time),
            "stream_s": round(self.stream_s, 3),
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "unsure": self.unsure,
            "top": [{"label": label, "confidence": round(c, 4)} for label, c in self.top[:top_k]],
            "action": self.action,
            "delay_s": round(self.delay_s, 4),
            "dropped": self.dropped,
            "load": round(self.load, 3),
            "gmacs_per_s": round(self.gmacs_per_s, 4),
            "saved": round(self.saved, 4),
            "budget": self.budget,
            **({"note": self.note} if self.note else {}),
        }


@dataclass(frozen=True, eq=False)
class Event:
    """Something began, ended, was lost or came back.

    Args:
        event: start or end (of a label), lost or back (of a source).
        source: as of a Moment.
        time: of the frame at which it was noticed; of lost and back: now.
        stream_s: as of a Moment; None where no frame says.
        label: that began or ended; "" for lost and back.
        peak: highest confidence of the label so far; None for lost and back.
        began: for end: when the label began.
        unsure: for start: whether the answer that began it was unsure.
        why: for lost: what went wrong, passwords masked.
        retried: for lost: whether the source is tried again; a file that cannot be used is not.
        snapshot: path of the frame that was kept, if one was.
        image: the frame, as of a Moment.
    """

    event: str
    source: str
    time: datetime
    stream_s: float | None = None
    label: str = ""
    peak: float | None = None
    began: datetime | None = None
    unsure: bool = False
    why: str = ""
    retried: bool = True
    snapshot: str = ""
    image: NDArray[np.uint8] | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """The keys of one line of `adaframe stream --json`; what is not known is left out."""
        row: dict[str, Any] = {"event": self.event, "source": self.source, "time": _iso(self.time)}
        if self.stream_s is not None:
            row["stream_s"] = round(self.stream_s, 3)
        if self.label:
            row["label"] = self.label
        if self.peak is not None:
            row["peak"] = round(self.peak, 4)
        if self.began is not None:
            row["began"] = _iso(self.began)
            row["seconds"] = round((self.time - self.began).total_seconds(), 3)
        if self.event == "start":
            row["unsure"] = self.unsure
        if self.why:
            row["why"] = self.why
        if not self.retried:
            row["retried"] = False
        if self.snapshot:
            row["snapshot"] = self.snapshot
        return row


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")
