"""`python -m adaframe.evaluation.live.outages`: how soon a source that was lost is back, by how it is served.

Each server runs here, as a process of its own. It is killed and started again a number of times, after being away for 1
to 6 s, every third time at another picture size; then it is stopped in place (SIGSTOP) and goes on. A server that ends by
itself, as ffmpeg does when its only viewer leaves, is started again at once, as a supervisor would. Times to come back run
from the start of the server's process to the first new picture that is taken: the server's own start is in them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from adaframe.cli.parser import positive, seconds
from adaframe.errors import AdaframeError
from adaframe.video import Camera, LiveFrame, Outage

_SIZES = ((320, 240), (480, 360))  # width and height
_AWAY_S = (1, 2, 3, 4, 5, 6)
_OTHER_SIZE = 3  # restarts until it changes
_PATIENCE_S = 60.0
_STEADY_S = 3.0  # watched before the next blow

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


@dataclass
class Seen:
    """What a camera did while its server was treated so.

    Args:
        kind: name of the way to serve.
        noticed_s: from the server's death to the loss being told, one a restart.
        back_s: from its start to the first new picture, one a restart.
        resized_s: those of them that came back at another size.
        frozen_noticed_s, frozen_back_s: the same of being stopped in place, and going on.
        handles: most open files, of this process and of the capturing one, after the first and after the last restart.
    """

    kind: str
    noticed_s: list[float] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)
    resized_s: list[float] = field(default_factory=list)
    frozen_noticed_s: float = float("nan")
    frozen_back_s: float = float("nan")
    handles: list[int] = field(default_factory=list)


class _Server:
    def __init__(self, kind: Kind, port: int) -> None:
        self._kind, self._port = kind, port
        self._process: subprocess.Popen[bytes] | None = None
        self._size = _SIZES[0]

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


def measure(kind: Kind, *, restarts: int, freeze_s: float, stall_s: float = 5.0) -> Seen:
    """Treats one server badly and notes how the camera takes it.

    Raises:
        AdaframeError: no picture came within a minute.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server, seen = _Server(kind, port), Seen(kind.name)
    server.start(_SIZES[0])
    try:
        with Camera(kind.url.format(port=port), stall_s=stall_s) as camera:
            _wait(camera, server, _SIZES[0])
            for turn in range(restarts):
                _watch(camera, server, _STEADY_S)
                size = _SIZES[turn // _OTHER_SIZE % 2]
                died = time.monotonic()
                server.kill()
                seen.noticed_s.append(_until_lost(camera, _AWAY_S[turn % len(_AWAY_S)]) - died)
                begun = time.monotonic()
                server.start(size)
                seen.back_s.append(_wait(camera, server, size) - begun)
                if turn and turn % _OTHER_SIZE == 0:
                    seen.resized_s.append(seen.back_s[-1])
                seen.handles.append(_handles(camera))
            _watch(camera, server, _STEADY_S)
            if freeze_s:
                frozen = time.monotonic()
                server.signal(signal.SIGSTOP)
                seen.frozen_noticed_s = _until_lost(camera, freeze_s) - frozen
                begun = time.monotonic()
                server.signal(signal.SIGCONT)
                seen.frozen_back_s = _wait(camera, server, None) - begun
    finally:
        server.signal(signal.SIGCONT)
        server.kill()
    return seen


def _watch(camera: Camera, server: _Server, watch_s: float) -> None:
    end = time.monotonic() + watch_s
    while time.monotonic() < end:
        camera.take(0.2)
        server.keep_up()


def _until_lost(camera: Camera, away_s: float) -> float:
    """When the loss was told (not a number: not within the time); takes as long as the server is away."""
    end, told = time.monotonic() + away_s, float("nan")
    while time.monotonic() < end:
        news = camera.take(0.05)
        if isinstance(news, Outage) and news.event == "lost" and told != told:
            told = time.monotonic()
    return told


def _wait(camera: Camera, server: _Server, size: tuple[int, int] | None) -> float:
    """When the first picture (of this size) was taken."""
    begun = time.monotonic()
    while time.monotonic() - begun < _PATIENCE_S:
        news = camera.take(0.05)
        if isinstance(news, LiveFrame) and (size is None or news.image.shape[1::-1] == size) and news.arrived_s > begun:
            return time.monotonic()
        server.keep_up()
    raise AdaframeError(f"{camera.source}: no picture within {_PATIENCE_S:g} s; try: look at what its server says")


def _handles(camera: Camera) -> int:
    """Open files of the capturing process; -1 where the system does not tell."""
    folder = Path(f"/proc/{camera.process_id}/fd")
    return len(os.listdir(folder)) if folder.exists() else -1


def _ffmpeg(codec: Sequence[str], form: Sequence[str], target: str) -> Command:
    def command(port: int, width: int, height: int) -> list[str]:
        source = f"testsrc2=size={width}x{height}:rate=25"
        start = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", source]
        return [*start, *codec, *form, target.format(port=port)]

    return command


_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25")
_MULTIPART = "multipart/x-mixed-replace;boundary=ffmpeg"


def _rtsp(python: str) -> Command:
    def command(port: int, width: int, height: int) -> list[str]:
        return [python, str(Path(__file__).with_name("rtsp_server.py")), str(port), str(width), str(height)]

    return command


def kinds() -> dict[str, Kind]:
    """The ways to serve that this machine has the programs for, by a short name."""
    found: dict[str, Kind] = {}
    if shutil.which("ffmpeg"):
        ts = _ffmpeg(_H264, ("-f", "mpegts"), "tcp://127.0.0.1:{port}?listen=1")
        found["ts-tcp"] = Kind("MPEG-TS over TCP (ffmpeg)", "tcp://127.0.0.1:{port}", ts)
        ts = _ffmpeg(_H264, ("-listen", "1", "-f", "mpegts"), "http://127.0.0.1:{port}")
        found["ts-http"] = Kind("MPEG-TS over HTTP (ffmpeg)", "http://127.0.0.1:{port}", ts)
        mjpeg = ("-listen", "1", "-content_type", _MULTIPART, "-f", "mpjpeg")
        jpeg = _ffmpeg(("-c:v", "mjpeg"), mjpeg, "http://127.0.0.1:{port}")
        found["mjpeg"] = Kind("MJPEG over HTTP (ffmpeg)", "http://127.0.0.1:{port}", jpeg)
    python = _python_with_gstreamer()
    if python:
        found["rtsp"] = Kind("RTSP, H.264 (GStreamer)", "rtsp://127.0.0.1:{port}/live", _rtsp(python))
    return found


def _python_with_gstreamer() -> str | None:
    code = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run([python, "-c", code], capture_output=True).returncode == 0:
            return python
    return None


def as_text(rows: Sequence[Seen]) -> str:
    """A table."""
    lines = [
        "| served as | restarts | lost told after: median (max) | back after: median (max) | at another size (max) "
        "| frozen: told after | back after | open files, first to last |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        files = f"{row.handles[0]} to {row.handles[-1]}" if row.handles else "–"
        lines.append(
            f"| {row.kind} | {len(row.back_s)} | {_spread(row.noticed_s)} | {_spread(row.back_s)} | {_spread(row.resized_s)} "
            f"| {row.frozen_noticed_s:.1f} s | {row.frozen_back_s:.1f} s | {files} |"
        )
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{np.nanmedian(values):.2f} s ({np.nanmax(values):.2f} s, n = {len(values)})" if values else "–"


def main(argv: Sequence[str] | None = None) -> int:
    """Serve, kill, freeze, print the table."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.live.outages", description=__doc__)
    parser.add_argument("--restarts", type=positive, default=20, help="of each server (default: %(default)s)")
    parser.add_argument("--freeze", type=seconds, metavar="S", default=30.0, help="(default: %(default)g s)")
    parser.add_argument("--kinds", nargs="+", choices=("ts-tcp", "ts-http", "mjpeg", "rtsp"), help="(default: all)")
    args = parser.parse_args(argv)
    there = kinds()
    wanted = args.kinds or list(there)
    for name in ("ts-tcp", "ts-http", "mjpeg", "rtsp"):
        if name not in there:
            print(
                f"{name}: left out, as its server (ffmpeg, GStreamer's RTSP server) is not installed", file=sys.stderr
            )
    before = threading.active_count()
    with ThreadPoolExecutor(len(wanted)) as threads:
        rows = list(
            threads.map(
                lambda name: measure(there[name], restarts=args.restarts, freeze_s=args.freeze),
                [name for name in wanted if name in there],
            )
        )
    print(as_text(rows))
    print(f"\nthreads of this process before and after: {before} and {threading.active_count()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
