"""The HTTP server of the page: the page itself, a WebSocket with frames, and answers to questions.

It can only read: all that it asks a server is in ``frames``, ``heap``, ``questions`` and ``sampling``. The
demonstration, which writes, has a server of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, Final

from aiohttp import WSCloseCode, hdrs, web

from pyredmem.web.demonstration import IS_POSSIBLE, Demonstration
from pyredmem.web.frames import Frames
from pyredmem.web.origin import is_same_origin
from pyredmem.web.questions import QUESTIONS, QuestionError
from pyredmem.web.source import Source, SourceError

#: Returns the answer to somebody who may not read; None if it is permitted.
Guard = Callable[[web.BaseRequest], web.Response | None]
Connect = Callable[[web.BaseRequest], Awaitable[Source]]

MOST_WATCHERS: Final = 16
DEMONSTRATION: Final = "/demonstration"
_INTERVAL_S: Final = 1.0
_SHORTEST_S: Final = 0.5
_LONGEST_S: Final = 10.0
#: A watcher that has not read a frame for longer than this is disconnected.
_PATIENCE_S: Final = 60.0
_HEARTBEAT_S: Final = 30.0
#: Watchers have nothing to say.
_MOST_BYTES_OF_A_MESSAGE: Final = 1024
_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    hdrs.CACHE_CONTROL: "no-cache",
}


class Target:
    """A server that is watched: the one that the page is about, or that of the demonstration."""

    def __init__(self, name: str, connect: Connect, demonstration: Demonstration | None = None) -> None:
        self.name = name
        self.connect = connect
        self.demonstration = demonstration
        #: One question at a time, however many ask.
        self.questions = asyncio.Lock()


class Site:
    """Answers the requests of browsers. To be made in the event loop that serves it."""

    def __init__(self, name: str, connect: Connect, guard: Guard) -> None:
        self._main = Target(name, connect)
        self._shown: Target | None = None  # of the demonstration
        self._guard = guard
        self._pages = _pages()
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)

    async def open(self) -> None:
        """Prepare to answer; to be awaited before the first request."""
        await self._runner.setup()

    def server(self) -> web.Server:
        """What makes the protocol of a new connection."""
        server = self._runner.server
        assert server is not None, "the site is not open"
        return server

    async def close(self) -> None:
        """End the demonstration, and close all connections."""
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"The server ends.")
        if self._shown is not None and self._shown.demonstration is not None:
            self._shown.demonstration.close()
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._checked], client_max_size=_MOST_BYTES_OF_A_MESSAGE)
        for prefix in ("", DEMONSTRATION):
            application.router.add_get(f"{prefix}/", self._page)
            application.router.add_get(f"{prefix}/static/{{name}}", self._page)
            application.router.add_get(f"{prefix}/live", self._live)
            application.router.add_get(f"{prefix}/api/{{question}}", self._question)
        application.router.add_post("/api/demonstration", self._demonstrate)
        application.router.add_get(DEMONSTRATION, _lead_to_demonstration)
        return application

    @web.middleware
    async def _checked(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuse those who may not ask; turn what goes wrong into an answer."""
        refusal = self._guard(request)
        if refusal is not None:
            return refusal
        if not is_same_origin(request):
            return _problem("Only the page of this server may ask.", 403)
        try:
            answer = await handler(request)
        except web.HTTPException as error:
            return _problem(f"{error.reason}.", error.status)
        if not answer.prepared:
            answer.headers.update(_HEADERS)
        return answer

    def _target(self, request: web.Request) -> Target:
        """The server that a request is about. Raises HTTPNotFound if there is no demonstration."""
        if not request.path.startswith(f"{DEMONSTRATION}/"):
            return self._main
        shown = self._shown
        if shown is None or shown.demonstration is None or not shown.demonstration.is_running:
            raise web.HTTPNotFound(reason="The demonstration has ended")
        return shown

    # The page.

    async def _page(self, request: web.Request) -> web.Response:
        self._target(request)  # without a demonstration there is no page of it
        name = request.match_info.get("name", "index.html")
        if name not in self._pages:
            raise web.HTTPNotFound(reason="There is no such file")
        body, content_type = self._pages[name]
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    # Questions.

    async def _question(self, request: web.Request) -> web.Response:
        question = QUESTIONS.get(request.match_info["question"])
        if question is None:
            raise web.HTTPNotFound(reason="There is no such question")
        target = self._target(request)
        try:
            async with target.questions:
                source = await target.connect(request)
                try:
                    return web.json_response(await question(source, request.query))
                finally:
                    await source.close()
        except QuestionError as error:
            return _problem(str(error), 400)
        except SourceError as error:
            return _problem(str(error), 503)

    async def _demonstrate(self, request: web.Request) -> web.Response:
        """Start the demonstration, or lead to the one that runs."""
        if not IS_POSSIBLE:
            return _problem("There is no demonstration on this system.", 404)
        shown = self._shown
        if shown is None or shown.demonstration is None or not shown.demonstration.is_running:
            demonstration = Demonstration()
            try:
                demonstration.start()
            except OSError as error:
                return _problem(f"The server of the demonstration cannot be started: {error}.", 503)
            self._shown = Target("demonstration", lambda _: demonstration.connect(), demonstration)
        return web.json_response({"url": f"{DEMONSTRATION}/"})

    # Frames.

    async def _live(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request)
        interval = _interval(request.query.get("interval", ""))
        if interval is None:
            return _problem(f"The interval has {_SHORTEST_S:g} to {_LONGEST_S:g} seconds.", 400)
        if len(self._sockets) >= MOST_WATCHERS:
            return _problem(f"{MOST_WATCHERS} watch already.", 429)
        socket = web.WebSocketResponse(
            heartbeat=_HEARTBEAT_S, max_msg_size=_MOST_BYTES_OF_A_MESSAGE, compress=False, timeout=1.0
        )
        if not socket.can_prepare(request):
            return _problem("This is a WebSocket.", 426)
        self._sockets.add(socket)
        try:
            await socket.prepare(request)
            await self._serve(socket, request, target, interval)
        finally:
            self._sockets.discard(socket)
        return socket

    async def _serve(
        self, socket: web.WebSocketResponse, request: web.Request, target: Target, interval: float
    ) -> None:
        """Send frames until the watcher goes. What it says is read, so that its end is noticed, and ignored."""
        sender = asyncio.get_running_loop().create_task(self._send(socket, request, target, interval))
        demonstration = target.demonstration
        if demonstration is not None:
            demonstration.watchers += 1
        try:
            async for _ in socket:
                pass
        finally:
            if demonstration is not None:
                demonstration.watchers -= 1
            sender.cancel()
            await asyncio.wait([sender])

    async def _send(self, socket: web.WebSocketResponse, request: web.Request, target: Target, interval: float) -> None:
        """Send one frame after another. While a watcher does not read none is made, so nothing queues up."""
        try:
            source = await target.connect(request)
            try:
                frames = Frames(source)
                await _sent(socket, await frames.hello(target.name, IS_POSSIBLE and target is self._main))
                while not socket.closed:
                    demonstration = target.demonstration
                    await _sent(socket, await frames.frame(demonstration.state() if demonstration else None))
                    await asyncio.sleep(interval)
            finally:
                await source.close()
        except SourceError as error:
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=str(error).encode()[:120])
        except (TimeoutError, ConnectionError):
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"The frames are not read.")


async def _sent(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    """Send a message, and wait until most of it is on its way. Raises TimeoutError if that takes too long."""
    await asyncio.wait_for(socket.send_str(json.dumps(message, separators=(",", ":"))), _PATIENCE_S)


async def _lead_to_demonstration(request: web.Request) -> web.Response:
    raise web.HTTPMovedPermanently(f"{DEMONSTRATION}/")


def _interval(text: str) -> float | None:
    """Seconds between frames; None if that is no permitted number."""
    if not text:
        return _INTERVAL_S
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if _SHORTEST_S <= seconds <= _LONGEST_S else None


def _problem(sentence: str, status: int) -> web.Response:
    return web.json_response({"error": sentence}, status=status, headers=_HEADERS)


def _pages() -> dict[str, tuple[bytes, str]]:
    """The files of the page and their types, by name: all that can be asked for."""
    found = {}
    for file in files("pyredmem.web").joinpath("static").iterdir():
        kind = _TYPES.get(f".{file.name.rpartition('.')[2]}")
        if kind is not None and file.is_file():
            found[file.name] = (file.read_bytes(), kind)
    return found
