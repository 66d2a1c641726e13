"""Packets -> pictures, and a sleep in between: while nobody needs a picture, packets are held back undecoded.

    awake     every packet is decoded as it comes
    dozing    key frame ────────────────> what was held is let go, undecoded; the key frame alone is decoded and given
              time is up, much is held ─> what is held is decoded in order, and the newest given
              packets grow ─────────────> the same, and awake
              any other packet ─────────> is held

Whoever takes the pictures permits it each time when one shows what the one before did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from adaframe.video.capture_status import CaptureStatus
from adaframe.video.doze_permission import Doze, DozePermission
from adaframe.video.packet_sizes import PacketSizes
from adaframe.video.picture import decoded, drained

_BYTES = 8 << 20  # held at most
_CATCH_UP_S = 0.25  # of decoding at most: a slow decoder that held more would fall behind its stream
_REPLY_S = 0.25  # from a picture to what its taker says of it


class DozingDecoder:
    """A decoder that may doze.

    Args:
        codec: libav's context of the decoder, with one thread.
        permission: to doze.
        status: counts pictures that were left out.
        wait: waits until a time stamp is due, in seconds, where packets do not come in their time by themselves.
    """

    def __init__(
        self, codec: Any, permission: DozePermission, status: CaptureStatus, wait: Callable[[float], None] | None = None
    ) -> None:
        self._codec, self._permission, self._status, self._wait = codec, permission, status, wait
        self._sizes = PacketSizes()
        self._held: list[Any] = []
        self._bytes = 0
        self._shown: int | None = None  # time stamp of a key frame that was given already, and comes out again
        self._used: Doze | None = None  # one that something stirring ended
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
        self._permission.possible = packet.pts is not None
        if self._begun and self._permission.possible and self._wait is not None and self._doze() is not None:
            self._wait(float(packet.pts * packet.time_base))
        doze = self._doze() if self._begun and self._permission.possible else None
        stirs = not packet.is_keyframe and self._sizes.grow(packet.size, still=self._permission.doze is not None)
        if doze is None:
            yield from self._caught_up(packet)
        elif packet.is_keyframe:
            yield from self._at_key(packet, doze)
        elif stirs:
            self._used = doze
            yield from self._caught_up(packet)
        elif time.monotonic() >= max(doze.before_s, self._given_s + _REPLY_S) or self._is_much(packet):
            yield from self._caught_up(packet)
        else:
            self._hold(packet)

    def _doze(self) -> Doze | None:
        doze = self._permission.doze
        return None if doze is self._used else doze

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

    def _at_key(self, packet: Any, doze: Doze) -> Iterator[Any]:
        """What was held is not needed any more; the key frame is given, if it is welcome, and held: others will refer to it."""
        given = bool(self._held) and self._held[0].pts == self._shown
        self._status.leave_out(len(self._held) - given)
        self._held, self._bytes = [packet], packet.size
        if time.monotonic() < doze.after_s:
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
