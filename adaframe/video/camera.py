"""A live source -> its newest frames: a webcam, a stream on the network, or a file that is played.

Each source is captured in a process of its own, which keeps only the newest frame: what comes while the caller works is
dropped and counted, never queued. A source that is lost is tried again until it is back, a process that hangs or crashes
is ended and started anew.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from multiprocessing import connection
from typing import Any

from adaframe.errors import AdaframeError, DecoderFailure
from adaframe.video.capture import START_S, Capture
from adaframe.video.capture_process import PAUSES_S
from adaframe.video.capture_status import CaptureStatus
from adaframe.video.live_frame import LiveFrame, Outage
from adaframe.video.shared_frame import SharedFrame
from adaframe.video.source import parse_source

_ANSWER_S = 1.0  # to convert a frame and hand it over; a later answer is no live frame
_LASTING_S = 10.0  # a process that lived so long was a good one: the pauses begin anew
_LOOK_S = 0.25  # from one look after the processes to the next


class Camera:
    """One live source; use it in a `with` statement, and from one thread at a time.

    Capture starts at once, a file's play with the first `take`.

    Args:
        source: index of a webcam (or /dev/video0), URL of a stream, or path of a file. In URLs `$NAME` and `${NAME}`
            are replaced by environment variables, so that lists of processes do not show passwords.
        every_frame: play a file as fast as its frames are taken, without dropping any. Of live sources it does nothing.
        stall_s: a source without a frame for so long counts as lost.

    Raises:
        UsageError: an environment variable that is not set, or an empty name.
        UnreadableVideo: no such file.
    """

    def __init__(self, source: str | int, *, every_frame: bool = False, stall_s: float = 5.0) -> None:
        self._source = parse_source(source)
        self.source = self._source.name
        self._every_frame = every_frame and self._source.kind == "file"
        self._stall_s = stall_s
        self._status, self._block = CaptureStatus(), SharedFrame()
        self._outages: deque[Outage] = deque()
        self.dozing = self._can_doze = False
        self._lost = self._new = self._asked = self._played_out = self._closed = self._playing = False
        self._failure: AdaframeError | None = None
        self._capture: Capture | None = None
        self._pause_s, self._start_at = PAUSES_S[0], time.monotonic()
        self._answer_until = 0.0
        self._start()

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """Whether a file is played out, or cannot be used; never true of cameras and streams (until they are closed)."""
        return self._closed or (self._played_out and not self._new and self._failure is None)

    @property
    def process_id(self) -> int | None:
        """Of the capturing process now; None while there is none."""
        return self._capture.process_id if self._capture is not None else None

    def take(self, timeout_s: float) -> LiveFrame | Outage | None:
        """The newest frame that was not taken yet, or news of the source; waits for them.

        Returns:
            None where there was nothing new within the time.

        Raises:
            VideoError: the file cannot be used at all, or its decoder crashed. Then the camera has ended.
            MissingExtra: webcams need OpenCV.
        """
        return next(iter(take_newest([self], timeout_s)), None)

    def doze(self, after_s: float, before_s: float) -> None:
        """Lets capture rest, as the picture stands still: files and streams need not be decoded then, except for key frames.

        It ends with `wake`; for a while also by itself, where what comes looks as if something moved, and at the latest when a
        picture is wanted anyway: then there is one to take. Of other sources it does nothing. `dozing` says whether it holds.

        Args:
            after_s, before_s: of time.monotonic(): from when on a key frame is wanted, and any picture.
        """
        self.dozing = self._can_doze
        if self.dozing and self._capture is not None:
            self._capture.say("doze", after_s, before_s)

    def wake(self) -> None:
        """Every picture is wanted again."""
        if self.dozing and self._capture is not None:
            self.dozing = False
            self._capture.say("wake")

    def close(self) -> None:
        """Ends capture."""
        if not self._closed:
            self._closed = True
            self._stop()
            self._block.close()

    def _start(self) -> None:
        try:
            self._capture = Capture(self._source, self._status, every_frame=self._every_frame, stall_s=self._stall_s)
        except OSError as error:
            self._failed(f"cannot be started ({error.strerror})")
            return
        if self._playing:
            self._capture.say("play")

    def _stop(self) -> None:
        if self._capture is not None:
            self._capture.end()
            self._capture = None
        self._new = self._asked = self.dozing = False

    def _look_after(self) -> None:
        """Hears what the process has to say, ends one that hangs, and starts one where there is none."""
        if self._closed or self._failure is not None or self._played_out:
            self._listen()
            return
        if self._capture is None:
            if time.monotonic() >= self._start_at:
                self._start()
            return
        if not self._playing:
            self._playing = True
            self._capture.say("play")
        self._listen()
        if self._capture is not None and self._status.hangs:
            self._failed("hangs")

    def _listen(self) -> None:
        while self._capture is not None:
            try:
                if not self._capture.pipe.poll():
                    return
                self._hear(*self._capture.pipe.recv())
            except (EOFError, OSError):
                self._failed(f"crashed ({self._capture.exit_reason()})")

    def _hear(self, word: str, *rest: Any) -> None:
        if word == "new":
            self._new = True
        elif word == "gone":
            self._was_lost(*rest)
        elif word == "here":
            if self._lost:
                self._lost = False
                self._outages.append(Outage("back", self.source, _local(rest[0])))
        elif word == "ended":
            self._played_out = True
        elif word == "failed":
            self._played_out = True
            (self._failure,) = rest
        else:
            self._asked = False  # an answer that came too late: the frame is not the newest one any more
            self._new = self._new or word == "larger"

    def _was_lost(self, why: str, when: float) -> None:
        self._new = self.dozing = False
        if not self._lost:
            self._lost = True
            self._outages.append(Outage("lost", self.source, _local(when), self._source.hide(why)))

    def _failed(self, what: str) -> None:
        """Ends the process, if there is one; a live source is tried again in a new one."""
        self._stop()
        if self._source.kind == "file":
            self._played_out = True
            self._failure = DecoderFailure(self.source, f"its decoding process {what}", "re-encode the file")
            return
        self._was_lost(f"its capture process {what}", time.time())
        now = time.monotonic()
        if now - self._start_at > _LASTING_S:
            self._pause_s = PAUSES_S[0]
        self._start_at = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, PAUSES_S[1])

    def _ask(self) -> None:
        """Asks for the frame that was announced."""
        if self._new and not self._asked and self._capture is not None:
            self._new, self._asked = False, True
            self._answer_until = time.monotonic() + (START_S if self._every_frame else _ANSWER_S)
            self._capture.say("fetch", self._block.name)

    def _answer(self) -> LiveFrame | None:
        """The frame that was asked for; None where it was lost meanwhile, or does not come."""
        while self._asked and self._capture is not None:
            try:
                if not self._capture.pipe.poll(max(0.0, self._answer_until - time.monotonic())):
                    return None
                word, *rest = self._capture.pipe.recv()
            except (EOFError, OSError):
                return None
            if word == "larger":
                self._block.grow(*rest)
                self._capture.say("fetch", self._block.name)
            elif word == "frame":
                self._asked = False
                shape, (number, stream_s, wall_s, arrived_s, dropped), self._can_doze = rest
                if self._outages:  # it is from before a loss
                    return None
                image = self._block.copy(shape)
                return LiveFrame(self.source, number, image, stream_s, _local(wall_s), arrived_s, dropped)
            else:
                self._hear(word, *rest)
        return None


def take_newest(cameras: Sequence[Camera], timeout_s: float) -> list[LiveFrame | Outage]:
    """What is new, at most one thing of each camera; waits for the first."""
    until = time.monotonic() + timeout_s
    while True:
        news = _newest(cameras)
        left_s = until - time.monotonic()
        if news or left_s <= 0 or all(camera.ended for camera in cameras):
            return news
        pipes = [camera._capture.pipe for camera in cameras if camera._capture is not None and not camera.ended]
        if pipes:
            connection.wait(pipes, min(left_s, _LOOK_S))
        else:
            time.sleep(min(left_s, _LOOK_S))


def _newest(cameras: Sequence[Camera]) -> list[LiveFrame | Outage]:
    """What is there of each; the processes convert their frames side by side."""
    for camera in cameras:
        camera._look_after()
        if camera._failure is not None and not camera._new and not camera._outages:
            failure, camera._failure = camera._failure, None
            raise failure
        if not camera._outages:
            camera._ask()
    news = [camera._outages.popleft() if camera._outages else camera._answer() for camera in cameras]
    return [one for one in news if one is not None]


def _local(wall_s: float) -> datetime:
    return datetime.fromtimestamp(wall_s).astimezone()
