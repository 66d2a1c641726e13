"""Several views of each video, whose class scores are averaged: clips spread in time, crops spread over the picture.

Letters: W windows, T sampled frames, H×W' pixels, c pixels of the crop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adaframe.config import Preprocess
from adaframe.errors import UsageError
from adaframe.video import ClipRequest

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class ManyViews:
    """How a video is spread into views.

    Args:
        clips: in time; None: the model's own windows, as many as a video holds.
        crops: 1: the centre. 3: left, centre and right of a wide picture, top, centre and bottom of a tall one; the other way
            they are central (SlowFast's test crops, arXiv:1812.03982). 10: the four corners and the centre, each mirrored too
            (TSN, arXiv:1608.00859).

    All are cut, in the model's own crop size, from the one picture that the first resize leaves: the scale stays that of
    training. SlowFast and mmaction2 cut squares as high as that picture, and run their networks on these larger inputs.
    """

    clips: int | None = None
    crops: int = 1

    def check(self, preprocess: Preprocess, model: str) -> None:
        """Raise UsageError where a model sees the whole picture in every crop."""
        if self.crops > 1 and preprocess.fit == "squash" and preprocess.resize == preprocess.crop:
            raise UsageError(
                f"{model}: sees the whole picture, squeezed into a square, so there is nothing to crop; try: --crops 1"
            )

    def request(self, request: ClipRequest) -> ClipRequest:
        """What to read of a file: once for all crops."""
        return replace(request, clips=self.clips, crop=self.crops == 1)

    def cut(self, images: Pictures, side: int) -> Iterator[Pictures]:
        """The crops, uint8, (W, T, c, c, 3) each; places that coincide are looked at once.

        Args:
            images: of `request`, uint8, RGB, (W, T, H, W', 3).
            side: of the crop, c.
        """
        if self.crops == 1:
            yield images
            return
        height, width = images.shape[2:4]
        for top, left in places(height, width, side, self.crops):
            crop = images[:, :, top : top + side, left : left + side]
            yield crop
            if self.crops == 10:
                yield crop[:, :, :, ::-1]

    def words(self) -> list[str]:
        """The options of `adaframe evaluate` that say so."""
        clips = [] if self.clips is None else ["--clips", str(self.clips)]
        return clips + ([] if self.crops == 1 else ["--crops", str(self.crops)])


OWN_WINDOWS = ManyViews()  # as `classify` sees a video


def places(height: int, width: int, side: int, crops: int) -> list[tuple[int, int]]:
    """Top and left of each crop of a picture: 3 along its longer side, or (crops: 10) 4 corners and the centre."""
    down, across = height - side, width - side
    middle = (round(down / 2), round(across / 2))
    if crops == 10:
        found = [(0, 0), (0, across), (down, 0), (down, across), middle]
    elif width >= height:
        found = [(middle[0], 0), middle, (middle[0], across)]
    else:
        found = [(0, middle[1]), middle, (down, middle[1])]
    return list(dict.fromkeys(found))
