"""What runs in a capture process: it captures one source, keeps the newest frame, and hands it out when asked.

It speaks to the camera through a pipe. It says `new` (a frame is there), `gone` and `here` (of the source), `ended` and
`failed` (of a file). The camera says `play` when somebody is waiting, and `fetch` for the frame, which then comes through
a block of shared memory: one answer per question, so that neither side ever touches what the other one does. It also says
from when on and until when a picture is wanted that shows nothing new (`doze`), and that every one is (`wake`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any

from adaframe.errors import AdaframeError, DecoderFailure
from adaframe.video.capture_status import CaptureStatus
from adaframe.video.child_process import isolate, limit_memory
from adaframe.video.doze_permission import Doze, DozePermission
from adaframe.video.source import Source, SourceLost

_MEMORY_GB = 4.0
PAUSES_S = (0.5, 4.0)  # from one try to the next: the first, and the longest
_LASTING_S = 2.0  # a connection that held so long was a good one: the pauses begin anew
_PROMISE_S = 3.0


def capture(source: Source, status: CaptureStatus, pipe: Connection, every_frame: bool, stall_s: float) -> None:
    """The whole life of a capture process."""
    isolate()
    link = _Link(pipe)
    try:
        from adaframe.video.frame_slot import FrameSlot

        if source.kind == "webcam":
            from adaframe.video.webcam import import_cv2

            import_cv2()
        else:
            import av  # noqa: F401 - before memory is limited
        limit_memory(_MEMORY_GB)
        slot, permission = FrameSlot(status, lambda: link.say("new"), keep=every_frame), DozePermission()
        threading.Thread(target=_Server(link, slot, status, permission).run, name="serve", daemon=True).start()
        if source.kind == "file":
            _play(source, status, slot, link, permission, every_frame)
        else:
            _stay(source, status, slot, link, permission, stall_s)
    except AdaframeError as error:
        link.say("failed", error)
    except MemoryError:
        what = f"needs more than {_MEMORY_GB:g} GB of memory"
        if source.kind == "file":
            link.say("failed", DecoderFailure(source.name, f"its decoder {what}", "a smaller picture"))
        else:
            link.say("gone", what, time.time())
            return
    status.promise(float("inf"))
    threading.Event().wait()  # until the camera is closed: it may still ask for the last frame


def _play(
    source: Source, status: CaptureStatus, slot: Any, link: _Link, permission: DozePermission, every_frame: bool
) -> None:
    """Plays a file once somebody is waiting for its frames."""
    from adaframe.video.frame_slot import Captured
    from adaframe.video.played_file import file_frames

    frames, begun = file_frames(source.address, status, permission, paced=not every_frame), 0.0
    status.promise(float("inf"))
    link.wanted.wait()
    for to_rgb, time_s in frames:
        arrived = time.monotonic()
        number, _ = status.count(arrived)
        begun = begun or time.time()
        status.promise(float("inf"))
        slot.put(Captured(to_rgb, number, time_s, begun + time_s, arrived))
    link.say("ended")


def _stay(
    source: Source, status: CaptureStatus, slot: Any, link: _Link, permission: DozePermission, stall_s: float
) -> None:
    """Captures for ever: what is lost is tried again, with growing pauses."""
    from adaframe.video.frame_slot import Captured

    here: bool | None = None
    pause_s, longest_s = PAUSES_S
    while True:
        tried, first = time.monotonic(), None
        try:
            for to_rgb in _live_frames(source, status, stall_s, permission):
                arrived = time.monotonic()
                first = first or arrived
                if not here:
                    here = True
                    link.say("here", time.time())
                slot.put(Captured(to_rgb, *status.count(arrived), time.time(), arrived))
        except SourceLost as error:
            slot.clear()
            permission.take_back()
            if here is not False:
                here = False
                link.say("gone", source.hide(str(error)), time.time())
        if first is not None and time.monotonic() - first >= _LASTING_S:
            pause_s = PAUSES_S[0]
        # What the try itself took counts, so that a source is back soon also after tries that hung.
        wait_s = max(PAUSES_S[0], pause_s - (time.monotonic() - tried))
        status.promise(wait_s + _PROMISE_S)
        time.sleep(wait_s)
        pause_s = min(2 * pause_s, longest_s)


def _live_frames(source: Source, status: CaptureStatus, stall_s: float, permission: DozePermission) -> Iterator[Any]:
    if source.kind == "webcam":
        from adaframe.video.webcam import webcam_frames

        return webcam_frames(int(source.address), status, stall_s)
    from adaframe.video.network_stream import stream_frames

    return stream_frames(source.address, status, stall_s, permission)


class _Link:
    """The pipe to the camera, for two threads."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self._saying = pipe, threading.Lock()
        self.wanted = threading.Event()

    def say(self, *message: Any) -> None:
        with self._saying, suppress(OSError):  # the camera was closed: this process is about to be ended
            self.pipe.send(message)


class _Server:
    """Answers the camera's questions."""

    def __init__(self, link: _Link, slot: Any, status: CaptureStatus, permission: DozePermission) -> None:
        self._link, self._slot, self._status, self._permission = link, slot, status, permission
        self._block: SharedMemory | None = None
        self._waiting: Any = None  # a frame that was larger than the block

    def run(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                word, *rest = self._link.pipe.recv()
                self._link.wanted.set()
                if word == "fetch":
                    self._hand_out(*rest)
                elif word == "doze":
                    self._permission.doze = Doze(*rest)
                elif word == "wake":
                    self._permission.doze = None

    def _hand_out(self, name: str) -> None:
        import numpy as np

        if name and (self._block is None or self._block.name != name):
            if self._block is not None:
                self._block.close()
            self._block = SharedMemory(name)
        frame, self._waiting = self._slot.take(self._waiting), None
        try:
            image = None if frame is None else frame.to_rgb()
        except Exception:  # whatever a broken frame brings about, the next one may be fine
            image = None
        if image is None:
            self._link.say("nothing")
        elif self._block is None or self._block.size < image.nbytes:
            self._waiting = frame
            self._link.say("larger", image.nbytes)
        else:
            np.ndarray(image.shape, np.uint8, self._block.buf)[:] = image
            facts = (frame.number, frame.stream_s, frame.wall_s, frame.arrived_s, self._status.dropped)
            self._link.say("frame", image.shape, facts, self._permission.possible)
