"""What the tests of `adaframe classify` share: recognition is replaced, so that only the command is tested."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adaframe.errors import AdaframeError, UnreadableVideo, VideoError


@dataclass
class Answer:
    """Stands in for a Prediction: `fight` for each file."""

    path: str
    warnings: tuple[str, ...] = ()

    def to_json(self, top_k: int) -> dict[str, Any]:
        top = [{"label": "fight", "confidence": 0.93}, {"label": "no-fight", "confidence": 0.07}]
        return {
            "path": self.path,
            "label": "fight",
            "confidence": 0.93,
            "unsure": False,
            "top": top[:top_k],
            "frames": [
                {"index": 4, "time_s": 0.16, "action": "look-160"},
                {"index": 12, "time_s": 0.48, "action": "skip"},
                {"index": 20, "time_s": 0.8, "action": "glance"},
            ],
            "gmacs": 1.23,
            "gmacs_uniform": 4.87,
            "seconds": {"decode": 0.05, "model": 0.11},
        }

    def draw(self, path: str) -> None:
        Path(path).write_text(f"strip of {self.path}")


@dataclass
class Metadata:
    classes: tuple[str, ...] = ("fight", "no-fight")
    scope: str = "Surveillance cameras only."

    def beta_for(self, budget: float | None) -> float:
        if budget == 0.01:
            raise AdaframeError("budget 0.01 is below what this model can do")
        return 0.0


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Recognition is replaced: files whose name has `bad` fail, `odd` gets a warning. What it was asked for."""
    asked: dict[str, Any] = {"answered": []}

    def classify_paths(paths: list[str], **named: Any) -> Iterator[Answer | VideoError]:
        asked.update(named, paths=list(paths))
        for path in paths:
            asked["answered"].append(path)
            if "bad" in path:
                yield UnreadableVideo(path, "no frame could be decoded", "ffprobe")
            else:
                yield Answer(path, ("2 frames are damaged",) if "odd" in path else ())

    folder, metadata = types.ModuleType("adaframe.inference.folder"), types.ModuleType("adaframe.model.metadata")
    folder.classify_paths = classify_paths  # type: ignore[attr-defined]
    metadata.read_metadata = lambda path: Metadata()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, folder.__name__, folder)
    monkeypatch.setitem(sys.modules, metadata.__name__, metadata)
    monkeypatch.chdir(tmp_path)
    for name in (
        "m.safetensors",
        "b.mp4",
        "a.mp4",
        "bad.mp4",
        "odd.mp4",
        "notes.txt",
        "films/d.MOV",
        "films/deep/c.mp4",
        "films/.h.mp4",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "empty").mkdir()
    return asked


@pytest.fixture
def row() -> dict[str, Any]:
    """A line of `--json`, with two classes and three frames."""
    return Answer("a.mp4").to_json(2)
