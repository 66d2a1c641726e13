"""`python -m adaframe.evaluation.live.onsets`: how soon live recognition glances at something that begins in a still scene.

Rendered scenes of 640×480 at 30 frames a second stand still but for a sensor's noise; again and again an object comes up,
moves for two seconds, and is gone. Each is played as if it were a camera. An onset is found with the first glance (or look) at
a frame in which the object is there; its delay runs from the first such frame to the answer. An event that the model then
tells, or does not, is another matter. With --awake capture never dozes: what dozing costs is the difference.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adaframe.cli.parser import positive
from adaframe.cli.standalone import telling_errors
from adaframe.evaluation.speed.decode_films import encode
from adaframe.inference.moment import Moment
from adaframe.inference.recognizer import Recognizer, load
from adaframe.inference.watch import watch
from adaframe.video.cameras import Cameras
from adaframe.video.live_frame import LiveFrame, Outage

_HEIGHT, _WIDTH, _FPS = 480, 640, 30.0
_EVERY_S, _MOVES_S = 5.3, 2.0  # no multiple of a window, nor of the distance of key frames
_SPEED = 120  # pixels a second
_CONTRAST = 50  # of 255


@dataclass(frozen=True)
class Scene:
    """What is played.

    Args:
        noise: standard deviation of the sensor's, of 255.
        pixels: side of the object.
        gop: frames from a key frame to the next.
    """

    noise: int
    pixels: int
    gop: int


SCENES = tuple(Scene(noise, pixels, gop) for noise in (0, 4) for pixels in (40, 320) for gop in (60, 250))


def onsets(count: int) -> list[float]:
    """When the object comes up, in seconds from the start."""
    return [_EVERY_S * (n + 1) for n in range(count)]


def render(path: Path, scene: Scene, count: int) -> Path:
    """Writes the scene, with so many onsets."""
    random = np.random.default_rng(0)
    still = random.integers(64, 192, (_HEIGHT // 16, _WIDTH // 16, 3)).repeat(16, 0).repeat(16, 1)

    def pictures() -> Iterator[NDArray[np.uint8]]:
        for t in range(round((count + 1) * _EVERY_S * _FPS)):
            since_s = (t / _FPS) % _EVERY_S
            seen = still.astype(np.float64)
            if t / _FPS >= _EVERY_S and since_s < _MOVES_S:
                left, top = int(_SPEED * since_s) % (_WIDTH - scene.pixels), (_HEIGHT - scene.pixels) // 2
                seen[top : top + scene.pixels, left : left + scene.pixels] = still.mean() + _CONTRAST
            yield (seen + random.normal(0, scene.noise, seen.shape)).clip(0, 255).astype(np.uint8)

    encode(path, pictures(), fps=_FPS, gop=scene.gop)
    return path


def delays(moments: Sequence[tuple[float, float, str]], starts: Sequence[float]) -> list[float | None]:
    """Seconds from each onset to the first answer from a frame after it that was not skipped; None where it was over by then.

    Args:
        moments: seconds of the stream, delay in seconds, action.
        starts: of the onsets.
    """
    found: list[float | None] = []
    for start_s in starts:
        seen = [
            at_s - start_s + delay_s
            for at_s, delay_s, action in moments
            if start_s - 1e-6 <= at_s < start_s + _MOVES_S and action != "skip"
        ]
        found.append(min(seen, default=None))
    return found


class AwakeCameras:
    """Cameras that are not told when a picture stands still, so that capture decodes all of it.

    Args:
        sources: what is played.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self._cameras = Cameras(sources)

    @property
    def ended(self) -> bool:
        return self._cameras.ended

    def take(self, timeout_s: float) -> list[LiveFrame | Outage]:
        return self._cameras.take(timeout_s)

    def close(self) -> None:
        self._cameras.close()


def measure(model: Recognizer, path: Path, count: int, *, awake: bool = False) -> list[float | None]:
    """Play a scene, `awake`: with capture that never dozes; a delay for each onset."""
    cameras = AwakeCameras([str(path)]) if awake else None
    told = [one for one in watch(model, [str(path)], cameras=cameras) if isinstance(one, Moment)]
    return delays([(one.stream_s, one.delay_s, one.action) for one in told], onsets(count))


def as_text(rows: Sequence[tuple[Scene, Sequence[float | None]]]) -> str:
    """A table."""
    lines = ["noise  object  key frame every  found   median s  longest s"]
    for scene, found in rows:
        seen = [delay for delay in found if delay is not None]
        middle, longest = (f"{f(seen):.2f}" if seen else "–" for f in (np.median, max))
        of_all = f"{len(seen)} of {len(found)}"
        lines.append(
            f"{scene.noise:>5}  {scene.pixels:>3} px  {scene.gop:>9} frames  {of_all}  {middle:>7}  {longest:>9}"
        )
    return "\n".join(lines)


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.live.onsets", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="model (default: the bundled example)")
    parser.add_argument("--onsets", type=positive, default=5, metavar="N", help="in each scene (default: %(default)s)")
    parser.add_argument("--awake", action="store_true", help="never let capture doze")
    args = parser.parse_args(argv)
    model = load(args.checkpoint, device="cpu")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for scene in SCENES:
            path = render(Path(folder) / "scene.mp4", scene, args.onsets)
            rows.append((scene, measure(model, path, args.onsets, awake=args.awake)))
            print(as_text(rows[-1:]).splitlines()[-1], file=sys.stderr)
    print(as_text(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
