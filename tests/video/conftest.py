"""Videos that the tests render themselves."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

# Tests, and the decoding processes that they start, import what lies beside this file by its name.
sys.path.insert(0, str(Path(__file__).parent))
from video_shades import shade

Render = Callable[..., Path]


@pytest.fixture
def render(tmp_path: Path) -> Render:
    """Renders an H.264 file whose frame i is of grey level shade(i), brighter in its upper left quarter."""

    def make(
        name: str = "video.mp4",
        frames: int = 50,
        *,
        fps: int = 25,
        size: tuple[int, int] = (64, 96),
        gop: int = 12,
        rotate: int = 0,
        codec: str = "libx264",
        times: list[int] | None = None,
    ) -> Path:
        path = tmp_path / name
        height, width = size
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=fps)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            if codec == "libx264":
                stream.options = {"crf": "12", "g": str(gop), "bf": "3"}
            if rotate:
                stream.set_display_rotation(rotate)
            for i in range(frames):
                picture = np.full((height, width, 3), shade(i), np.uint8)
                picture[: height // 2, : width // 2] = min(255, shade(i) + 16)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts = i if times is None else times[i]
                frame.time_base = Fraction(1, fps)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return make


@pytest.fixture
def sound_only(tmp_path: Path) -> Path:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        for i in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, 1024 * i
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = os.environ.get("ADAFRAME_TEST_DATA")
    if not folder:
        pytest.skip("ADAFRAME_TEST_DATA is not set")
    return Path(folder)
