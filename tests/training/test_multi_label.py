"""Several labels a clip, or none: from the manifest to classify and evaluate."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

import adaframe
from adaframe.cli.main import main
from adaframe.config import Config, Stages
from adaframe.model.metadata import read_metadata
from adaframe.training.fit import fit

MakeConfig = Callable[..., Config]


def render(path: Path, *, bright: bool, square: bool, seed: int) -> None:
    """Eight frames of noise: bright or dark, with a coloured square in the middle or without."""
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": "10", "preset": "ultrafast"})
        stream.width = stream.height = 32
        stream.pix_fmt, stream.thread_count = "yuv420p", 1
        base, (left, top) = (170 if bright else 60) + int(rng.integers(-20, 21)), rng.integers(4, 13, 2)
        for _ in range(8):
            picture = base + rng.normal(0, 6, (32, 32, 3))
            if square:
                picture[top : top + 14, left : left + 14] = (220, 30, 200)
            frame = av.VideoFrame.from_ndarray(np.clip(picture, 0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def render_set(folder: Path, *, train: int = 36, val: int = 16, folds: int = 0) -> Path:
    """All four combinations of `bright` and `square` equally often; `rare` holds for two training clips alone."""
    lines = ["path,label,split" if not folds else "path,label,fold"]
    for n in range(train + val):
        bright, square = bool(n % 2), bool(n // 2 % 2)
        render(folder / f"{n:02d}.mp4", bright=bright, square=square, seed=n)
        labels = ["bright"] * bright + ["square"] * square + ["rare"] * (n in (4, 8))
        lines.append(f"{n:02d}.mp4,{'|'.join(labels)},{n // 4 % folds if folds else 'train' if n < train else 'val'}")
    manifest = folder / "clips.csv"
    manifest.write_text("\n".join(lines) + "\n")
    return manifest
