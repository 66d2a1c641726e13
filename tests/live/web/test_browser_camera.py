from __future__ import annotations

import io
import threading
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from adaframe.live.web import browser_camera as module
from adaframe.live.web.browser_camera import BrowserCamera, RefusedFrame
from adaframe.video.live_frame import LiveFrame, Outage


def coded(kind: str = "JPEG", size: tuple[int, int] = (64, 36), grey: int = 100) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, (grey,) * 3).save(target, kind)
    return target.getvalue()


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> BrowserCamera:
    monkeypatch.setattr(module, "MOST_PER_S", 1e6)
    camera = BrowserCamera()
    assert camera.begin()
    return camera


def test_the_newest_frame_is_taken_and_those_before_it_are_counted(camera: BrowserCamera) -> None:
    for grey in (10, 20, 30):
        camera.offer(coded(grey=grey))
        time.sleep(0.001)

    shot = camera.take(0)

    assert isinstance(shot, LiveFrame)
    assert (shot.source, shot.number, shot.dropped, shot.image.shape) == ("browser", 2, 2, (36, 64, 3))
    assert abs(int(shot.image[0, 0, 0]) - 30) < 4
    assert shot.time.tzinfo is not None
    assert camera.take(0) is None


def test_taking_waits_for_a_frame(camera: BrowserCamera) -> None:
    threading.Timer(0.05, camera.offer, [coded()]).start()

    assert isinstance(camera.take(10), LiveFrame)


def test_a_browser_that_leaves_is_an_outage_until_one_comes(camera: BrowserCamera) -> None:
    camera.offer(coded())
    camera.stop()
    assert camera.begin()

    said: list[Any] = [camera.take(0), camera.take(0), camera.take(0)]

    assert all(isinstance(one, Outage) for one in said[:2])
    assert [one.event for one in said[:2]] == ["lost", "back"]
    assert said[2] is None  # the frame of before the loss is not live


def test_one_browser_sends_at_a_time(camera: BrowserCamera) -> None:
    assert not camera.begin()
    camera.stop()
    assert camera.begin()


def test_closing_ends_whoever_waits(camera: BrowserCamera) -> None:
    threading.Timer(0.05, camera.close).start()

    assert camera.take(10) is None
    assert camera.ended
    assert not BrowserCamera().ended


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", b"GIF89a", coded("PNG"), coded("GIF"), coded("TIFF"), b"<svg/>"]
)
def test_only_jpegs_are_taken(camera: BrowserCamera, data: bytes) -> None:
    with pytest.raises(RefusedFrame, match="not a JPEG"):
        camera.offer(data)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(camera: BrowserCamera, monkeypatch: Any) -> None:
    small = coded(size=(1, 1))
    at = small.index(b"\xff\xc0") + 5
    bomb = small[:at] + (40000).to_bytes(2, "big") * 2 + small[at + 4 :]  # the header says 40000 × 40000
    large = coded(size=(1921, 1201))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("it was decoded"))

    for data in (bomb, large):
        with pytest.raises(RefusedFrame, match=r"pixels|not a JPEG"):
            camera.offer(data)


def test_too_many_bytes_are_refused(camera: BrowserCamera) -> None:
    with pytest.raises(RefusedFrame, match="bytes"):
        camera.offer(coded() + bytes(module.MOST_BYTES))


def test_a_damaged_frame_is_passed_over(camera: BrowserCamera) -> None:
    camera.offer(coded(size=(640, 360))[:700])

    assert camera.take(0) is None


def test_frames_that_come_too_fast_are_left_out(camera: BrowserCamera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PER_S", 1.0)

    for _ in range(50):
        camera.offer(coded())

    shot = camera.take(0)
    assert isinstance(shot, LiveFrame)
    assert shot.number <= 3


def test_pictures_are_rgb_also_where_they_were_grey() -> None:
    camera = BrowserCamera()
    target = io.BytesIO()
    Image.new("L", (8, 8), 77).save(target, "JPEG")
    camera.offer(target.getvalue())

    shot = camera.take(0)

    assert isinstance(shot, LiveFrame)
    assert shot.image.shape == (8, 8, 3)
    assert shot.image.dtype == np.uint8
