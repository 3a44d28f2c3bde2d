"""Real sockets for a server inside the process, for other processes and other languages.

A listener has a thread with an event loop. The socket is bound before the thread starts, so its address is known, and
clients can connect, at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from typing import cast

from librt.time import time

from pyredmem.client.driver import Driver
from pyredmem.client.forks import ForkAware, require_own, watch
from pyredmem.client.loops import LoopEnd
from pyredmem.host.loops import new_event_loop
from pyredmem.host.unix_sockets import unix_socket


class SocketEnd(LoopEnd, asyncio.Protocol):
    """The connection of one client over a socket."""

    def __init__(self, driver: Driver, port: int) -> None:
        super().__init__(driver)
        self._port = port
        self.descriptor = -1  # the file of the socket, while it is surely open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.descriptor = transport.get_extra_info("socket").fileno()
        self.driver.enter()
        try:
            session = self.driver.open_session(self._port)
            session.count_unsent = self._transport.get_write_buffer_size
            self.begin(session)
        except ConnectionError:  # the server is closed
            self._transport.abort()
        finally:
            self.driver.leave()

    def data_received(self, data: bytes) -> None:
        self.receive(data)

    def take(self, output: bytes) -> None:
        self._transport.write(output)
        self.driver.engine.clients.note_unsent(self.session, self._transport.get_write_buffer_size())

    def take_end(self) -> None:
        self.descriptor = -1
        if self.session.aborted:
            self._transport.abort()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.descriptor = -1
        self.end()


class Listener(ForkAware):
    """Listens until it is closed, on ``host`` and ``port`` or on the Unix socket at ``path``."""

    def __init__(self, driver: Driver, host: str, port: int, path: str) -> None:
        require_own(driver)
        self._driver = driver
        self.path = path
        self._ends: list[SocketEnd] = []
        self._is_left = False  # it belongs to the process from which this one was forked
        if path:
            self._socket = unix_socket()
            self._socket.bind(path)
            self._socket.listen()
        else:
            self._socket = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        name = ("", 0) if path else self._socket.getsockname()
        self.host: str = name[0]
        self.port: int = name[1]
        self._loop: asyncio.AbstractEventLoop = new_event_loop()
        with contextlib.suppress(AttributeError):  # uvloop has a clock of its own
            self._loop.time = time  # type: ignore[method-assign]  # freezegun would stop the one of asyncio
        self._closed = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"pyredmem {self.url}", daemon=True)
        self._thread.start()
        watch(self)

    @property
    def url(self) -> str:
        """The URL for clients."""
        if self.path:
            return f"unix://{self.path}"
        return f"redis://[{self.host}]:{self.port}" if ":" in self.host else f"redis://{self.host}:{self.port}"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        ends = self._ends

        def connect() -> SocketEnd:
            end = SocketEnd(self._driver, self.port)
            ends[:] = [one for one in ends if not one.has_ended]
            ends.append(end)
            return end

        kind = self._loop.create_unix_server if self.path else self._loop.create_server
        server = await kind(connect, sock=self._socket)
        await self._closed.wait()
        server.close()
        for end in ends:
            end.end()
        await asyncio.sleep(0)  # the transports close in the loop's next turn

    def close(self) -> None:
        """Stop listening, and disconnect the clients."""
        if self._is_left or self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._closed.set)
        self._thread.join()
        if self.path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)

    def leave_behind(self) -> None:
        """Let go of the sockets, which would stay open in the child when the parent closes them.

        Nothing is closed, since the objects that own the files would close them again: the files become another one.
        """
        self._is_left = True
        if self._loop.is_closed():
            return
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (self._socket.fileno(), *(end.descriptor for end in self._ends)):
            if descriptor >= 0:
                os.dup2(null, descriptor, inheritable=False)
        os.close(null)
