"""The HTTP server of the page: what it serves, and what it refuses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError, web

from pyredmem.web import site
from pyredmem.web.demonstration import Demonstration
from pyredmem.web.source import Source, SourceError
from tests.web.sites import PATIENCE_S, Scripted, answer, message, site_of, told

INFO = b"# Server\r\nredis_version:7.2.4\r\n# Memory\r\nused_memory:1000\r\n"


async def scripted(_: web.BaseRequest) -> Source:
    return Scripted(told(INFO))


async def unreachable(_: web.BaseRequest) -> Source:
    raise SourceError("Cannot connect to nobody: it is not there.")


async def test_the_page_comes_with_headers_that_forbid_everything_foreign() -> None:
    async with site_of(scripted) as browser, browser.get("/") as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        assert response.headers["Content-Security-Policy"] == "default-src 'self'"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "<html" in await response.text()


@pytest.mark.parametrize(
    "path",
    [
        *("/static/..%2f__init__.py", "/static/%2e%2e/site.py", "/static/../../web/site.py", "/static//etc/passwd"),
        *("/static/nothing.js", "/static/", "/elsewhere", "/api/nothing", "/api/", "/demonstration/"),
    ],
)
async def test_what_is_not_there_is_not_found(path: str) -> None:
    async with site_of(scripted) as browser:
        status, found = await answer(browser, path)
        assert status == 404
        assert list(found) == ["error"]


async def test_only_a_demonstration_can_be_posted() -> None:
    async with site_of(scripted) as browser, browser.post("/api/keyspace") as response:
        assert response.status == 405


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", "http://[", "http://127.0.0.1:1"])
async def test_pages_of_others_are_refused(origin: str) -> None:
    async with site_of(scripted) as browser:
        with pytest.raises(WSServerHandshakeError) as caught:
            await browser.ws_connect("/live", origin=origin)
        assert caught.value.status == 403
        async with browser.post("/api/demonstration", headers={"Origin": origin}) as response:
            assert response.status == 403


async def test_its_own_page_is_let_in() -> None:
    async with site_of(scripted) as browser, browser.get("/") as response:
        own = str(response.url.origin())
        async with browser.ws_connect("/live", origin=own) as watching:
            assert (await message(watching))["kind"] == "hello"


async def test_live_without_a_websocket_is_an_error() -> None:
    async with site_of(scripted) as browser:
        assert await answer(browser, "/live") == (426, {"error": "This is a WebSocket."})


@pytest.mark.parametrize("interval", ["0.1", "11", "x", "nan", "-1", "inf"])
async def test_an_interval_out_of_range_is_refused(interval: str) -> None:
    async with site_of(scripted) as browser:
        with pytest.raises(WSServerHandshakeError) as caught:
            await browser.ws_connect(f"/live?interval={interval}")
        assert caught.value.status == 400


async def test_no_more_than_16_watch_at_once() -> None:
    async with site_of(scripted) as browser:
        watching = [await browser.ws_connect("/live") for _ in range(16)]
        with pytest.raises(WSServerHandshakeError) as caught:
            await browser.ws_connect("/live")
        assert caught.value.status == 429
        await watching.pop().close()
        watching.append(await connected_soon(browser))
        for one in watching:
            await one.close()


async def connected_soon(browser: ClientSession) -> Any:
    """A connection as soon as there is room: the server learns of an end a moment after it."""
    while True:
        try:
            return await browser.ws_connect("/live")
        except WSServerHandshakeError:
            await asyncio.sleep(0.01)


async def test_what_a_watcher_says_is_ignored_unless_it_is_long() -> None:
    async with site_of(scripted) as browser, browser.ws_connect("/live?interval=0.5") as watching:
        await watching.send_str("FLUSHALL")
        assert (await message(watching))["kind"] == "hello"
        assert (await message(watching))["kind"] == "frame"
        await watching.send_str("x" * 10_000)
        while (await watching.receive(PATIENCE_S)).type is WSMsgType.TEXT:
            pass
        assert watching.close_code == 1009


async def test_a_server_that_is_not_there_ends_the_connection_with_the_reason() -> None:
    async with site_of(unreachable) as browser:
        async with browser.ws_connect("/live") as watching:
            closing = await watching.receive(PATIENCE_S)
            assert (closing.data, closing.extra) == (1013, "Cannot connect to nobody: it is not there.")
        assert await answer(browser, "/api/keyspace") == (503, {"error": "Cannot connect to nobody: it is not there."})


async def test_the_source_of_a_watcher_is_closed_when_it_goes() -> None:
    sources: list[Scripted] = []
    closed = asyncio.Event()

    class Closing(Scripted):
        async def close(self) -> None:
            await super().close()
            closed.set()

    async def connect(_: web.BaseRequest) -> Source:
        sources.append(Closing(told(INFO)))
        return sources[-1]

    async with site_of(connect) as browser:
        async with browser.ws_connect("/live") as watching:
            await message(watching)
        await asyncio.wait_for(closed.wait(), PATIENCE_S)
    assert [source.is_closed for source in sources] == [True]


class Growing(Scripted):
    """A server with so many commands that a frame has megabytes; counts its frames."""

    def __init__(self) -> None:
        rows = "".join(f"cmdstat_{'x' * 200}{index}:calls=1,usec=1\r\n" for index in range(8000))
        super().__init__(told(INFO + rows.encode()))
        self.frames = 0

    async def ask_all(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        self.frames += list(commands) == [("LATENCY", "LATEST")]
        return await super().ask_all(commands)


async def test_for_a_watcher_that_does_not_read_no_frames_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "_SHORTEST_S", 0.0)
    sources: list[Growing] = []

    async def connect(_: web.BaseRequest) -> Source:
        sources.append(Growing())
        return sources[-1]

    async with site_of(connect) as browser, browser.get("/") as response:
        port = response.url.port
        assert port is not None
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.setblocking(False)
            await asyncio.get_running_loop().sock_connect(slow, ("127.0.0.1", port))
            lines = (
                *("GET /live?interval=0.01 HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket"),
                *("Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
            )
            await asyncio.get_running_loop().sock_sendall(slow, "\r\n".join([*lines, "", ""]).encode())
            async with browser.ws_connect("/live?interval=0.01", max_msg_size=0) as fast:
                for _ in range(15):
                    await message(fast)
    few, many = sorted(source.frames for source in sources)
    assert many >= 14
    assert 1 <= few <= 5  # what buffers on the way hold


async def test_a_demonstration_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Demonstration) -> None:
        raise OSError("no processes left")

    monkeypatch.setattr(Demonstration, "start", fail)
    async with site_of(scripted) as browser, browser.post("/api/demonstration") as response:
        assert response.status == 503
        assert "no processes left" in (await response.json())["error"]
