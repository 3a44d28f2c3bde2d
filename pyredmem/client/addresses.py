"""Addresses of servers, as code under test may write them."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlparse

DEFAULT_PORT: Final = 6379
#: All of these are this machine.
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", ""})
EVERYWHERE: Final = "*"


def address(host: str, port: int) -> str:
    """The one form of an address on the network; all names of this machine are the same."""
    name = host.lower().strip("[]")
    return f"{'localhost' if name in _LOCAL else name}:{port}"


def parse(text: str) -> str:
    """The one form of an address that is given as ``host``, ``host:port``, a path, a URL, or ``*`` for all.

    Raises ValueError if it is none of these.
    """
    if text == EVERYWHERE or text.startswith("/"):
        return text
    if "://" in text:
        url = urlparse(text)
        if url.scheme == "unix":
            return unquote(url.path)
        if url.scheme not in {"redis", "rediss"}:
            raise ValueError(f"{text} is not the URL of a Redis server")
        return address(url.hostname or "", url.port or DEFAULT_PORT)
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in host and not host.startswith("[")):
        return address(text, DEFAULT_PORT)
    if not port.isdecimal():
        raise ValueError(f"{text} has no port number after the colon")
    return address(host, int(port))
