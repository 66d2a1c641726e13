from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from adaframe.live.web.guard import Guard

TOKEN = "the-right-one"


async def inner(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


def get(path: str = "/status", *, token: str | None = None, bound: str = "127.0.0.1", **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=Guard(inner, token=token, host=bound))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            return await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return asyncio.run(ask())


def test_without_a_token_set_none_is_needed() -> None:
    assert get().text == "inside"


@pytest.mark.parametrize("path", ["/", "/status", "/events", "/snapshot/0.jpg", "/page.js"])
def test_without_the_token_nothing_is_shown(path: str) -> None:
    answer = get(path, token=TOKEN)

    assert answer.status_code == 401
    assert "whole address that adaframe printed" in answer.text


@pytest.mark.parametrize("wrong", ["", "the-right-on", "the-right-one2", "THE-RIGHT-ONE", "%00", "%ff", "é"])
def test_a_wrong_token_is_refused(wrong: str) -> None:
    assert get(f"/status?token={wrong}", token=TOKEN).status_code in (401, 403)
    assert get(token=TOKEN, cookie=f"adaframe-8000={wrong or 'x'}".encode("ascii", "ignore").decode()).status_code in (
        401,
        403,
    )


def test_the_token_may_come_in_the_address_a_header_or_the_cookie() -> None:
    assert get(f"/status?token={TOKEN}", token=TOKEN).text == "inside"
    assert get(token=TOKEN, authorization=f"Bearer {TOKEN}").text == "inside"
    assert get(token=TOKEN, cookie=f"other=1; adaframe-8000={TOKEN}").text == "inside"
    # A page on another port of the same host has its own.
    assert get(token=TOKEN, cookie=f"adaframe-8001={TOKEN}").status_code == 401


def test_the_first_visit_leaves_a_cookie_and_no_token_in_the_address() -> None:
    answer = get(f"/?token={TOKEN}", token=TOKEN)

    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    assert answer.headers["set-cookie"] == f"adaframe-8000={TOKEN}; HttpOnly; SameSite=Strict; Path=/"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "192.168.1.5", "a b"]
)
def test_other_names_are_refused_on_this_machine(host: str) -> None:
    assert get(host=host).status_code == 403


@pytest.mark.parametrize("host", ["localhost:8000", "LOCALHOST", "127.0.0.1:1", "[::1]:8000"])
def test_names_of_this_machine_are_ours(host: str) -> None:
    assert get(host=host).text == "inside"


def test_in_the_network_addresses_are_ours_and_names_of_others_are_not() -> None:
    assert get(host="192.168.1.5:8000", bound="0.0.0.0").text == "inside"
    assert get(host="cam.local:8000", bound="cam.local").text == "inside"
    assert get(host="evil.example", bound="0.0.0.0").status_code == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://127.0.0.1:8001", "null", "http://127.0.0.1:8000@evil.example", "http://[::1"],
)
def test_requests_of_other_sites_are_refused(origin: str) -> None:
    assert get(origin=origin).status_code == 403


def test_requests_of_the_page_itself_pass_also_through_a_proxy_that_says_so() -> None:
    assert get(origin="http://127.0.0.1:8000").text == "inside"
    assert get(origin="https://cam.example", x_forwarded_host="cam.example").text == "inside"


def test_every_answer_binds_the_browser() -> None:
    for answer in (get(), get(token=TOKEN), get(f"/?token={TOKEN}", token=TOKEN)):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
