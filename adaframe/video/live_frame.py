"""What a live source gives: frames, and news of its being lost and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """One frame of a live source.

    Args:
        source: as named by the user, passwords masked.
        number: frames captured of this source before this one.
        image: RGB, uint8, (H, W, 3), as shown (rotation applied); valid for as long as it is held.
        stream_s: seconds from the source's first frame to this one, over all reconnections; of a file by its time stamps.
        time: when it was captured, with time zone; of a file that is played the start of play plus `stream_s`.
        arrived_s: time.monotonic() when it was captured.
        dropped: frames of this source so far that were replaced by newer ones before anyone took them.
    """

    source: str
    number: int
    image: NDArray[np.uint8] = field(repr=False)
    stream_s: float
    time: datetime
    arrived_s: float
    dropped: int


@dataclass(frozen=True)
class Outage:
    """A source was lost, or is back.

    Args:
        event: lost or back.
        source: as of a LiveFrame.
        time: when that was noticed, with time zone.
        why: of lost: what went wrong, passwords masked.
        retried: of lost: whether it is tried again; a file that cannot be used is not.
    """

    event: str
    source: str
    time: datetime
    why: str = ""
    retried: bool = True
