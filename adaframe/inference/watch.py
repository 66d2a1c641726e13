"""Live recognition: sources and a model -> moments, and events where a label or a source begins or ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adaframe.errors import UsageError, VideoError
from adaframe.inference.moment import Event, Moment
from adaframe.inference.operating_point import OperatingPoint
from adaframe.inference.reporter import Reporter
from adaframe.video.cameras import Cameras
from adaframe.video.live_frame import LiveFrame, Outage

if TYPE_CHECKING:
    from adaframe.inference.loaded_model import LoadedModel
    from adaframe.inference.streaming import Streaming
    from adaframe.video.camera import Camera

TAKE_S = 0.25  # how long nothing may come before a request to stop is looked for
SILENT_S = 1.0  # a source that gave nothing for so long is not waited for


def watch(
    model: LoadedModel | Callable[[], LoadedModel],
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

    There is a moment for each sampled frame: as many a second as the model was trained with, whatever the camera gives (fewer
    while a camera's picture stands still: then one after each longest skip). A label
    begins (an event) when it has led the others by 0.1 of confidence for half a second of stream; the one before ends. No
    class is taken for a background. The model computes in one thread, which costs least; where a delay is to be kept to, in
    as many as torch has.

    Args:
        model: loaded, or what loads it: then the sources open meanwhile.
        sources: webcams by index, URLs, or files that are played; each once.
        budget: upper bound on mean cost as a fraction of uniform's; None: what the model was trained for.
        max_load: share of one core to keep the process to, as 0.3: by cheaper ways, and where the cheapest is too dear by
            fewer sampled frames a second.
        latency_ms: milliseconds from a frame to its answer to keep to, by cheaper ways.
        every_frame: play files as fast as they are recognised, without missing a frame.
        still: skip pictures that show what the last glance saw; there is a glance in every window all the same.
        max_seconds: end after so many.
        stop: asked often; True ends.
        cameras: what frames come from, as `adaframe.video.cameras.Cameras`; None opens the sources. Closed in the end.

    Yields:
        Moments and events. When a source is lost its labels end at once; what is known of it is forgotten.

    Raises:
        AdaframeError: the budget is below the cheapest that this model can do.
        VideoError: the only source cannot be used; one of several is told of as lost.
        UsageError: more than one, or none too large, of the targets, or a source twice.
    """
    OperatingPoint.check(max_load=max_load, latency_ms=latency_ms)
    if len(set(sources)) < len(sources):
        raise UsageError("sources: one is named twice; try: each once")
    cameras = Cameras(sources, every_frame=every_frame) if cameras is None else cameras
    threads: int | None = None
    try:
        loaded = model() if callable(model) else model
        import torch

        from adaframe.inference.streaming import Streaming

        threads = torch.get_num_threads()
        if latency_ms is None:
            torch.set_num_threads(1)
        eyes = Streaming(loaded, still=None if still else False)
        eyes.warm_up()
        asked = loaded.budget if budget is None else budget
        point = OperatingPoint(eyes, budget=asked, max_load=max_load, latency_ms=latency_ms)
        until_s = float("inf") if max_seconds is None else time.monotonic() + max_seconds
        done = lambda: time.monotonic() >= until_s or (stop is not None and stop())  # noqa: E731
        yield from _Watch(eyes, point, cameras, live=not every_frame).run(done)
    finally:
        if threads is not None:
            torch.set_num_threads(threads)
        cameras.close()


class _Watch:
    """A recogniser at work.

    Args:
        eyes, point, cameras: what it is made of.
        live: frames between two sampled ones need not be taken.
    """

    def __init__(self, eyes: Streaming, point: OperatingPoint, cameras: Any, *, live: bool) -> None:
        self.eyes, self.point, self.cameras, self.live = eyes, point, cameras, live
        self.reporters: dict[str, Reporter] = {}
        self.latest: dict[str, LiveFrame] = {}
        # Those that may doze, by their sources.
        self.own: dict[str, Camera] = {camera.source: camera for camera in getattr(cameras, "cameras", ())}

    def run(self, done: Callable[[], bool]) -> Iterator[Moment | Event]:
        while not self.cameras.ended and not done():
            spare_s = self._spare_s() if self.live else 0.0
            time.sleep(min(spare_s, TAKE_S))
            if spare_s > TAKE_S:
                continue
            for batch in _rounds(self._take()):
                if isinstance(batch[0], Outage):
                    yield from self._outage(batch[0])
                else:
                    yield from self._see([frame for frame in batch if isinstance(frame, LiveFrame)])
            # A file that is played out among sources that go on.
            for source in [s for s, camera in self.own.items() if camera.ended and s in self.reporters]:
                yield from self._end(source)
            self.point.keep()
        for source in list(self.reporters):
            yield from self._end(source)

    def _take(self) -> list[LiveFrame | Outage]:
        """What is new; of several sources one that cannot be used is lost, of one it is an error."""
        try:
            news: list[LiveFrame | Outage] = self.cameras.take(TAKE_S)
        except VideoError as error:
            if self.cameras.ended and not self.latest:
                raise
            why = str(error).removeprefix(f"{error.where}: ")
            return [Outage("lost", error.where, datetime.now().astimezone(), why, retried=False)]
        return news

    def _spare_s(self) -> float:
        """Seconds for which no source has a frame due: what comes meanwhile need not even be converted."""
        now = time.monotonic()
        waits = []
        for source, frame in self.latest.items():
            due_s = self.eyes.due_s(source)
            if self._dozes(source):
                continue  # it tells when there is something to see
            if due_s is not None and now - frame.arrived_s < SILENT_S + self.eyes.spacing_s:
                waits.append(frame.arrived_s + due_s - frame.stream_s - now)
        return max(min(waits, default=0.0), 0.0)

    def _see(self, frames: list[LiveFrame]) -> Iterator[Moment | Event]:
        """One frame of each of some sources."""
        before = time.process_time()
        for frame in frames:
            if self._dozes(frame.source):
                self.eyes.look_again(frame.source)
        answers = self.eyes.see([(frame.source, frame.image, frame.stream_s) for frame in frames])
        self.point.took(time.process_time() - before)
        for frame, answer in zip(frames, answers, strict=True):
            self.latest[frame.source] = frame
            if answer is None:
                continue
            self._let_doze(frame)
            reporter = self.reporters.get(frame.source)
            if reporter is None:
                eyes = self.eyes
                reporter = Reporter(eyes.metadata, window_s=eyes.window_s, spacing_s=eyes.nominal_s)
                self.reporters[frame.source] = reporter
            self.point.waited(time.monotonic() - frame.arrived_s)
            point = self.point
            yield from reporter.tell(frame, answer, load=point.load, budget=point.budget, note=point.note)

    def _dozes(self, source: str) -> bool:
        return source in self.own and self.own[source].dozing

    def _let_doze(self, frame: LiveFrame) -> None:
        """A camera whose picture stands still may rest."""
        if not self.live or frame.source not in self.own:
            return
        due_s, late_s = self.eyes.due_s(frame.source), self.eyes.late_s(frame.source)
        if due_s is None or late_s is None:
            self.own[frame.source].wake()
        else:
            start_s = frame.arrived_s - frame.stream_s
            self.own[frame.source].doze(start_s + due_s, start_s + late_s)

    def _outage(self, outage: Outage) -> Iterator[Event]:
        """A source was lost, or is back: what holds ends, and what was seen before is forgotten."""
        yield from self._end(outage.source)
        yield Event(outage.event, outage.source, outage.time, why=outage.why, retried=outage.retried)

    def _end(self, source: str) -> Iterator[Event]:
        self.eyes.forget(source)
        self.latest.pop(source, None)
        reporter = self.reporters.pop(source, None)
        yield from reporter.finish() if reporter is not None else ()


def _rounds(items: Sequence[LiveFrame | Outage]) -> Iterator[list[LiveFrame | Outage]]:
    """Frames of different sources together, outages by themselves, in the order in which they came."""
    batch: list[LiveFrame | Outage] = []
    for item in items:
        if batch and (isinstance(item, Outage) or any(item.source == other.source for other in batch)):
            yield batch
            batch = []
        batch.append(item)
        if isinstance(item, Outage):
            yield batch
            batch = []
    if batch:
        yield batch
