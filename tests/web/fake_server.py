"""A server for the page that says what a test tells it to say: the static files, the WebSocket, the questions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web

import pyredmem.web
from tests.web.messages import Message, hello

STATIC: Final = Path(pyredmem.web.__file__).parent / "static"
POLICY: Final = {"Content-Security-Policy": "default-src 'self'"}

#: The answers to questions, unless a test gives others. Empty, but complete.
ANSWERS: Final[dict[str, Message]] = {
    "slab": {"page": 0, "size": 0, "regions": 0, "used": 0, "keys": []},
    "keyspace": {"keys": 0, "sampled": 0, "bytes": 0, "groups": []},
    "largest": {"sampled": 0, "keys": []},
    "expiry": {"sampled": 0, "without": 1.0, "buckets": []},
    "ages": {"sampled": 0, "kind": "idle", "buckets": []},
    "eviction": {"policy": "noeviction", "candidates": []},
    "demonstration": {"url": "/demonstration/"},
}


class FakeServer:
    """What it says, what it was asked, and how it fails."""

    def __init__(self) -> None:
        self.hello = hello()
        self.answers = {name: dict(answer) for name, answer in ANSWERS.items()}
        self.statuses: dict[str, int] = {}
        self.asked: list[str] = []
        self.last_frames: list[Message] = []  # sent to whoever connects
        self.intervals: list[str] = []
        self.refuses = False
        self.port = 0
        self._sockets: set[web.WebSocketResponse] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def application(self) -> web.Application:
        app = web.Application()
        for prefix in ("", "/demonstration"):
            app.router.add_get(f"{prefix}/", self._page)
            app.router.add_get(f"{prefix}/static/{{name}}", self._file)
            app.router.add_get(f"{prefix}/live", self._live)
            app.router.add_route("*", f"{prefix}/api/{{name}}", self._answer)
        return app

    async def send(self, *messages: Message | str) -> None:
        """Say something to every page that is connected."""
        for socket in list(self._sockets):
            for message in messages:
                await (socket.send_str(message) if isinstance(message, str) else socket.send_json(message))

    async def drop(self, reason: str = "") -> None:
        """End all connections."""
        for socket in list(self._sockets):
            await socket.close(message=reason.encode())

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html", headers=POLICY)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / request.match_info["name"], headers=POLICY)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if self.refuses:
            raise web.HTTPServiceUnavailable
        self.intervals.append(request.query.get("interval", "1"))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json(self.hello)
        for message in self.last_frames:
            await socket.send_json(message)
        self._sockets.add(socket)
        async for _ in socket:
            pass
        self._sockets.discard(socket)
        return socket

    async def _answer(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.asked.append(f"{request.method} {request.path_qs}")
        return web.json_response(self.answers[name], status=self.statuses.get(name, 200))


@asynccontextmanager
async def serving() -> AsyncIterator[FakeServer]:
    """A fake server on a free port, which ends with the block."""
    server = FakeServer()
    runner = web.AppRunner(server.application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await server.drop()
        await asyncio.wait_for(runner.cleanup(), 10)
