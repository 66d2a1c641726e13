"""The webcam of whoever has the page open, as a camera."""

from __future__ import annotations

import io
import threading
import time
from collections import deque
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from adaframe.video.live_frame import LiveFrame, Outage

BROWSER = "browser"  # as a source is named
MOST_BYTES = 1_000_000  # of one JPEG
MOST_PIXELS = 1920 * 1200
MOST_PER_S = 30.0


class RefusedFrame(Exception):
    """What was sent is no picture that we take; the message says why."""


class BrowserCamera:
    """Frames that a browser sends, one browser at a time; the newest one wins.

    The server's thread offers JPEGs; whoever recognises takes frames, and decodes only those.
    """

    source = BROWSER

    def __init__(self) -> None:
        self.ended = False
        self._changed = threading.Condition()
        self._outages: deque[Outage] = deque(maxlen=2)
        self._newest: bytes | None = None
        self._time = datetime.now(timezone.utc)
        self._arrived_s = self._began_s = self._let_in_s = 0.0
        self._number = self._dropped = (
            0  # frames that came, and those of them that were replaced before they were taken
        )
        self._sending = self._was_lost = False

    def take(self, timeout_s: float) -> LiveFrame | Outage | None:
        """The newest frame that was not taken yet, or that the browser left or came back; None if nothing came in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            with self._changed:
                waited = self._changed.wait_for(
                    lambda: self._newest is not None or self._outages or self.ended, deadline - time.monotonic()
                )
                if not waited or self.ended:
                    return None
                if self._outages:
                    return self._outages.popleft()
                data, self._newest = self._newest, None
                number, arrived_s, when = self._number - 1, self._arrived_s, self._time
                stream_s, dropped = arrived_s - self._began_s, self._dropped
            assert data is not None
            image = _decode(data)
            if image is not None:
                return LiveFrame(self.source, number, image, stream_s, when, arrived_s, dropped)

    def close(self) -> None:
        """Take no more; whoever waits gets None."""
        with self._changed:
            self.ended = True
            self._newest = None
            self._changed.notify_all()

    def begin(self) -> bool:
        """A browser wants to send; False where another one does."""
        with self._changed:
            if self._sending or self.ended:
                return False
            self._sending = True
            if self._was_lost:
                self._outage("back", "")
            return True

    def stop(self) -> None:
        """The browser has left."""
        with self._changed:
            self._sending, self._was_lost = False, True
            self._newest = None
            self._outage("lost", "the browser no longer sends its camera")

    def offer(self, data: bytes) -> None:
        """A JPEG has come. Frames that come too fast are left out.

        Raises:
            RefusedFrame: it is too large, in bytes or (once decoded) in pixels, or no JPEG. It is not decoded for that.
        """
        if len(data) > MOST_BYTES:
            raise RefusedFrame(f"{len(data)} bytes; {MOST_BYTES} are taken")
        _check(data)
        now = time.monotonic()
        with self._changed:
            if now < self._let_in_s:
                return
            self._let_in_s = max(self._let_in_s, now - 1 / MOST_PER_S) + 1 / MOST_PER_S
            self._dropped += self._newest is not None
            self._began_s = self._began_s or now
            self._newest, self._arrived_s, self._time = data, now, datetime.now().astimezone()
            self._number += 1
            self._changed.notify_all()

    def _outage(self, event: str, why: str) -> None:
        self._outages.append(Outage(event, self.source, datetime.now().astimezone(), why))
        self._changed.notify_all()


def _check(data: bytes) -> None:
    """Look at the header alone."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
            width, height = picture.size
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RefusedFrame("not a JPEG") from error
    if width * height > MOST_PIXELS:
        raise RefusedFrame(f"{width} × {height} pixels; {MOST_PIXELS} are taken")


def _decode(data: bytes) -> NDArray[np.uint8] | None:
    """RGB, uint8, (H, W, 3); None where it is damaged."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
