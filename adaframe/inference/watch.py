"""Live recognition: sources and a model -> moments, and events where a label or a source begins or ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adaframe.errors import UsageError
from adaframe.inference.control import Controller, levels
from adaframe.inference.happenings import Change, Happenings
from adaframe.inference.load import LOAD_S, SPENT_S, Load, Recently
from adaframe.inference.moment import Event, Moment

if TYPE_CHECKING:
    from adaframe.inference.recognizer import Recognizer
    from adaframe.inference.streaming import Answer

TAKE_S = 0.25  # how long nothing may come before a request to stop is looked for


def watch(
    model: Recognizer | Callable[[], Recognizer],
    sources: Sequence[str],
    *,
    budget: float | None = None,
    max_load: float | None = None,
    latency_ms: float | None = None,
    every_frame: bool = False,
    still: bool = True,
    max_seconds: float | None = None,
    stop: Callable[[], bool] | None = None,
    cameras: Any | None = None,
) -> Iterator[Moment | Event]:
    """Recognise what happens in front of cameras, until they end.

    There is a moment for each sampled frame: as many a second as the model was trained with, whatever the camera gives. A label
    begins (an event) when it has led the others by 0.1 of confidence for half a second of stream; the one before ends.

    Args:
        model: loaded, or what loads it: then the sources open meanwhile.
        sources: webcams by index, URLs, or files that are played.
        budget: upper bound on mean cost as a fraction of uniform's; None: what the model was trained for.
        max_load: share of one core to keep the process to, as 0.3: by cheaper ways, and where the cheapest is too dear by
            fewer sampled frames a second.
        latency_ms: milliseconds from a frame to its answer to keep to, by cheaper ways.
        every_frame: take every frame, however long that takes, instead of the newest one.
        still: skip pictures that show what the last glance saw; there is a glance in every window all the same.
        max_seconds: end after so many.
        stop: asked often; True ends.
        cameras: what frames come from (as `adaframe.video.camera.Cameras`); None opens the sources.

    Yields:
        Moments and events. When a source is lost its labels end at once; what is known of it is forgotten.

    Raises:
        AdaframeError: the budget is below the cheapest that this model can do.
        VideoError: a source cannot be used.
        UsageError: more than one, or none too large, of budget and targets.
    """
    _check(max_load, latency_ms)
    if cameras is None:
        from adaframe.video.camera import Cameras

        cameras = Cameras(sources, every_frame=every_frame)
    try:
        yield from _Watch(model() if callable(model) else model, budget, max_load, latency_ms, still).run(
            cameras, max_seconds, stop
        )
    finally:
        cameras.close()


def _check(max_load: float | None, latency_ms: float | None) -> None:
    if max_load is not None and latency_ms is not None:
        raise UsageError("max_load and latency_ms cannot both be kept to; try: one of them")
    for name, value in (("max_load", max_load), ("latency_ms", latency_ms)):
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(f"{name} must be above 0, not {value:g}")


@dataclass(eq=False)
class _Known:
    """What is known of one source."""

    happenings: Happenings
    spent: Recently
    time: datetime
    stream_s: float


class _Watch:
    """A model at work; arguments as of `watch`."""

    def __init__(
        self,
        model: Recognizer,
        budget: float | None,
        max_load: float | None,
        latency_ms: float | None,
        still: bool,
    ) -> None:
        from adaframe.inference.streaming import Streaming

        self.metadata = model.metadata
        self.asked = model.budget if budget is None else budget
        ways = levels(self.metadata, self.asked)
        self.latency = latency_ms is not None
        target = latency_ms / 1e3 if latency_ms is not None else max_load
        self.controller = None if target is None else Controller(ways, target, by_rate=not self.latency)
        self.eyes = Streaming(model, beta=ways[0].beta, still=still)
        self.eyes.warm_up()
        self.load = Load()
        self.model_s, self.delays = Recently(LOAD_S), Recently(LOAD_S)
        self.known: dict[str, _Known] = {}

    def run(self, cameras: Any, max_seconds: float | None, stop: Callable[[], bool] | None) -> Iterator[Moment | Event]:
        began = time.monotonic()
        while not cameras.ended and not (stop is not None and stop()):
            if max_seconds is not None and time.monotonic() - began >= max_seconds:
                break
            for batch in _rounds(cameras.take(TAKE_S)):
                yield from self._see(batch) if hasattr(batch[0], "image") else self._outage(batch[0])
            self._control()
        for source in list(self.known):
            yield from self._end(source)

    def _see(self, shots: list[Any]) -> Iterator[Moment | Event]:
        """One frame of each of some sources."""
        before = time.process_time()
        answers = self.eyes.see([(shot.source, shot.image, shot.stream_s) for shot in shots])
        self.model_s.add(time.monotonic(), time.process_time() - before)
        for shot, answer in zip(shots, answers, strict=True):
            if answer is not None:
                yield from self._said(shot, answer)

    def _said(self, shot: Any, answer: Answer) -> Iterator[Moment | Event]:
        known = self.known.get(shot.source)
        if known is None:
            classes, several = self.metadata.classes, self.metadata.multi_label
            happenings = Happenings(classes, multi_label=several)
            known = self.known[shot.source] = _Known(happenings, Recently(SPENT_S), shot.time, shot.stream_s)
        known.time, known.stream_s = shot.time, shot.stream_s
        changes = known.happenings.update(shot.stream_s, answer.likely)
        known.spent.add(shot.stream_s, answer.macs, answer.macs_uniform)
        macs, uniform = known.spent.sums()
        delay_s = time.monotonic() - shot.arrived_s
        self.delays.add(time.monotonic(), delay_s)
        confidence = known.happenings.confidence
        moment = Moment(
            source=shot.source,
            time=shot.time,
            stream_s=shot.stream_s,
            label=known.happenings.label,
            confidence=confidence,
            unsure=self.metadata.is_unsure(confidence, answer.strangeness),
            action=answer.action,
            delay_s=delay_s,
            dropped=shot.dropped,
            load=self.load.value(),
            gmacs_per_s=macs / 1e9 / max(known.spent.lasted_s, self.eyes.spacing_s),
            saved=min(max(1.0 - macs / uniform, 0.0), 1.0) if uniform else 0.0,
            top=sorted(zip(self.metadata.classes, answer.likely.tolist(), strict=True), key=lambda pair: -pair[1]),
            budget=self.asked if self.controller is None else round(self.controller.level.cost, 4),
            note=self._note(),
            image=shot.image,
        )
        yield moment
        for change in changes:
            yield _event(change, shot.source, known, unsure=moment.unsure, image=shot.image)

    def _outage(self, outage: Any) -> Iterator[Event]:
        """A source was lost, or came back: what holds ends, and what was seen before is forgotten."""
        yield from self._end(outage.source)
        self.eyes.forget(outage.source)
        yield Event(outage.event, outage.source, outage.time, why=outage.why)

    def _end(self, source: str) -> Iterator[Event]:
        known = self.known.pop(source, None)
        if known is not None:
            for change in known.happenings.finish():
                yield _event(change, source, known)

    def _control(self) -> None:
        """Step along what the model can do, where a load or a delay is to be kept to."""
        if self.controller is None:
            return
        now = time.monotonic()
        if self.latency:
            delays = sorted(delay for (delay,) in self.delays.amounts())
            moved = bool(delays) and self.controller.update(now, delays[int(0.9 * (len(delays) - 1))])
        else:
            model = sum(self.model_s.sums()) / max(self.model_s.lasted_s, TAKE_S)
            moved = self.controller.update(now, self.load.value(), model)
        if moved:
            level = self.controller.level
            self.eyes.beta, self.eyes.rate = level.beta, level.rate

    def _note(self) -> str:
        """What is given up to keep to a load or a delay, in words."""
        if self.controller is None or (self.controller.level.rate == 1.0 and not self.controller.over):
            return ""
        parts = []
        if self.controller.level.rate < 1.0:
            parts.append(f"{1 / self.eyes.spacing_s:.2g} frames a second instead of {1 / self.eyes.nominal_s:.2g}")
        if self.controller.over:
            kept = f"{1e3 * self.controller.target:g} ms" if self.latency else f"a load of {self.controller.target:g}"
            parts.append(f"{kept} cannot be kept to")
        return ", ".join(parts)


def _rounds(items: Sequence[Any]) -> Iterator[list[Any]]:
    """Frames of different sources together, outages by themselves, in the order in which they came."""
    batch: list[Any] = []
    for item in items:
        alone = not hasattr(item, "image")
        if batch and (alone or any(item.source == other.source for other in batch)):
            yield batch
            batch = []
        if alone:
            yield [item]
        else:
            batch.append(item)
    if batch:
        yield batch


def _event(change: Change, source: str, known: _Known, *, unsure: bool = False, image: Any = None) -> Event:
    began = known.time - timedelta(seconds=known.stream_s - change.began_s) if change.event == "end" else None
    return Event(
        change.event,
        source,
        known.time,
        stream_s=known.stream_s,
        label=change.label,
        peak=change.peak,
        began=began,
        unsure=unsure,
        image=image,
    )
