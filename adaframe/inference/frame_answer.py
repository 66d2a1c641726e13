"""What the model says at a sampled frame of a stream. Letter: K classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FrameAnswer:
    """What the model says at a sampled frame.

    Args:
        likely: confidence of each class, softmax or sigmoid, 0..1, float64, (K,).
        strangeness: distance of what was seen over the last window from the training clips.
        action: a look's name, glance or skip.
        macs: executed for this frame.
        macs_uniform: of looking in full at all frames of the model's nominal spacing since the last answer.
        missed: frames that should have been decided about between the last one and this, but did not come in time.
    """

    likely: NDArray[np.float64]
    strangeness: float
    action: str
    macs: float
    macs_uniform: float
    missed: int
