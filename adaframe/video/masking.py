"""Passwords in addresses: taken from the environment on the way in, masked in whatever is shown."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, unquote

from adaframe.errors import UsageError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]*")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
_SECRET_PARAMETER = re.compile(
    r"(?P<key>[?&;#][\w.\-\[\]]*(?:pass|pwd|token|secret|key|auth|sig|session|credential)[\w.\-\[\]]*=)(?P<value>[^&;#]*)",
    re.IGNORECASE,
)
_SHORT = 4  # characters; shorter secrets would blot out parts of ordinary words
_MASK = "***"


def mask(text: str) -> str:
    """The text with the passwords, tokens and keys of all URLs in it replaced by `***`. User names stay."""
    return _URL.sub(lambda found: _mask_url(found[0]), text)


def is_url(source: str) -> bool:
    """Whether a source is the address of a stream, not the name of a file."""
    return _URL.match(source) is not None


def expand(url: str) -> tuple[str, tuple[str, ...]]:
    """The URL with `$NAME` and `${NAME}` replaced by environment variables, and what in it is secret.

    Values are taken literally: in the user's part and the query, characters with a meaning in URLs are escaped.

    Raises:
        UsageError: a variable is not set.
    """
    secrets: set[str] = set()
    scheme, user, rest = _parts(url)
    query_from = len(scheme + user) + (rest.find("?") if "?" in rest else len(rest))

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name not in os.environ:
            hint = f"export {name}=…, or write %24 where a dollar sign is meant"
            raise UsageError(f"{mask(url)}: the environment variable {name} is not set; try: {hint}")
        plain = os.environ[name]
        if len(scheme) <= found.start() < len(scheme + user) or found.start() >= query_from:
            secrets.update((plain, quote(plain, safe="")))
            return quote(plain, safe="")
        return plain

    expanded = _VARIABLE.sub(value, url)
    _, user, _ = _parts(expanded)
    password = user.removesuffix("@").partition(":")[2] or user.removesuffix("@")
    for secret in (password, *(found["value"] for found in _SECRET_PARAMETER.finditer(expanded))):
        secrets.update((secret, unquote(secret)))
    return expanded, tuple(sorted((s for s in secrets if len(s) >= _SHORT), key=len, reverse=True))


def hide(text: str, secrets: tuple[str, ...]) -> str:
    """The text without these secrets and without those of URLs in it."""
    for secret in secrets:
        text = text.replace(secret, _MASK)
    return mask(text)


def _mask_url(url: str) -> str:
    scheme, user, rest = _parts(url)
    if user:
        name, colon, _ = user.removesuffix("@").partition(":")
        user = f"{name}:{_MASK}@" if colon else f"{_MASK}@"
    return scheme + user + _SECRET_PARAMETER.sub(lambda found: found["key"] + _MASK, rest)


def _parts(url: str) -> tuple[str, str, str]:
    """`scheme://`, `user:password@` or "", and the rest."""
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    end = authority.rfind("@")
    port = authority.rpartition(":")[2]
    if end < 0 and ":" in authority and not port.isdigit() and not port.endswith("]") and "@" in rest:
        end = rest.rfind("@")  # no port: a password that holds a slash
    return f"{scheme}://", rest[: end + 1], rest[end + 1 :]
