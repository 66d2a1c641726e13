from __future__ import annotations

import io
import json
import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from adaframe.inference.moment import Event
from adaframe.live.web import browser_camera, server
from adaframe.video.live_frame import LiveFrame

STATIC = Path(server.__file__).parent / "static"


def until(holds: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (value := holds()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return value


def status_of(page: Any) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(page.url + "status").json()
    return answer


def web_socket(page: Any, path: str, **options: Any) -> ClientConnection:
    return connect(page.url.replace("http", "ws") + path, **options)


def test_status_tells_each_source_as_the_json_lines_do(open_page: Any, moment: Any) -> None:
    page = open_page(sources=["0", "gate"], model_name="mine")
    said, lost = moment(), Event("lost", "gate", moment().time, why="unplugged")
    page.show(said)
    page.show(lost)

    status = until(lambda: (now := status_of(page))["events"] and now)

    assert (status["model"], status["classes"]) == ("mine", ["run", "sit"])
    assert [one["state"] for one in status["sources"]] == ["live", "lost"]
    assert [one["moment"] for one in status["sources"]] == [said.to_json(), None]
    assert status["sources"][1]["lost"] == status["events"][0] == lost.to_json()


def test_events_sends_what_is_said_from_now_on_as_the_json_lines_do(open_page: Any, moment: Any) -> None:
    page = open_page()
    page.show(moment())
    until(lambda: status_of(page)["sources"][0]["moment"])
    later = [moment(label="sit"), Event("start", "0", moment().time, 0.5, "sit", 0.8)]

    with httpx.stream("GET", page.url + "events", timeout=20) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = (json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: "))
        first = next(lines)  # how things were when it began
        for one in later:
            page.show(one)
        rest = [next(lines), next(lines)]

    assert first == moment().to_json()
    assert rest == [one.to_json() for one in later]


def test_a_snapshot_is_the_newest_picture_of_a_source(open_page: Any, moment: Any) -> None:
    name = "rtsp://gate:***@cam.example/a b/1"
    page = open_page(sources=["0", name])
    page.show(moment(source=name, grey=10))
    page.show(moment(source=name, grey=90, time=moment().time + timedelta(seconds=1)))
    path = "snapshot/rtsp%3A%2F%2Fgate%3A***%40cam.example%2Fa%20b%2F1.jpg"

    answer = until(lambda: (got := httpx.get(page.url + path)).status_code == 200 and got)

    assert abs(Image.open(io.BytesIO(answer.content)).getpixel((5, 5))[0] - 90) < 4
    assert answer.headers["x-captured"] == "2026-05-01T12:00:01.000+00:00"
    assert answer.headers["cache-control"] == "no-store"
    assert httpx.get(page.url + "snapshot/0.jpg").status_code == 404  # no picture yet


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/static/../server.py",
        "/%2e%2e/server.py",
        "/..%2f..%2fpage.py",
        "/snapshot/..%2f..%2f..%2f..%2fetc%2fpasswd.jpg",
        "/snapshot/../../etc/hostname.jpg",
        "/snapshot//etc/passwd.jpg",
        "/page.js/..%5c..%5cserver.py",
        "//etc/passwd",
        "/page.js%00.html",
        "/docs",
        "/openapi.json",
    ],
)
def test_no_path_leads_out_of_the_page(open_page: Any, path: str) -> None:
    import socket

    page = open_page()
    port = httpx.URL(page.url).port
    assert port is not None

    # As it is: clients would tidy the path up.
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))

    assert re.match(rb"HTTP/1.1 (404|400) ", answer)
    assert b"root:" not in answer
    assert b"import" not in answer


def test_the_page_is_whole_and_asks_nothing_of_others(open_page: Any) -> None:
    page = open_page()
    names = {path.name for path in STATIC.iterdir()}
    texts = {name: (STATIC / name).read_text(encoding="utf-8") for name in names}

    for name, text in texts.items():
        answer = httpx.get(page.url + ("" if name == "index.html" else name))
        assert answer.text == text
        for wanted in re.findall(r'(?:href|src)="([^"]+)"|from "\./([^"]+)"', text):
            assert "".join(wanted) in names
        assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert httpx.get(page.url + "page.js").headers["content-type"].startswith("text/javascript")


def test_posting_is_refused(open_page: Any) -> None:
    assert httpx.post(open_page().url + "status", json={}).status_code == 405


def test_the_web_sockets_are_guarded_too(open_page: Any) -> None:
    page = open_page(token="secret", sources=["browser"])
    bare = page.url.split("?")[0].replace("http", "ws")

    for path in ("watch", "camera"):
        for address, options in (
            (bare + path, {}),
            (bare + path + "?token=wrong", {}),
            (bare + path + "?token=secret", {"origin": "http://evil.example"}),
        ):
            with pytest.raises(InvalidStatus, match="403"), connect(address, **options):
                pass
        with connect(bare + path + "?token=secret", origin=bare.replace("ws", "http").rstrip("/")):
            pass


def jpeg(size: tuple[int, int] = (64, 36)) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, (100, 100, 100)).save(target, "JPEG")
    return target.getvalue()


def test_a_browser_sends_its_camera_and_each_frame_is_answered(open_page: Any) -> None:
    page = open_page(sources=["browser"])

    with web_socket(page, "camera") as camera:
        camera.send(jpeg())
        assert camera.recv(10) == "taken"
        shot = page.browser_frames.take(10)

    assert isinstance(shot, LiveFrame)
    assert shot.image.shape == (36, 64, 3)
    lost = page.browser_frames.take(10)
    assert (lost.event, lost.source) == ("lost", "browser")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bytes(browser_camera.MOST_BYTES + 1), 1009),
        (jpeg((1921, 1201)), 1008),
        (b"not a picture", 1008),
        ("a text", 1008),
    ],
)
def test_frames_that_are_too_large_or_no_jpegs_end_the_connection(open_page: Any, data: Any, code: int) -> None:
    page = open_page(sources=["browser"])

    with web_socket(page, "camera") as camera:
        camera.send(data)
        with pytest.raises(ConnectionClosed) as closed:
            camera.recv(20)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code
    with web_socket(page, "camera") as another:  # nobody is kept out by it
        another.send(jpeg())
        assert another.recv(10) == "taken"


def test_a_second_browser_is_told_that_the_camera_is_taken(open_page: Any) -> None:
    page = open_page(sources=["browser"])

    with web_socket(page, "camera") as first, web_socket(page, "camera") as second:
        with pytest.raises(ConnectionClosed) as closed:
            second.recv(10)
        first.send(jpeg())
        assert first.recv(10) == "taken"

    assert closed.value.rcvd is not None
    assert "another browser" in closed.value.rcvd.reason


def test_no_browser_may_send_where_it_is_no_source(open_page: Any) -> None:
    with pytest.raises(InvalidStatus, match="403"), web_socket(open_page(sources=["0"]), "camera"):
        pass


def test_a_reader_of_events_that_leaves_is_forgotten(open_page: Any, moment: Any) -> None:
    page = open_page()
    threads = threading.active_count()

    for _ in range(5):
        with httpx.stream("GET", page.url + "events"):
            pass
        page.show(moment())

    assert status_of(page)["sources"][0]["state"] == "live"
    assert threading.active_count() <= threads + 1  # the encoder's
