"""What is told of one source: from frames and answers to moments and events."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from adaframe.inference.cpu_load import SPENT_S, Recently
from adaframe.inference.event_detector import Change, EventDetector
from adaframe.inference.moment import Event, Moment

if TYPE_CHECKING:
    from adaframe.inference.frame_answer import FrameAnswer
    from adaframe.model.metadata import Metadata
    from adaframe.video.live_frame import LiveFrame


class Reporter:
    """One source, from where it is first seen until it ends or is lost.

    Args:
        metadata: of the model.
        window_s: over which the model answers; in the first half of it no label begins.
        spacing_s: from one sampled frame to the next.
    """

    def __init__(self, metadata: Metadata, *, window_s: float, spacing_s: float) -> None:
        self.metadata, self.spacing_s = metadata, spacing_s
        self._detector = EventDetector(metadata.classes, multi_label=metadata.multi_label, warm_s=window_s / 2)
        self._spent = Recently(SPENT_S)
        self._latest: LiveFrame | None = None
        self._missed = 0

    def tell(
        self, frame: LiveFrame, answer: FrameAnswer, *, load: float, budget: float | None, note: str
    ) -> list[Moment | Event]:
        """What is to be said of a sampled frame; load, budget and note are those of the moment."""
        if self._latest is not None:
            # A camera that gives fewer frames than the model samples has missed none of them.
            self._missed += min(answer.missed, max(frame.number - self._latest.number - 1, 0))
        self._latest = frame
        changes = self._detector.update(frame.stream_s, answer.likely)
        self._spent.add(frame.stream_s, answer.macs, answer.macs_uniform)
        macs, uniform = self._spent.sums()
        confidence = self._detector.confidence
        moment = Moment(
            source=frame.source,
            time=frame.time,
            stream_s=frame.stream_s,
            label=self._detector.label,
            confidence=confidence,
            unsure=self.metadata.is_unsure(confidence, answer.strangeness),
            action=answer.action,
            delay_s=time.monotonic() - frame.arrived_s,
            dropped=self._missed,
            load=load,
            gmacs_per_s=macs / 1e9 / max(self._spent.lasted_s, self.spacing_s),
            saved=min(max(1.0 - macs / uniform, 0.0), 1.0),
            top=sorted(zip(self.metadata.classes, answer.likely.tolist(), strict=True), key=lambda pair: -pair[1]),
            budget=budget,
            note=note,
            image=frame.image,
        )
        return [moment, *(self._event(change, frame, unsure=moment.unsure) for change in changes)]

    def finish(self) -> list[Event]:
        """Everything that holds ends with the last frame seen."""
        latest = self._latest
        return [] if latest is None else [self._event(change, latest) for change in self._detector.finish()]

    def _event(self, change: Change, frame: LiveFrame, *, unsure: bool = False) -> Event:
        ended = change.event == "end"
        return Event(
            change.event,
            frame.source,
            frame.time,
            stream_s=frame.stream_s,
            label=change.label,
            peak=change.peak,
            began=frame.time - timedelta(seconds=frame.stream_s - change.began_s) if ended else None,
            unsure=unsure and not ended,
            image=frame.image,
        )
