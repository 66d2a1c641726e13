from __future__ import annotations

import socket

import pytest

from adaframe.errors import AdaframeError, UsageError
from adaframe.live.web.address import bind, page_url, parse_address, token_for


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8000", ("127.0.0.1", 8000)),
        ("0.0.0.0:8000", ("0.0.0.0", 8000)),
        ("cam.local:80", ("cam.local", 80)),
        ("[::1]:81", ("::1", 81)),
    ],
)
def test_the_host_may_be_left_out(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "web", "1.2.3.4", "1.2.3.4:", ":8000", "80000", "-1", "8000:localhost", "²"])
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="try: --web 8000"):
        parse_address(text)


def test_only_those_of_this_machine_need_no_token() -> None:
    assert [token_for(host) for host in ("127.0.0.1", "localhost", "::1", "127.0.0.2")] == [None] * 4

    tokens = {token_for(host) for host in ("0.0.0.0", "::", "192.168.1.2", "cam.local")}

    assert len(tokens) == 4
    assert all(token is not None and len(token) >= 20 for token in tokens)


def test_the_url_can_be_opened_from_elsewhere_and_brings_the_token() -> None:
    assert page_url("127.0.0.1", 80, None) == "http://127.0.0.1:80/"
    assert page_url("::1", 80, "a&b") == "http://[::1]:80/?token=a%26b"
    assert "//0.0.0.0" not in page_url("0.0.0.0", 80, None)


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(AdaframeError, match=rf"127\.0\.0\.1:{port}: Address already in use; try: another port"):
            bind("127.0.0.1", port)
