from __future__ import annotations

import builtins
import socket
import threading
import time
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from adaframe.errors import AdaframeError, MissingExtra, UsageError
from adaframe.live.web import WebPage

USUAL: dict[str, Any] = {"token": None, "classes": ["run"], "sources": ["0"]}


def read_to_the_end(socket: ClientConnection) -> None:
    while True:
        socket.recv(10)


def test_others_cannot_reach_a_page_without_a_token() -> None:
    with pytest.raises(UsageError, match="needs a token"):
        WebPage(host="0.0.0.0", port=0, **USUAL)


def test_in_the_network_the_url_brings_the_token(open_page: Any) -> None:
    page = open_page(host="0.0.0.0", token="secret")
    port = httpx.URL(page.url).port

    assert page.url.endswith(f":{port}/?token=secret")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/").status_code == 401
        assert client.get("/?token=wrong").status_code == 403
        first = client.get("/?token=secret", follow_redirects=True)
        assert (first.status_code, first.url.query) == (200, b"")
        assert client.get("/status").status_code == 200  # by the cookie


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "uvicorn":
            raise ImportError("No module named 'uvicorn'", name="uvicorn")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(MissingExtra, match=r"--web needs uvicorn; try: pip install 'adaframe\[web\]'"):
        WebPage(host="127.0.0.1", port=0, **USUAL)


def test_a_port_in_use_is_said_on_entering() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        page = WebPage(host="127.0.0.1", port=taken.getsockname()[1], **USUAL)

        with pytest.raises(AdaframeError, match="already in use"), page:
            pass


def test_it_ends_cleanly_while_people_watch(moment: Any) -> None:
    threads = threading.active_count()
    with WebPage(host="127.0.0.1", port=0, **USUAL) as page:
        page.show(moment())
        address = page.url.replace("http", "ws") + "watch"
        page_socket, idle = connect(address), connect(address)
        events = httpx.stream("GET", page.url + "events")
        answer = events.__enter__()
        page_socket.recv(10)
        began = time.monotonic()

    assert time.monotonic() - began < 4
    assert threading.active_count() <= threads + 2  # the two clients' own
    with pytest.raises(ConnectionClosed):
        read_to_the_end(page_socket)
    assert [line for line in answer.iter_lines() if line.startswith("data")]  # it ends
    with pytest.raises(httpx.ConnectError):
        httpx.get(page.url)
    idle.close()
    page.show(moment())  # too late, and no error


def test_what_is_shown_before_it_is_entered_is_not_lost(moment: Any) -> None:
    page = WebPage(host="127.0.0.1", port=0, **USUAL)
    page.show(moment())

    with page:
        (source,) = httpx.get(page.url + "status").json()["sources"]

    assert source["moment"] == moment().to_json()
