"""A site that is served in the test's event loop, and what a browser does with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, web

from pyredmem.web.site import Connect, Site
from pyredmem.web.source import Refusal, Source, Word
from pyredmem.web.wire_source import WireServer
from tests.support.servers import free_port

#: Longer than anything takes that a test waits for.
PATIENCE_S = 30


def everybody(_: web.BaseRequest) -> web.Response | None:
    return None


@asynccontextmanager
async def site_of(connect: Connect) -> AsyncIterator[ClientSession]:
    """A browser that looks at a site."""
    site = Site("the server", connect, everybody)
    await site.open()
    port = free_port()
    listening = await asyncio.get_running_loop().create_server(site.server(), "127.0.0.1", port)
    try:
        async with ClientSession(f"http://127.0.0.1:{port}") as browser:
            yield browser
    finally:
        listening.close()
        await site.close()


@asynccontextmanager
async def site_about(port: int) -> AsyncIterator[ClientSession]:
    """A browser that looks at a site about the server at a port."""
    server = WireServer(f"redis://127.0.0.1:{port}")

    async def connect(_: web.BaseRequest) -> Source:
        return await server.connect()

    async with site_of(connect) as browser:
        yield browser


@asynccontextmanager
async def source_of(port: int) -> AsyncIterator[Source]:
    source = await WireServer(f"redis://127.0.0.1:{port}").connect()
    try:
        yield source
    finally:
        await source.close()


async def message(socket: ClientWebSocketResponse) -> dict[str, Any]:
    """The next message."""
    found = json.loads(await asyncio.wait_for(socket.receive_str(), PATIENCE_S))
    assert isinstance(found, dict)
    return found


async def answer(browser: ClientSession, path: str) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of an answer."""
    async with browser.get(path) as response:
        return response.status, await response.json()


def told(info: bytes) -> dict[str, Any]:
    """The replies of a server that has this INFO."""
    return {"INFO default": info, "INFO commandstats": b"", "INFO latencystats": b"", "INFO process": b""}


class Scripted(Source):
    """Answers from a table; what is not in it is refused."""

    def __init__(self, replies: dict[str, Any]) -> None:
        self.replies = replies
        self.asked: list[str] = []
        self.is_closed = False

    async def ask_all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        found = []
        for words in commands:
            text = " ".join(map(str, words))
            self.asked.append(text)
            found.append(self.replies.get(text, Refusal("ERR unknown command")))
        return found

    async def close(self) -> None:
        self.is_closed = True
