"""Who may see the page: its token, the names it goes by, and the headers that browsers are bound by."""

from __future__ import annotations

import ipaddress
import re
import secrets
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from adaframe.live.web.address import is_loopback

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")


class Guard:
    """Lets through what comes from the page itself or from a program that knows the token; refuses the rest.

    A web site of somebody else, open in the same browser, can send requests to this machine. It cannot set the Host
    (a name of its own that it makes point here is refused), cannot forge its Origin, and gets no cookie of ours.

    Args:
        app: what is guarded.
        token: what visitors must know; None: nothing.
        host: what the server is bound to.
    """

    def __init__(self, app: App, *, token: str | None, host: str) -> None:
        self._app, self._token, self._bound = app, token, host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        host = headers.get("host", "").lower()
        refusal = self._refusal(scope, headers, host)
        if refusal is not None:
            await _refuse(scope, send, *refusal)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        elif self._token and scope["path"] == "/" and "token" in _query(scope):
            await self._remember(send, host)
        else:
            await self._app(scope, receive, _with_headers(send, host))

    def _refusal(self, scope: Scope, headers: dict[str, str], host: str) -> tuple[int, str] | None:
        if not self._is_ours(host):
            return (
                403,
                f"This server does not go by the name {host[:80]!r}. Open it as localhost or by its IP address.\n",
            )
        if "origin" in headers:
            try:
                origin = urlsplit(headers["origin"]).netloc.lower()
            except ValueError:
                origin = ""
            # A page of another site cannot set the second one: a proxy does, that speaks HTTPS for us.
            if origin not in (host, headers.get("x-forwarded-host", host).lower()):
                return 403, "This request comes from another site.\n"
        if self._token is None:
            return None
        given = self._given(scope, headers)
        if not given:
            return 401, "A token is needed: open the whole address that adaframe printed, ?token=… included.\n"
        # compare_digest takes as long for a nearly right one as for a wrong one.
        if not any(secrets.compare_digest(one.encode(), self._token.encode()) for one in given):
            return 403, "This is not the token. It changes with every start: take the address that was printed last.\n"
        return None

    def _given(self, scope: Scope, headers: dict[str, str]) -> list[str]:
        given = _query(scope).get("token", [])[:1]
        if headers.get("authorization", "").startswith("Bearer "):
            given.append(headers["authorization"].removeprefix("Bearer "))
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(_cookie(headers.get("host", "")))
        except CookieError:
            cookie = None
        return given + ([cookie.value] if cookie else [])

    def _is_ours(self, host: str) -> bool:
        match = _AUTHORITY.fullmatch(host)
        if match is None:
            return False
        name = match[1].strip("[]")
        if is_loopback(name) or name == self._bound:
            return True
        if is_loopback(self._bound):
            return False
        try:
            ipaddress.ip_address(name)  # nobody can make an address point elsewhere
        except ValueError:
            return name.split(".")[0] == socket.gethostname().split(".")[0].lower()
        return True

    async def _remember(self, send: Send, host: str) -> None:
        """Keep the token in a cookie and go to the bare address: it stays neither on the screen nor in the history."""
        # Cookies are shared between the ports of a host; the name keeps two pages apart.
        cookie = f"{_cookie(host)}={self._token}; HttpOnly; SameSite=Strict; Path=/"
        headers = [(b"location", b"./"), (b"set-cookie", cookie.encode()), (b"cache-control", b"no-store")]
        await _with_headers(send, host)({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _query(scope: Scope) -> dict[str, list[str]]:
    return parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=16)


def _cookie(host: str) -> str:
    return "adaframe-" + (host.rpartition(":")[2] if re.search(r":[0-9]+$", host) else "80")


async def _refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    kind = (b"content-type", b"text/plain; charset=utf-8")
    await _with_headers(send, "")({"type": "http.response.start", "status": status, "headers": [kind]})
    await send({"type": "http.response.body", "body": text.encode()})


def _with_headers(send: Send, host: str) -> Send:
    """Adds what every answer says; `host` has been checked to be a plain name."""
    # Not every browser takes 'self' to include web sockets.
    connect = f"connect-src 'self' ws://{host} wss://{host}; " if host else ""
    fixed = {
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        + connect
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(self), microphone=(), geolocation=()",
        "cache-control": "no-store",
    }

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            given = {key.lower() for key, _ in message["headers"]}
            added = [(key.encode(), value.encode()) for key, value in fixed.items() if key.encode() not in given]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sending
