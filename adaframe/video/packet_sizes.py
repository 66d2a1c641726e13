"""Whether something begins to move in a still scene, told by the sizes of its packets alone."""

from __future__ import annotations

from collections import deque

# Packets: two rounds of what most encoders repeat (a large one and three small ones), or a quarter of a second.
_RUN = 8
_RUNS = 120  # of a still scene that are remembered: more than the usual two seconds between key frames
_FEW = 4  # before these nothing is noticed
# Times the largest of them. In 20 s of a rendered scene with noise of 4 of 255 none was above 1.01 times the largest of the 4 s
# before; where there is no noise, an object of a sixteenth of the width that begins to move makes it 1.7 to 2.5. What noise
# hides is seen with the next picture that is wanted anyway.
_MORE = 1.25


class PacketSizes:
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
