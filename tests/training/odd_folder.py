"""A folder of clips as people have them: unbalanced classes, sizes from 48 pixels on, lengths, damage, names in any script.

python tests/training/odd_folder.py DIR [CLIPS]     renders 300 clips of 5 classes (under a minute)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

SHARES = {
    "balle qui roule": 0.4,
    "мяч прыгает": 0.27,
    "箱が大きくなる": 0.18,
    "stripes turn": 0.1,
    "leerer Schirm": 0.05,
}
SIZES = [(48, 64), (64, 48), (160, 120), (320, 240), (240, 426), (112, 112)]  # width, height
RATES = (12, 15, 25, 30)
Shape = Callable[[NDArray[np.float64], NDArray[np.float64], float, float], NDArray[np.bool_]]

# x, y: place in the picture from -1 to 1; t: time from 0 to 1; p: where the clip starts. Which pixels the thing covers.
SHAPES: dict[str, Shape] = {
    "balle qui roule": lambda x, y, t, p: np.hypot(x - 1.6 * ((t + p) % 1) + 0.8, y - p + 0.5) < 0.35,
    "мяч прыгает": lambda x, y, t, p: np.hypot(x - p + 0.5, y + 0.6 - 1.4 * abs(np.sin(6 * (t + p)))) < 0.35,
    "箱が大きくなる": lambda x, y, t, p: np.maximum(abs(x - p / 2), abs(y)) < 0.15 + 0.6 * t,
    "stripes turn": lambda x, y, t, p: np.sin(14 * (x * np.cos(3 * (t + p)) + y * np.sin(3 * (t + p)))) > 0.3,
    "leerer Schirm": lambda x, y, t, p: np.zeros(np.broadcast(x, y).shape, dtype=bool),
}


def render(path: Path, shape: Shape, rng: np.random.Generator) -> None:
    """One clip of one to three seconds."""
    width, height = SIZES[rng.integers(len(SIZES))]
    rate, seconds, start = int(rng.choice(RATES)), rng.uniform(1, 3), rng.uniform()
    colours = rng.integers(40, 216, (2, 3))
    x, y = np.linspace(-1, 1, width)[None], np.linspace(-1, 1, height)[:, None]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "24", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = width, height, "yuv420p", 1
        for n in range(max(int(rate * seconds), 2)):
            inside = shape(x, y, n / rate / 2, start)
            picture = np.where(inside[..., None], colours[0], colours[1]) + rng.normal(0, 12, (height, width, 1))
            frame = av.VideoFrame.from_ndarray(np.clip(picture, 0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def odd_folder(root: Path, *, clips: int = 300, damaged: int = 8, seed: int = 0) -> Path:
    """Render `root/<class>/<name>.mp4`; so many files more are damaged, or no videos at all."""
    rng = np.random.default_rng(seed)
    made: list[Path] = []
    for label, share in SHARES.items():
        (root / label).mkdir(parents=True, exist_ok=True)
        for n in range(max(round(clips * share), 2)):
            path = root / label / (f"clip {n:03d}.mp4", f"séance_{n:03d} (1).mp4", f"№{n:03d}.mp4")[n % 3]
            render(path, SHAPES[label], rng)
            made.append(path)
    for n in range(damaged):
        source = made[int(rng.integers(len(made)))]
        whole = source.read_bytes()
        content = (b"", b"no video", whole[: len(whole) // 3], whole[:40] + bytes(200))[n % 4]
        source.with_name(f"damaged {n}.mp4").write_bytes(content)
    return root


if __name__ == "__main__":
    odd_folder(Path(sys.argv[1]), clips=int(sys.argv[2]) if len(sys.argv) > 2 else 300)
