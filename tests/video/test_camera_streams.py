"""Streams on the network that come, go, freeze and change; the servers are real, and processes of their own."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from camera_server import age_s

from adaframe.errors import UsageError
from adaframe.video import Camera, Cameras, LiveFrame, Outage
from adaframe.video.capture_status import CaptureStatus
from adaframe.video.doze_permission import DozePermission
from adaframe.video.frame_slot import ToRgb
from adaframe.video.network_stream import stream_frames
from adaframe.video.source import SourceLost

STALL_S = 1.0
FRESH_S = 1.0  # a live picture is younger; the 0.1 s that it really is are too strict for a busy machine

Take = Callable[[], "LiveFrame | Outage | None"]


class Server:
    """`camera_server.py` at a port of its own."""

    def __init__(self, kind: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.kind, self.process = kind, None
        self.url = f"{'tcp' if kind == 'tcp' else 'http'}://127.0.0.1:{self.port}"

    def start(self, width: int = 64, height: int = 48, *, broken: int = 0) -> None:
        command = [sys.executable, str(Path(__file__).with_name("camera_server.py")), self.kind, str(self.port)]
        command += [str(width), str(height), str(broken)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(getattr(request, "param", "tcp"))
    yield server
    server.kill()


def until(camera: Camera, wanted: Callable[[LiveFrame | Outage], bool], within_s: float) -> LiveFrame | Outage:
    """The first thing taken that is wanted."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        one = camera.take(0.2)
        if one is not None and wanted(one):
            return one
    raise AssertionError(f"did not come within {within_s} s")


def frame(camera: Camera, within_s: float = 30.0) -> LiveFrame:
    shot = until(camera, lambda one: isinstance(one, LiveFrame), within_s)
    assert isinstance(shot, LiveFrame)
    return shot


def outage(camera: Camera, event: str, within_s: float) -> Outage:
    found = until(camera, lambda one: isinstance(one, Outage), within_s)
    assert isinstance(found, Outage)
    assert found.event == event
    return found


def is_fresh(shot: LiveFrame) -> bool:
    return age_s(float(shot.image.mean()), time.monotonic()) < FRESH_S


@pytest.mark.parametrize("server", ["tcp", "http", "mjpeg"], indirect=True)
def test_the_newest_picture_is_taken_however_long_the_model_works(server: Server) -> None:
    server.start()

    with Camera(server.url, stall_s=STALL_S) as camera:
        first = frame(camera)
        time.sleep(0.7)
        second = frame(camera)

    assert first.image.shape == second.image.shape == (48, 64, 3)
    assert is_fresh(second)
    assert second.number - first.number > 5
    assert second.dropped - first.dropped == second.number - first.number - 1
    assert second.stream_s - first.stream_s == pytest.approx(second.arrived_s - first.arrived_s)
    assert 0 <= time.monotonic() - second.arrived_s < FRESH_S


@pytest.mark.parametrize("server", ["tcp", "mjpeg"], indirect=True)
def test_a_killed_source_is_back_within_ten_seconds_and_leaves_nothing_open(server: Server) -> None:
    server.start()
    with Camera(server.url, stall_s=STALL_S) as camera:
        before = frame(camera)
        handles = _handles(camera)
        for width in (64, 96):  # the second time of another size
            server.kill()
            outage(camera, "lost", 5.0)
            server.start(width)
            returned = time.monotonic()
            outage(camera, "back", 10.0)
            after = frame(camera)

            assert time.monotonic() - returned < 10
            assert after.image.shape == (48, width, 3)
            assert is_fresh(after)
            assert after.number > before.number
            assert after.stream_s > before.stream_s
            before = after
        assert _handles(camera) <= handles


def _handles(camera: Camera) -> tuple[int, int, int]:
    """Open files of this process and of the capturing one, and this one's threads."""
    if not Path("/proc/self/fd").exists():
        return 0, 0, 0
    theirs = len(os.listdir(f"/proc/{camera.process_id}/fd"))
    return len(os.listdir("/proc/self/fd")), theirs, threading.active_count()


def test_a_source_that_is_not_there_at_the_start_is_lost_until_it_comes(server: Server) -> None:
    with Camera(server.url, stall_s=STALL_S) as camera:
        lost = outage(camera, "lost", 30.0)
        server.start()
        outage(camera, "back", 10.0)
        shot = frame(camera)

    assert "refused" in lost.why
    assert shot.number == 0 or shot.dropped > 0
    assert not camera._lost


@pytest.mark.parametrize("server", ["tcp", "mjpeg"], indirect=True)
def test_a_frozen_source_is_lost_and_what_it_sent_before_is_not_shown(server: Server) -> None:
    server.start()
    with Camera(server.url, stall_s=STALL_S) as camera:
        frame(camera)
        time.sleep(0.3)  # frames come that nobody takes
        os.kill(server.process.pid, signal.SIGSTOP)
        time.sleep(STALL_S + 1.0)
        lost = camera.take(1.0)
        nothing = camera.take(0.5)
        os.kill(server.process.pid, signal.SIGCONT)
        outage(camera, "back", 10.0)
        shot = frame(camera)

    assert isinstance(lost, Outage)
    assert lost.event == "lost"
    assert "no data for 1 s" in lost.why
    assert nothing is None
    assert is_fresh(shot)


@pytest.mark.slow
@pytest.mark.parametrize("server", ["tcp", "mjpeg"], indirect=True)
def test_broken_packets_cost_no_more_than_their_pictures(server: Server) -> None:
    server.start(320, 240, broken=100)
    with Camera(server.url, stall_s=STALL_S) as camera:
        frame(camera)
        time.sleep(3.0)
        before = frame(camera)
        time.sleep(1.0)
        after = frame(camera)

    assert before.number > 25
    assert after.number - before.number > 10
    assert is_fresh(after)


@pytest.mark.slow
def test_a_capture_process_that_hangs_or_dies_is_replaced_and_leaves_nothing_open(server: Server) -> None:
    server.start()
    with Camera(server.url, stall_s=STALL_S) as camera:
        frame(camera)
        handles = _handles(camera)
        for harm, why in ((signal.SIGKILL, "crashed (SIGKILL)"), (signal.SIGSTOP, "hangs")):
            before = frame(camera)
            harmed = camera.process_id
            os.kill(harmed, harm)

            assert why in outage(camera, "lost", 10.0).why
            outage(camera, "back", 20.0)
            after = frame(camera)

            assert camera.process_id != harmed
            assert after.number > before.number
            assert after.stream_s > before.stream_s
        assert _handles(camera) == handles


def test_a_capture_process_that_hangs_takes_nothing_from_the_others(server: Server) -> None:
    server.start()
    with Cameras([server.url, server.url], stall_s=3.0) as cameras:
        hung, fine = cameras.cameras
        frame(hung)
        frame(fine)
        os.kill(hung.process_id, signal.SIGSTOP)
        end, shots = time.monotonic() + 3.0, 0
        while time.monotonic() < end:
            shots += sum(isinstance(one, LiveFrame) for one in cameras.take(0.5))

    assert shots >= 30  # of 75


def test_no_password_gets_out(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CAM_PASSWORD", "hunter2!")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://admin:$CAM_PASSWORD@127.0.0.1:{server.getsockname()[1]}/live?token=hunter3!"

        def refuse() -> None:
            with suppress(OSError):
                while True:  # asked without the password first, then with it
                    client, _ = server.accept()
                    with client:
                        client.recv(1000)
                        client.sendall(b"HTTP/1.0 401 hunter2!\r\nWWW-Authenticate: Basic realm=hunter2!\r\n\r\n")

        threading.Thread(target=refuse, daemon=True).start()
        with Camera(url, stall_s=STALL_S) as camera:
            lost = outage(camera, "lost", 30.0)
            with open(f"/proc/{camera.process_id}/cmdline") as file:
                command = file.read()

    shown = f"{camera.source} {lost} {command} {capfd.readouterr()}"
    assert "401" in lost.why
    assert "admin:***@" in shown
    assert "hunter" not in shown


@pytest.mark.slow
def test_pictures_that_come_faster_than_they_are_decoded_are_left_out_not_shown_late(server: Server) -> None:
    server.start()
    ages = []

    for to_rgb in stream_frames(server.url, CaptureStatus(), STALL_S, DozePermission()):
        time.sleep(0.1)  # a slow decoder: 10 of 25 pictures a second
        ages.append(age_of(to_rgb))
        if len(ages) == 60:
            break

    assert len(ages) == 60
    assert max(ages[20:]) < 2.5  # else the last one would be 3.6 s old


def age_of(to_rgb: ToRgb) -> float:
    image = to_rgb()
    assert image is not None
    return age_s(float(image.mean()), time.monotonic())


def test_a_host_that_nobody_knows_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("av.open", unknown)

    with pytest.raises(SourceLost, match="is the host's name right"):
        next(stream_frames("http://no.such.host/", CaptureStatus(), STALL_S, DozePermission()))


def test_a_missing_variable_is_told_at_once() -> None:
    with pytest.raises(UsageError, match="NO_SUCH_NAME"):
        Camera("rtsp://$NO_SUCH_NAME@host/")


def test_a_lost_source_takes_nothing_from_the_others(server: Server) -> None:
    server.start()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with Cameras([url, server.url], stall_s=STALL_S) as cameras:
            frame(cameras.cameras[1])
            end, shots = time.monotonic() + 2.0, 0
            while time.monotonic() < end:
                shots += sum(isinstance(one, LiveFrame) for one in cameras.take(0.5))

        assert shots >= 20
        assert not cameras.cameras[0]._lost
