"""Webcams, by OpenCV."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from adaframe.errors import MissingExtra
from adaframe.video.capture_status import CaptureStatus
from adaframe.video.frame_slot import ToRgb
from adaframe.video.source import SourceLost

_OPENING_S = 30.0  # some need long to wake up
_PROBED = 6  # indices, where the system does not list its cameras
_LINUX = platform.system() == "Linux"
_V4L = Path("/sys/class/video4linux")


def list_cameras() -> list[tuple[int, str]]:
    """Index and name of each webcam of this machine.

    Raises:
        MissingExtra: OpenCV is needed to look for them, and is not installed.
    """
    if _LINUX:
        return _listed(_V4L)
    cv2 = import_cv2()
    found = []
    for index in range(_PROBED):
        capture = cv2.VideoCapture(index)
        if capture.isOpened():
            found.append((index, f"camera {index} ({capture.getBackendName()})"))
        capture.release()
    return found


def _listed(folder: Path) -> list[tuple[int, str]]:
    """Webcams by the system's list. Of one with several nodes, only the first gives pictures."""
    found = []
    for device in folder.glob("video*"):
        with suppress(OSError, ValueError):
            if (device / "index").read_text().strip() in ("0", ""):
                found.append((int(device.name.removeprefix("video")), (device / "name").read_text().strip()))
    return sorted(found)


def import_cv2() -> Any:
    """OpenCV.

    Raises:
        MissingExtra: it is not installed, or lacks a library.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingExtra(
            f"webcams need OpenCV, which cannot be loaded ({error}); try: pip install opencv-python-headless"
        ) from None
    return cv2


def webcam_frames(index: int, status: CaptureStatus, stall_s: float) -> Iterator[ToRgb]:
    """Frames as they come, without an end.

    Raises:
        SourceLost: there is no such camera, or it gives no pictures any more.
        MissingExtra: OpenCV cannot be loaded.
    """
    status.promise(_OPENING_S)
    cv2 = import_cv2()
    capture = cv2.VideoCapture(index)
    try:
        if not capture.isOpened():
            known = ", ".join(f"{i} ({name})" for i, name in list_cameras()) if _LINUX else ""
            raise SourceLost(
                f"no webcam can be opened at index {index}; this machine has: {known or 'none it knows of'}"
            )
        while True:
            status.promise(stall_s)
            fine, image = capture.read()
            if not fine:
                raise SourceLost("the webcam gives no pictures (unplugged, or taken by another program)")
            yield partial(cv2.cvtColor, image, cv2.COLOR_BGR2RGB)
    finally:
        capture.release()
