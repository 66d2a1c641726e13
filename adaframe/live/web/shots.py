"""What a camera gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Shot:
    source: str
    number: int
    image: NDArray[np.uint8]
    stream_s: float
    time: datetime
    arrived_s: float
    dropped: int


@dataclass(frozen=True)
class Outage:
    event: str
    source: str
    time: datetime
    why: str
