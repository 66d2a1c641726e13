"""What is told of one source: from frames and answers to moments and events."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from adaframe.inference.happenings import Change, Happenings
from adaframe.inference.load import SPENT_S, Recently
from adaframe.inference.moment import Event, Moment

if TYPE_CHECKING:
    from adaframe.inference.streaming import Answer
    from adaframe.model.metadata import Metadata
    from adaframe.video.shot import Shot


class Account:
    """One source, from where it is first seen until it ends or is lost.

    Args:
        metadata: of the model.
        window_s: over which the model answers; in the first half of it no label begins.
        spacing_s: from one sampled frame to the next.
    """

    def __init__(self, metadata: Metadata, *, window_s: float, spacing_s: float) -> None:
        self.metadata, self.spacing_s = metadata, spacing_s
        self._happenings = Happenings(metadata.classes, multi_label=metadata.multi_label, warm_s=window_s / 2)
        self._spent = Recently(SPENT_S)
        self._latest: Shot | None = None
        self._missed = 0

    def tell(self, shot: Shot, answer: Answer, *, load: float, budget: float | None, note: str) -> list[Moment | Event]:
        """What is to be said of a sampled frame; load, budget and note are those of the moment."""
        if self._latest is not None:
            # A camera that gives fewer frames than the model samples has missed none of them.
            self._missed += min(answer.missed, max(shot.number - self._latest.number - 1, 0))
        self._latest = shot
        changes = self._happenings.update(shot.stream_s, answer.likely)
        self._spent.add(shot.stream_s, answer.macs, answer.macs_uniform)
        macs, uniform = self._spent.sums()
        confidence = self._happenings.confidence
        moment = Moment(
            source=shot.source,
            time=shot.time,
            stream_s=shot.stream_s,
            label=self._happenings.label,
            confidence=confidence,
            unsure=self.metadata.is_unsure(confidence, answer.strangeness),
            action=answer.action,
            delay_s=time.monotonic() - shot.arrived_s,
            dropped=self._missed,
            load=load,
            gmacs_per_s=macs / 1e9 / max(self._spent.lasted_s, self.spacing_s),
            saved=min(max(1.0 - macs / uniform, 0.0), 1.0),
            top=sorted(zip(self.metadata.classes, answer.likely.tolist(), strict=True), key=lambda pair: -pair[1]),
            budget=budget,
            note=note,
            image=shot.image,
        )
        return [moment, *(self._event(change, shot, unsure=moment.unsure) for change in changes)]

    def finish(self) -> list[Event]:
        """Everything that holds ends with the last frame seen."""
        latest = self._latest
        return [] if latest is None else [self._event(change, latest) for change in self._happenings.finish()]

    def _event(self, change: Change, shot: Shot, *, unsure: bool = False) -> Event:
        ended = change.event == "end"
        return Event(
            change.event,
            shot.source,
            shot.time,
            stream_s=shot.stream_s,
            label=change.label,
            peak=change.peak,
            began=shot.time - timedelta(seconds=shot.stream_s - change.began_s) if ended else None,
            unsure=unsure and not ended,
            image=shot.image,
        )
