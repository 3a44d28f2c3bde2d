"""What ``monitor-port`` serves: the page of ``pyredmem monitor``, about this very server."""

from __future__ import annotations

import asyncio

from aiohttp import web

from pyredmem.engine.engine import Engine
from pyredmem.server.engine_source import EngineSource
from pyredmem.server.http_guard import HttpGuard, new_connection
from pyredmem.web.origin import is_own_name
from pyredmem.web.site import Site
from pyredmem.web.source import Source, SourceError


class MonitorPort:
    """Answers browsers. To be made in the loop of the server."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._guard = HttpGuard(engine)
        self._site = Site(name, self._connect, self._refusal)

    async def open(self) -> None:
        """Prepare to answer."""
        await self._site.open()

    def protocol(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return new_connection(self._site.server())

    async def close(self) -> None:
        """Close all connections."""
        await self._site.close()

    def _refusal(self, request: web.BaseRequest) -> web.Response | None:
        if self._guard.is_open() and not is_own_name(request):
            return web.Response(status=403, text="Ask for the server by its address, or as localhost.\n")
        return self._guard.refusal(request)

    async def _connect(self, request: web.BaseRequest) -> Source:
        user = self._guard.user(request)
        if user is None:  # the password was changed since the request came
            raise SourceError("Name and password of a user are needed.")
        return EngineSource(self._engine, user)
