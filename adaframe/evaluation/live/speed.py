"""`python -m adaframe.evaluation.live.speed`: delay and load of live recognition on this machine.

A rendered file is played as if it were a camera (640×480 at 30 frames a second): a texture that drifts, so that nothing
stands still, or a scene that does, with a sensor's noise. Delay is from the capture of a frame to its label, of every sampled
frame, also those that are skipped. Load is processor time of this process and the ones that capture, as a share of one core,
after the first seconds; `model` is this process alone. `capture alone` takes as many frames a second, and does nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adaframe.cli.parser import fraction, positive, seconds
from adaframe.cli.standalone import telling_errors
from adaframe.evaluation.speed.decode_films import encode
from adaframe.inference.cpu_load import cpu_seconds
from adaframe.inference.moment import Moment
from adaframe.inference.recognizer import Recognizer, load
from adaframe.inference.watch import watch
from adaframe.model.plans import parse_plan
from adaframe.video.cameras import Cameras

_SIZE, _FPS, _GOP, _NOISE = (480, 640), 30.0, 60, 4.0
_WARM_S = 3.0  # that do not count
_PACE_S = 0.125  # of `capture alone`
_READ_S = 0.5  # from one reading to the next: the clocks of all processes take time, too


@dataclass(eq=False)
class Played:
    """What was measured.

    Args:
        name: of the setting.
        delays_s: of the sampled frames.
        actions: how often each was chosen.
        dropped: sampled frames that were missed.
        load: share of one core, with the processes that capture.
        model: of this process alone.
    """

    name: str
    delays_s: list[float] = field(default_factory=list)
    actions: Counter[str] = field(default_factory=Counter)
    dropped: int = 0
    load: float = 0.0
    model: float = 0.0


class _Meter:
    """Load since the first seconds are over, from when it is first asked."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._from: tuple[float, float, float] | None = None
        self._next = 0.0

    def warm(self) -> bool:
        if self._first is None:
            self._first = time.monotonic()
        if self._from is None and time.monotonic() - self._first >= _WARM_S:
            self._from = self._now()
        return self._from is not None

    def read(self, played: Played) -> None:
        """Notes loads until now, if it is time."""
        assert self._from is not None
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _READ_S
        wall, everything, own = np.subtract(self._now(), self._from).tolist()
        played.load, played.model = everything / wall, own / wall

    @staticmethod
    def _now() -> tuple[float, float, float]:
        return time.monotonic(), cpu_seconds(), time.process_time()


def render(path: Path, *, moving: bool, lasts_s: float) -> Path:
    """Writes what is played."""
    height, width = _SIZE
    random = np.random.default_rng(0)
    picture = random.integers(64, 192, (height // 8, width // 8, 3)).astype(np.uint8).repeat(16, 0).repeat(16, 1)

    def pictures() -> Iterator[NDArray[np.uint8]]:
        for t in range(round(lasts_s * _FPS)):
            shift = t if moving else 0
            seen = picture[shift % height :][:height, (shift // 2) % width :][:, :width]
            yield (seen + random.normal(0, _NOISE, seen.shape)).clip(0, 255).astype(np.uint8)

    encode(path, pictures(), fps=_FPS, gop=_GOP)
    return path


def play(
    name: str, model: Recognizer, sources: Sequence[str], *, lasts_s: float, budget: float | None = None
) -> Played:
    """Recognise sources for some seconds."""
    played = Played(name)
    meter = _Meter()
    dropped: dict[str, list[int]] = {}
    for moment in watch(model, sources, budget=budget, max_seconds=_WARM_S + lasts_s):
        if isinstance(moment, Moment) and meter.warm():
            played.delays_s.append(moment.delay_s)
            played.actions[moment.action] += 1
            dropped.setdefault(moment.source, []).append(moment.dropped)
            meter.read(played)
    played.dropped = sum(counts[-1] - counts[0] for counts in dropped.values())
    return played


def capture_alone(sources: Sequence[str], *, lasts_s: float) -> Played:
    """Take frames for some seconds."""
    played = Played("capture alone")
    with Cameras(sources) as cameras:
        cameras.take(60.0)
        meter, until = _Meter(), time.monotonic() + _WARM_S + lasts_s
        while time.monotonic() < until and not cameras.ended:
            time.sleep(_PACE_S)
            cameras.take(_PACE_S)
            if meter.warm():
                meter.read(played)
    return played


def as_text(rows_: Sequence[Played], looks: Sequence[str]) -> str:
    """A table; shares are of the sampled frames."""
    rows: list[tuple[str, ...]] = [
        ("", "p50 ms", "p95 ms", "looked", "glanced", "skipped", "dropped", "load of a core", "model")
    ]
    for one in rows_:
        total = sum(one.actions.values())
        if not total:
            rows.append((one.name, *[""] * 6, f"{one.load:.3f}", f"{one.model:.3f}"))
            continue
        p50, p95 = np.quantile(one.delays_s, (0.5, 0.95)).tolist()
        shares = [sum(one.actions[look] for look in looks), one.actions["glance"], one.actions["skip"], one.dropped]
        cells = [f"{1e3 * p50:.1f}", f"{1e3 * p95:.1f}", *(f"{s / total:.3f}" for s in shares)]
        rows.append((one.name, *cells, f"{one.load:.3f}", f"{one.model:.3f}"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    )


def measure(
    checkpoint: Path | None, budgets: Sequence[float], *, cameras: int, lasts_s: float, folder: Path
) -> tuple[list[Played], tuple[str, ...]]:
    """Each setting for so many seconds; and the names of the looks."""
    moving = render(folder / "moving.mp4", moving=True, lasts_s=lasts_s + 3 * _WARM_S)
    still = render(folder / "still.mp4", moving=False, lasts_s=lasts_s + 3 * _WARM_S)
    files: dict[str, list[str]] = {}
    for path in (moving, still):
        copies = [path, *(path.with_stem(f"{path.stem}-{n}") for n in range(1, cameras))]
        for copy in copies[1:]:
            copy.write_bytes(path.read_bytes())
        files[path.stem] = [str(copy) for copy in copies]
    model, uniform = (load(checkpoint, device="cpu") for _ in range(2))
    uniform.network.plan = parse_plan("uniform", uniform.metadata.model)
    points = uniform.metadata.calibration
    floor = min((point.cost for point in points), default=0.0)
    rows = [capture_alone(files["moving"], lasts_s=lasts_s)]
    for budget in budgets:
        name = f"budget {budget:g}" if budget >= floor else f"budget {budget:g}: the floor, {floor:.3f}"
        if len(points) == 1:
            name = f"budget {budget:g}: the only point, {floor:.3f}"
        rows.append(play(name, model, files["moving"], lasts_s=lasts_s, budget=max(budget, floor)))
    rows.append(play("uniform", uniform, files["moving"], lasts_s=lasts_s))
    rows.append(play("own budget, static scene", model, files["still"], lasts_s=lasts_s))
    rows.append(play("uniform, static scene", uniform, files["still"], lasts_s=lasts_s))
    return rows, model.network.actions.looks


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Render, play, print the table."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.live.speed", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="model (default: the bundled example)")
    parser.add_argument("--cameras", type=positive, default=1, metavar="N", help="at once (default: %(default)s)")
    parser.add_argument("--budget", type=fraction, nargs="*", default=[0.1, 0.5, 1.0], metavar="F")
    parser.add_argument("--seconds", type=seconds, default=12.0, metavar="S", help="of each (default: %(default)s)")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        rows, looks = measure(
            args.checkpoint, args.budget, cameras=args.cameras, lasts_s=args.seconds, folder=Path(folder)
        )
    print(f"{args.cameras} camera(s), {_SIZE[1]}×{_SIZE[0]} at {_FPS:g} frames a second, {args.seconds:g} s each")
    print(as_text(rows, looks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
