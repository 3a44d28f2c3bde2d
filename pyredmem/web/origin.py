"""Who may ask: pages of this very server, not those of others that somebody has open in the same browser.

A browser sends the address of the page that asks (``Origin``) with every WebSocket and every POST, and the name under
which it knows the server (``Host``). Another page could make a name of its own lead here. So where no password protects
the server it answers only to names that cannot be such: addresses, this machine's own names, and those it was given.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import hdrs, web


def is_same_origin(request: web.BaseRequest) -> bool:
    """Whether no page asks, or one of this server."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == request.headers.get(hdrs.HOST, "").lower()
    except ValueError:
        return False


def is_own_name(request: web.BaseRequest, names: Collection[str] = ()) -> bool:
    """Whether the server was asked under a name that is surely its own."""
    try:
        name = urlsplit(f"//{request.headers.get(hdrs.HOST, '')}").hostname or ""
    except ValueError:
        return False
    own = {"localhost", socket.gethostname().lower(), *(name.lower() for name in names)}
    return name in own or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
