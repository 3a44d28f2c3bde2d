"""Who may read what the server serves over HTTP, at ``metrics-port`` and ``monitor-port``.

Who may connect without a password may read; in protected mode only from this machine. Otherwise HTTP's basic
authentication asks for the name and password of a user who may call INFO.

Each of the two ports has at most ``MOST_CONNECTIONS``; ``maxclients`` is a limit for clients alone.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import BasicAuth, hdrs, web

from pyredmem.acl.user import User
from pyredmem.engine.engine import Engine

#: How many connections a port may have; one more is closed at once.
MOST_CONNECTIONS: Final = 100
_REALM: Final = {hdrs.WWW_AUTHENTICATE: 'Basic realm="pyredmem"'}


def new_connection(server: web.Server) -> asyncio.Protocol:
    """The protocol of a connection that somebody has opened."""
    return server() if len(server.connections) < MOST_CONNECTIONS else _OneTooMany()


class _OneTooMany(asyncio.Protocol):
    """Closes the connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class HttpGuard:
    """Looks at requests for an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def is_open(self) -> bool:
        """Whether no password is needed."""
        return self._engine.authentication.is_open()

    def refusal(self, request: web.BaseRequest) -> web.Response | None:
        """The answer to somebody who may not read; None if it is permitted."""
        engine = self._engine
        has_no_password = engine.authentication.has_no_password()
        if engine.settings.flag("protected-mode") and has_no_password and not _is_local(request.remote or ""):
            return web.Response(status=403, text="The server is in protected mode, and has no password.\n")
        try:
            user = self.user(request)
        except ValueError:
            return web.Response(status=400, text="This is no basic authentication.\n")
        if user is None:
            return web.Response(status=401, headers=_REALM, text="Name and password of a user are needed.\n")
        command = engine.commands.lookup([b"info"])
        assert command is not None
        if engine.access.denial(user, command, [b"info"]) is not None:
            return web.Response(status=403, text="This user may not call INFO.\n")
        return None

    def user(self, request: web.BaseRequest) -> User | None:
        """Who asks; None if name or password is wrong. Raises ValueError for credentials that are none."""
        name, password = b"default", b""
        if hdrs.AUTHORIZATION in request.headers:
            given = BasicAuth.decode(request.headers[hdrs.AUTHORIZATION], "utf-8")
            name, password = given.login.encode() or name, given.password.encode()
        user = self._engine.access.user(name)
        return user if user is not None and user.accepts(password) else None


def _is_local(address: str) -> bool:
    return address.startswith("127.") or address == "::1"
