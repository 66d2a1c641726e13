"""Milliseconds of a model's parts on one machine: a table as measured, and what a budget counts by it.

Letters: T sampled frames, S sources.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adaframe.config import Glance, Look, Model
from adaframe.config_io import from_dict, to_dict
from adaframe.errors import UsageError
from adaframe.files import write_text
from adaframe.model.cost import Costs

FORMAT = "adaframe-latency-1"


@dataclass(frozen=True)
class PartTime:
    """One backbone at one size.

    Args:
        name: of the look, or "glance".
        backbone: whose it is,
        pixels: and the side of its pictures.
        macs: of a picture.
        pictures: of a video, in each measurement.
        ms: for each video, median over the rounds, with resizing.
    """

    name: str
    backbone: str
    pixels: int
    macs: float
    pictures: tuple[int, ...]
    ms: tuple[float, ...]

    @property
    def line(self) -> tuple[float, float]:
        """Milliseconds that it takes once for a video, and for each picture."""
        return fitted(self.pictures, self.ms)


@dataclass(frozen=True)
class LatencyTable:
    """What was measured, where and how.

    Args:
        machine: processor, cores, threads and torch's version, in words.
        device: as torch names it.
        threads: of torch.
        torch: its version.
        date: of the measurement, ISO 8601.
        batch: videos at once; all milliseconds are for one of them.
        frames: T, of a video.
        rounds: behind each median.
        glance: of all T frames.
        looks: of the model.
        policy_ms: a step, without its backbone.
        head_ms: projections and class scores of a video.
    """

    machine: str
    device: str
    threads: int
    torch: str
    date: str
    batch: int
    frames: int
    rounds: int
    glance: PartTime
    looks: tuple[PartTime, ...]
    policy_ms: float
    head_ms: float

    def costs(self, macs: Costs) -> Costs:
        """The milliseconds in the place of a model's MACs: prices of frames, starts of looks, and the head's for a video.

        All frames of a file are glanced at together, so the glance's start is in the price of its frames.
        """
        answers = len(macs.project) - len(self.looks)
        starts, pictures = zip(*(look.line for look in self.looks), strict=True)
        return Costs(
            glance=self.glance.ms[-1] / self.glance.pictures[-1],
            policy=self.policy_ms,
            looks=pictures,
            project=(0.0,) * len(macs.project),
            head=self.head_ms,
            starts=starts + (0.0,) * answers,
            uniform_look=macs.strongest,
            counted="latency",
            by=f"{self.machine}, {self.batch} at once, {self.date}",
        )

    def check(self, model: Model, where: str) -> None:
        """Raise UsageError unless it is about this model's parts."""
        wanted: list[Glance | Look] = [model.glance, *model.looks]
        parts = [(part.backbone, part.pixels) for part in (self.glance, *self.looks)]
        frames = model.sampling.frames
        if parts != [(part.backbone, part.pixels) for part in wanted] or frames != self.frames:
            had = ", ".join(f"{backbone} at {pixels}" for backbone, pixels in parts)
            raise UsageError(
                f"{where}: measured for another model ({had}; {self.frames} frames); "
                f"try: adaframe bench --config FILE --latency-table {where}"
            )


def fitted(pictures: Sequence[int], ms: Sequence[float]) -> tuple[float, float]:
    """Start and slope, in ms, of the line through measured times that is nearest in proportion; neither is below 0."""
    n, times = np.asarray(pictures, float), np.asarray(ms, float)
    (start, slope), *_ = np.linalg.lstsq(np.stack([1 / times, n / times], axis=1), np.ones(len(n)), rcond=None)
    if start < 0 or len(n) == 1:
        start, slope = 0.0, float((n / times).sum() / ((n / times) ** 2).sum())
    if slope < 0:
        start, slope = float((1 / times).sum() / ((1 / times) ** 2).sum()), 0.0
    return float(start), float(slope)


def write_table(table: LatencyTable, path: str | Path) -> None:
    """As JSON, whole or not at all; raises AdaframeError."""
    write_text(Path(path), json.dumps({"format": FORMAT, **to_dict(table)}, indent=1) + "\n")


def read_table(path: str | Path) -> LatencyTable:
    """The table in a file.

    Raises:
        UsageError: there is none, or it is not one that `adaframe bench --latency-table` wrote.
    """
    again = f"try: adaframe bench --latency-table {path}"
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); {again}") from None
    except ValueError:
        raise UsageError(f"{path}: is no JSON, so no table of latencies; {again}") from None
    if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
        raise UsageError(f"{path}: is no table of latencies (or of another version); {again}")
    table = from_dict(LatencyTable, values, where=str(path))
    for part in (table.glance, *table.looks):
        if len(part.pictures) != len(part.ms) or not part.ms or min(part.ms) <= 0:
            raise UsageError(f"{path}: {part.name}: needs as many times above 0 as numbers of pictures; {again}")
    if not table.looks:
        raise UsageError(f"{path}: has no looks; {again}")
    return table
