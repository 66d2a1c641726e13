"""A camera on the network, as a program to be killed, stopped and started again; it ends when its input is closed.

Its arguments are KIND PORT WIDTH HEIGHT BROKEN. KIND is tcp (MPEG-TS), http (the same over HTTP) or mjpeg (over HTTP). Of
BROKEN in a thousand packets some bytes are changed. Every picture is grey, and tells by `shade_of` when it was made.
"""

from __future__ import annotations

import io
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import av
import numpy as np

FPS = 25
_STEPS_S = 20  # shades a second
_SHADES = 200


def shade_of(moment_s: float) -> int:
    """The grey level of a picture made at this time of the monotonic clock; it comes again after 10 s."""
    return 25 + int(moment_s * _STEPS_S) % _SHADES


def age_s(shade: float, now_s: float) -> float:
    """How long ago a picture of this shade was made, modulo 10 s, within some 0.1 s."""
    return ((shade_of(now_s) - shade + 3) % _SHADES - 3) / _STEPS_S


def pictures(width: int, height: int) -> Iterator[np.ndarray]:
    start = time.monotonic()
    n = 0
    while True:
        time.sleep(max(0.0, start + n / FPS - time.monotonic()))
        yield np.full((height, width, 3), shade_of(time.monotonic()), np.uint8)
        n += 1


class _Broken(io.RawIOBase):
    """A socket's file that damages some of what is written."""

    def __init__(self, file: io.BufferedIOBase, per_thousand: int) -> None:
        self.file, self.per_thousand, self.random = file, per_thousand, random.Random(0)

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        sent = bytearray(data)
        if self.random.randrange(1000) < self.per_thousand:
            for _ in range(20):
                sent[self.random.randrange(len(sent))] = self.random.randrange(256)
        self.file.write(bytes(sent))
        self.file.flush()
        return len(sent)


def _ts(out: io.RawIOBase, width: int, height: int) -> None:
    with av.open(out, "w", format="mpegts", options={"flush_packets": "1"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(FPS // 2)}
        for picture in pictures(width, height):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))


def _mjpeg(out: io.RawIOBase, width: int, height: int) -> None:
    from PIL import Image

    for picture in pictures(width, height):
        jpeg = io.BytesIO()
        Image.fromarray(picture).save(jpeg, "jpeg")
        out.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % jpeg.tell())
        out.write(jpeg.getvalue() + b"\r\n")


def _serve(client: socket.socket, kind: str, width: int, height: int, broken: int) -> None:
    with suppress(OSError, av.error.FFmpegError), client, client.makefile("wb") as file:
        if kind != "tcp":
            content = "multipart/x-mixed-replace; boundary=frame" if kind == "mjpeg" else "video/mp2t"
            file.write(f"HTTP/1.0 200 OK\r\nContent-Type: {content}\r\n\r\n".encode())
            file.flush()
        (_mjpeg if kind == "mjpeg" else _ts)(_Broken(file, broken), width, height)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def main(kind: str, port: int, width: int, height: int, broken: int) -> None:
    threading.Thread(target=_end_with_input, daemon=True).start()
    with socket.create_server(("127.0.0.1", port)) as server:
        print("ready", flush=True)
        while True:
            client, _ = server.accept()
            threading.Thread(target=_serve, args=(client, kind, width, height, broken), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
