"""Where the page is served, who may see it there, and how its address is written."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from urllib.parse import quote

from adaframe.errors import AdaframeError, UsageError

LOCAL = "127.0.0.1"


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `[HOST:]PORT`; the host is 127.0.0.1 unless given. IPv6 addresses stand in brackets.

    Raises:
        UsageError: it is no such address.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdigit() and int(port) < 65536) or (colon and not host):
        raise UsageError(f"--web {text}: not [HOST:]PORT; try: --web 8000, or --web 0.0.0.0:8000 for the whole network")
    return host or LOCAL, int(port)


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach a server bound to `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def token_for(host: str) -> str | None:
    """A random token of 128 bits where others can reach the page; None where only this machine can."""
    return None if is_loopback(host) else secrets.token_urlsafe(16)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        AdaframeError: the address is in use, not of this machine, or not allowed.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(where)
            listening.listen(128)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise AdaframeError(
            f"--web {host}:{port}: {error.strerror or error}; try: another port, or 127.0.0.1"
        ) from error
    return listening


def page_url(host: str, port: int, token: str | None) -> str:
    """What to open in a browser; of a server on all addresses, the one that other machines reach."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host
    else:
        name = _outward() if address.is_unspecified else host
        name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{port}/" + (f"?token={quote(token, safe='')}" if token else "")


def _outward() -> str:
    """The address of this machine on its way to the network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address that documentation reserves
            return str(probe.getsockname()[0])
        except OSError:
            return LOCAL
