"""Webcams; OpenCV and its cameras are played by stand-ins."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from adaframe.errors import MissingExtra
from adaframe.video import webcam
from adaframe.video.capture_status import CaptureStatus
from adaframe.video.source import SourceLost
from adaframe.video.webcam import list_cameras, webcam_frames


def opencv(pictures: list[np.ndarray] | None) -> Any:
    """OpenCV with a camera that gives these pictures, or (None) without one."""
    left = list(pictures or [])

    class Capture:
        def __init__(self, index: int) -> None:
            self.index = index

        def isOpened(self) -> bool:
            return pictures is not None

        def read(self) -> tuple[bool, np.ndarray | None]:
            return (True, left.pop(0)) if left else (False, None)

        def release(self) -> None:
            pass

    return SimpleNamespace(VideoCapture=Capture, COLOR_BGR2RGB=4, cvtColor=lambda image, _: image[..., ::-1])


def test_pictures_come_in_rgb_until_the_camera_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    blue = np.zeros((2, 3, 3), np.uint8)
    blue[..., 0] = 255
    monkeypatch.setitem(sys.modules, "cv2", opencv([blue]))
    frames = webcam_frames(0, CaptureStatus(), 5.0)

    image = next(frames)()

    assert image is not None
    assert image[0, 0].tolist() == [0, 0, 255]
    with pytest.raises(SourceLost, match="unplugged"):
        next(frames)


def test_a_camera_that_is_not_there_is_told_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", opencv(None))
    monkeypatch.setattr(webcam, "list_cameras", lambda: [(0, "Front")])
    monkeypatch.setattr(webcam, "_LINUX", True)

    with pytest.raises(SourceLost, match=r"index 7; this machine has: 0 \(Front\)"):
        next(webcam_frames(7, CaptureStatus(), 5.0))


def test_missing_opencv_is_one_line_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(MissingExtra, match=r"libGL.*pip install opencv-python-headless"):
        next(webcam_frames(0, CaptureStatus(), 5.0))


def test_cameras_are_listed_by_the_first_node_of_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for node, index, name in (("video2", 0, "Rear"), ("video0", 0, "Front"), ("video1", 1, "Front")):
        (tmp_path / node).mkdir()
        (tmp_path / node / "index").write_text(f"{index}\n")
        (tmp_path / node / "name").write_text(f"{name}\n")
    monkeypatch.setattr(webcam, "_V4L", tmp_path)
    monkeypatch.setattr(webcam, "_LINUX", True)

    assert list_cameras() == [(0, "Front"), (2, "Rear")]


def test_cameras_are_looked_for_where_the_system_has_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = opencv([])
    fake.VideoCapture.isOpened = lambda self: self.index in (0, 3)
    fake.VideoCapture.getBackendName = lambda self: "AVF"
    monkeypatch.setitem(sys.modules, "cv2", fake)
    monkeypatch.setattr(webcam, "_LINUX", False)

    assert list_cameras() == [(0, "camera 0 (AVF)"), (3, "camera 3 (AVF)")]
