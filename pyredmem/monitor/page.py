"""Serves the page of ``pyredmem monitor``, about a server that is asked over the wire."""

from __future__ import annotations

import asyncio

from aiohttp import web

from pyredmem.web.origin import is_own_name
from pyredmem.web.site import Site
from pyredmem.web.source import Source, SourceError
from pyredmem.web.wire_source import WireServer


class PageError(Exception):
    """The page cannot be served; the text says why."""


async def serve(url: str, host: str, port: int, end: asyncio.Event) -> None:
    """Serve the page at an address until ``end`` is set. Raises PageError."""
    try:
        server = WireServer(url)
        await (await server.connect()).close()  # a wrong address is told at once
    except SourceError as error:
        raise PageError(str(error)) from None

    async def connect(_: web.BaseRequest) -> Source:
        return await server.connect()

    def refusal(request: web.BaseRequest) -> web.Response | None:
        if is_own_name(request, (host,)):
            return None
        return web.Response(status=403, text="Ask for the page by its address, as localhost, or as --host says.\n")

    site = Site(server.name, connect, refusal)
    await site.open()
    try:
        listening = await asyncio.get_running_loop().create_server(site.server(), host, port)
    except OSError as error:
        await site.close()
        raise PageError(f"Cannot listen at {host}:{port}: {error.strerror or error}") from None
    shown = f"[{host}]" if ":" in host else host
    print(f"http://{shown}:{listening.sockets[0].getsockname()[1]}/ shows {server.name}", flush=True)
    try:
        await end.wait()
    finally:
        listening.close()
        await site.close()
