"""`python -m adaframe.evaluation.live.outages`: how soon a source that was lost is back, by how it is served.

Each server runs here, as a process of its own. It is killed and started again a number of times, after being away for 1
to 6 s, every third time at another picture size; then it is stopped in place (SIGSTOP) and goes on. A server that ends by
itself, as ffmpeg does when its only viewer leaves, is started again at once, as a supervisor would. Times to come back run
from the start of the server's process to the first new picture that is taken: the server's own start is in them.

With --dozing the picture stands still, and capture is let doze as live recognition does it: it decodes key frames alone then,
and gives a picture about every second. (MJPEG is never dozed over.)
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from adaframe.cli.parser import positive, seconds
from adaframe.cli.standalone import telling_errors
from adaframe.errors import AdaframeError
from adaframe.evaluation.live.servers import Kind, Server, kinds
from adaframe.video import Camera, LiveFrame, Outage

_SIZES = ((320, 240), (480, 360))  # width and height
_AWAY_S = (1, 2, 3, 4, 5, 6)
_OTHER_SIZE = 3  # restarts until it changes
_PATIENCE_S = 60.0
_KINDS = ("ts-tcp", "ts-http", "mjpeg", "rtsp")
_STEADY_S = 3.0  # watched before the next blow
_DOZE_S = 1.0  # to the next picture that is wanted of a still scene


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
        dozed: whether capture dozed.
    """

    kind: str
    noticed_s: list[float] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)
    resized_s: list[float] = field(default_factory=list)
    frozen_noticed_s: float = float("nan")
    frozen_back_s: float = float("nan")
    handles: list[int] = field(default_factory=list)
    dozed: bool = False


class _Viewer:
    """Takes pictures as live recognition does.

    Args:
        camera: gives them.
        dozing: let it doze each time.
    """

    def __init__(self, camera: Camera, *, dozing: bool) -> None:
        self._camera, self._dozing = camera, dozing
        self.dozed = False  # whether it ever did

    def take(self, timeout_s: float) -> LiveFrame | Outage | None:
        news = self._camera.take(timeout_s)
        if self._dozing and isinstance(news, LiveFrame):
            self._camera.doze(news.arrived_s, news.arrived_s + _DOZE_S)
            self.dozed |= self._camera.dozing
        return news

    def watch(self, server: Server, watch_s: float) -> None:
        end = time.monotonic() + watch_s
        while time.monotonic() < end:
            self.take(0.2)
            server.keep_up()

    def until_lost(self, away_s: float) -> float:
        """When the loss was told (not a number: not within the time); takes as long as the server is away."""
        end, told = time.monotonic() + away_s, float("nan")
        while time.monotonic() < end:
            news = self.take(0.05)
            if isinstance(news, Outage) and news.event == "lost" and told != told:
                told = time.monotonic()
        return told

    def until_back(self, server: Server, size: tuple[int, int] | None) -> float:
        """When the first picture (of this size) was taken."""
        begun = time.monotonic()
        while time.monotonic() - begun < _PATIENCE_S:
            news = self.take(0.05)
            if isinstance(news, LiveFrame) and news.arrived_s > begun and size in (None, news.image.shape[1::-1]):
                return time.monotonic()
            server.keep_up()
        where = self._camera.source
        raise AdaframeError(f"{where}: no picture within {_PATIENCE_S:g} s; try: look at what its server says")


def measure(kind: Kind, *, restarts: int, freeze_s: float, stall_s: float = 5.0, dozing: bool = False) -> Seen:
    """Treats one server badly and notes how the camera takes it.

    Raises:
        AdaframeError: no picture came within a minute.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server, seen = Server(kind, port, _SIZES[0]), Seen(kind.name)
    server.start(_SIZES[0])
    try:
        with Camera(kind.url.format(port=port), stall_s=stall_s) as camera:
            viewer = _Viewer(camera, dozing=dozing)
            viewer.until_back(server, _SIZES[0])
            for turn in range(restarts):
                viewer.watch(server, _STEADY_S)
                size = _SIZES[turn // _OTHER_SIZE % 2]
                died = time.monotonic()
                server.kill()
                seen.noticed_s.append(viewer.until_lost(_AWAY_S[turn % len(_AWAY_S)]) - died)
                begun = time.monotonic()
                server.start(size)
                seen.back_s.append(viewer.until_back(server, size) - begun)
                if turn and turn % _OTHER_SIZE == 0:
                    seen.resized_s.append(seen.back_s[-1])
                seen.handles.append(_handles(camera))
            viewer.watch(server, _STEADY_S)
            if freeze_s:
                frozen = time.monotonic()
                server.signal(signal.SIGSTOP)
                seen.frozen_noticed_s = viewer.until_lost(freeze_s) - frozen
                begun = time.monotonic()
                server.signal(signal.SIGCONT)
                seen.frozen_back_s = viewer.until_back(server, None) - begun
            seen.dozed = viewer.dozed
    finally:
        server.signal(signal.SIGCONT)
        server.kill()
    return seen


def _handles(camera: Camera) -> int:
    """Open files of the capturing process; -1 where the system does not tell."""
    folder = Path(f"/proc/{camera.process_id}/fd")
    return len(os.listdir(folder)) if folder.exists() else -1


def as_text(rows: Sequence[Seen]) -> str:
    """A table."""
    lines = [
        "| served as | dozed | restarts | lost told after: median (max) | back after: median (max) | at another size (max) "
        "| frozen: told after | back after | open files, first to last |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        files = f"{row.handles[0]} to {row.handles[-1]}" if row.handles else "–"
        cells = (
            row.kind,
            "yes" if row.dozed else "no",
            str(len(row.back_s)),
            _spread(row.noticed_s),
            _spread(row.back_s),
            _spread(row.resized_s),
            f"{row.frozen_noticed_s:.1f} s",
            f"{row.frozen_back_s:.1f} s",
            files,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{np.nanmedian(values):.2f} s ({np.nanmax(values):.2f} s, n = {len(values)})" if values else "–"


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Serve, kill, freeze, print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m adaframe.evaluation.live.outages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--restarts", type=positive, default=20, help="of each server (default: %(default)s)")
    parser.add_argument("--freeze", type=seconds, metavar="S", default=30.0, help="(default: %(default)g s)")
    parser.add_argument("--kinds", nargs="+", choices=_KINDS, help="(default: all)")
    parser.add_argument("--dozing", action="store_true", help="of a picture that stands still, with capture dozing")
    args = parser.parse_args(argv)
    there = kinds(still=args.dozing)
    for name in _KINDS:
        if name not in there:
            print(
                f"{name}: left out, as its server (ffmpeg, GStreamer's RTSP server) is not installed", file=sys.stderr
            )
    found = [there[name] for name in args.kinds or _KINDS if name in there]
    if not found:
        raise AdaframeError("nothing to serve with is installed; try: apt install ffmpeg")
    before = threading.active_count()
    run = partial(measure, restarts=args.restarts, freeze_s=args.freeze, dozing=args.dozing)
    with ThreadPoolExecutor(len(found)) as threads:
        rows = list(threads.map(run, found))
    print(as_text(rows))
    print(f"\nthreads of this process before and after: {before} and {threading.active_count()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
