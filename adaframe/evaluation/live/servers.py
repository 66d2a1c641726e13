"""Servers that pretend to be cameras on the network, each a process of its own: ffmpeg's, and one by GStreamer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Command = Callable[[int, int, int], list[str]]


@dataclass(frozen=True)
class Kind:
    """A way to serve video.

    Args:
        name: for people.
        url: of the stream, with `{port}`.
        command: starts the server, from port, width and height.
    """

    name: str
    url: str
    command: Command


class Server:
    """A way to serve, at work: started, killed, and started anew.

    Args:
        kind: the way.
        port: of this machine.
        size: width and height of the first picture.
    """

    def __init__(self, kind: Kind, port: int, size: tuple[int, int]) -> None:
        self._kind, self._port = kind, port
        self._process: subprocess.Popen[bytes] | None = None
        self._size = size

    def start(self, size: tuple[int, int]) -> None:
        self._size = size
        command = self._kind.command(self._port, *size)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def keep_up(self) -> None:
        """Starts it again if it ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            self.kill()
            time.sleep(0.2)
            self.start(self._size)

    def signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _ffmpeg(codec: Sequence[str], form: Sequence[str], target: str, *, still: bool) -> Command:
    def command(port: int, width: int, height: int) -> list[str]:
        source = f"{'smptebars' if still else 'testsrc2'}=size={width}x{height}:rate=25"
        start = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", source]
        return [*start, *codec, *form, target.format(port=port)]

    return command


_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25")
_MULTIPART = "multipart/x-mixed-replace;boundary=ffmpeg"


def _rtsp(python: str, *, still: bool) -> Command:
    def command(port: int, width: int, height: int) -> list[str]:
        program = str(Path(__file__).with_name("rtsp_server.py"))
        return [python, program, str(port), str(width), str(height), "checkers-8" if still else "ball"]

    return command


def kinds(*, still: bool = False) -> dict[str, Kind]:
    """The ways to serve that this machine has the programs for, by a short name.

    Args:
        still: whether the picture stands still.
    """
    found: dict[str, Kind] = {}
    if shutil.which("ffmpeg"):
        ts = _ffmpeg(_H264, ("-f", "mpegts"), "tcp://127.0.0.1:{port}?listen=1", still=still)
        found["ts-tcp"] = Kind("MPEG-TS over TCP (ffmpeg)", "tcp://127.0.0.1:{port}", ts)
        ts = _ffmpeg(_H264, ("-listen", "1", "-f", "mpegts"), "http://127.0.0.1:{port}", still=still)
        found["ts-http"] = Kind("MPEG-TS over HTTP (ffmpeg)", "http://127.0.0.1:{port}", ts)
        mjpeg = ("-listen", "1", "-content_type", _MULTIPART, "-f", "mpjpeg")
        jpeg = _ffmpeg(("-c:v", "mjpeg"), mjpeg, "http://127.0.0.1:{port}", still=still)
        found["mjpeg"] = Kind("MJPEG over HTTP (ffmpeg)", "http://127.0.0.1:{port}", jpeg)
    python = _python_with_gstreamer()
    if python:
        found["rtsp"] = Kind("RTSP, H.264 (GStreamer)", "rtsp://127.0.0.1:{port}/live", _rtsp(python, still=still))
    return found


def _python_with_gstreamer() -> str | None:
    code = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run([python, "-c", code], capture_output=True).returncode == 0:
            return python
    return None
