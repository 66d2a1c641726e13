"""Packets -> pictures, and a sleep in between: while nobody needs a picture, packets are held back undecoded.

    awake     every packet is decoded as it comes
    dozing    key frame ────────────────> what was held is let go, undecoded; the key frame alone is decoded and given
              time is up, much is held ─> what is held is decoded in order, and the newest given
              packets grow ─────────────> the same, and awake
              any other packet ─────────> is held

Whoever takes the pictures gives leave to doze each time when one shows what the one before did.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from adaframe.video.leave import Leave, Rest
from adaframe.video.picture import decoded, drained
from adaframe.video.status import Status

_BYTES = 8 << 20  # held at most
_CATCH_UP_S = 0.25  # of decoding at most: a slow decoder that held more would fall behind its stream
_REPLY_S = 0.25  # from a picture to what its taker says of it
# Packets: two rounds of what most encoders repeat (a large one and three small ones), or a quarter of a second.
_RUN = 8
_RUNS = 120  # of a still scene that are remembered: more than the usual two seconds between key frames
_FEW = 4  # before these nothing is noticed
# Times the largest of them. In 20 s of a rendered scene with noise of 4 of 255 none was above 1.01 times the largest of the 4 s
# before; where there is no noise, an object of a sixteenth of the width that begins to move makes it 1.7 to 2.5. What noise
# hides is seen with the next picture that is wanted anyway.
_MORE = 1.25


class Sizes:
    """How large packets are that are no key frames; notices when a run of them is larger than those of a still scene."""

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=_RUN)
        self._young: deque[int] = deque()  # runs that share packets with the latest
        self._runs: deque[int] = deque(maxlen=_RUNS)

    def grow(self, size: int, *, still: bool) -> bool:
        """Notes the size of a packet, in bytes; whether it ends a run that is clearly larger than those remembered.

        Of a scene that is not known to be still nothing is remembered: it would hide what moves next.
        """
        if not still:
            for kept in (self._last, self._young, self._runs):
                kept.clear()
            return False
        self._last.append(size)
        if len(self._last) < _RUN:
            return False
        run = sum(self._last)
        more = len(self._runs) >= _FEW and run > _MORE * max(self._runs)
        self._young.append(run)
        if len(self._young) == _RUN:
            self._runs.append(self._young.popleft())
        return more


class Doze:
    """A decoder that may doze.

    Args:
        codec: libav's context of the decoder, with one thread.
        leave: to doze.
        status: counts pictures that were left out.
        wait: waits until a time stamp is due, in seconds, where packets do not come in their time by themselves.
    """

    def __init__(self, codec: Any, leave: Leave, status: Status, wait: Callable[[float], None] | None = None) -> None:
        self._codec, self._leave, self._status, self._wait = codec, leave, status, wait
        self._sizes = Sizes()
        self._held: list[Any] = []
        self._bytes = 0
        self._shown: int | None = None  # time stamp of a key frame that was given already, and comes out again
        self._used: Rest | None = None  # a leave that something stirring ended
        self._given_s = 0.0  # when there was a picture last
        self._packet_s = 0.0  # what decoding one takes
        self._begun = False

    @property
    def holds(self) -> bool:
        """Whether packets are held back."""
        return bool(self._held)

    def frames(self, packet: Any) -> Iterator[Any]:
        """Frames that a packet brings out, those of held packets before; none while dozing.

        A packet without a time stamp, as the one that ends a file, is decoded at once.
        """
        self._leave.possible = packet.pts is not None
        if self._begun and self._leave.possible and self._wait is not None and self._rest() is not None:
            self._wait(float(packet.pts * packet.time_base))
        rest = self._rest() if self._begun and self._leave.possible else None
        stirs = not packet.is_keyframe and self._sizes.grow(packet.size, still=self._leave.rest is not None)
        if rest is None:
            yield from self._caught_up(packet)
        elif packet.is_keyframe:
            yield from self._at_key(packet, rest)
        elif stirs:
            self._used = rest
            yield from self._caught_up(packet)
        elif time.monotonic() >= max(rest.before_s, self._given_s + _REPLY_S) or self._is_much(packet):
            yield from self._caught_up(packet)
        else:
            self._hold(packet)

    def _rest(self) -> Rest | None:
        rest = self._leave.rest
        return None if rest is self._used else rest

    def _hold(self, packet: Any) -> None:
        self._held.append(packet)
        self._bytes += packet.size

    def _is_much(self, packet: Any) -> bool:
        return self._bytes + packet.size > _BYTES or (len(self._held) + 1) * self._packet_s > _CATCH_UP_S

    def _caught_up(self, packet: Any) -> Iterator[Any]:
        """The frames of a packet, or the newest one of it and of all that is held."""
        packets = [*self._held, packet]
        self._held, self._bytes = [], 0
        frames = [frame for one in packets for frame in self._decode(one)]
        if len(packets) > 1:
            self._status.leave_out(len(frames[:-1]))
            frames = frames[-1:]
        if frames:
            self._begun, self._given_s = True, time.monotonic()
        yield from frames

    def _at_key(self, packet: Any, rest: Rest) -> Iterator[Any]:
        """What was held is not needed any more; the key frame is given, if it is welcome, and held: others will refer to it."""
        given = bool(self._held) and self._held[0].pts == self._shown
        self._status.leave_out(len(self._held) - given)
        self._held, self._bytes = [packet], packet.size
        if time.monotonic() < rest.after_s:
            return
        # What the decoder kept in order to sort it comes out first: it is older than what was left out.
        frames = [*self._decode(packet), *self._new(drained(self._codec))]
        frame = next((frame for frame in frames if frame.pts == packet.pts), None)
        self._status.leave_out(len(frames) - (frame is not None))
        if frame is not None:
            frame.time_base = packet.time_base
            self._shown, self._given_s = packet.pts, time.monotonic()
            yield frame

    def _decode(self, packet: Any) -> list[Any]:
        started = time.thread_time()
        frames = self._new(decoded(packet))
        self._packet_s += 0.1 * (time.thread_time() - started - self._packet_s)
        return frames

    def _new(self, frames: Iterator[Any]) -> list[Any]:
        """Those that were not given already."""
        return [frame for frame in frames if self._shown is None or frame.pts != self._shown]
