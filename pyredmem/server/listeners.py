"""The listeners of a server: open sockets, which are kept as the settings ask for.

A listener is opened in two steps, because CONFIG SET must know at once whether it succeeds, while an event loop takes
listeners only from a coroutine:

    settings --> wanted endpoints --> open_endpoint()   at once: succeeds, or everything is put back and OSError raised
                                  --> loop.create_server(sock=...)   soon after, in a task

Between the two steps the kernel queues connections, so no client is refused. A change first closes the listeners that
are no longer wanted, and then opens the new ones. It must close first, since `*` and a single address cannot listen on
the same port at the same time.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from pyredmem.server.endpoints import (
    UNIX,
    Endpoint,
    describe,
    open_endpoint,
    remove_unix_socket,
    set_keepalive,
)
from pyredmem.server.logs import Log


@dataclass(frozen=True)
class SocketOptions:
    """The settings that all listening sockets share."""

    backlog: int = 511
    keepalive_seconds: int = 300
    unix_permissions: int = 0


class Listener:
    """An open endpoint: at first only a socket, later also the event loop's server for it."""

    def __init__(self, endpoint: Endpoint, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        self.endpoint = endpoint
        self.socket = listener
        self.context = context
        self.closed = False
        self._server: asyncio.Server | None = None

    async def attach(self, accept: Callable[[str], asyncio.Protocol], backlog: int) -> None:
        """Have the running loop accept connections; `accept` creates the protocol for each."""
        if self.closed or self._server is not None:
            return
        loop = asyncio.get_running_loop()
        factory = partial(accept, self.endpoint.kind)
        if self.endpoint.kind == UNIX:
            server = await loop.create_unix_server(factory, sock=self.socket, backlog=backlog)
        else:
            server = await loop.create_server(factory, sock=self.socket, backlog=backlog, ssl=self.context)
        self._server = server
        self._close_if_closed(server)

    def _close_if_closed(self, server: asyncio.Server) -> None:
        """Close the server if the listener was closed while it was being attached."""
        if self.closed:
            server.close()

    def close(self) -> None:
        """Stop listening. When this returns the port is free."""
        self.closed = True
        if self._server is not None:
            self._server.close()
        else:
            self.socket.close()


class Listeners:
    """The open endpoints of a server. `accept` creates the protocol for a connection to an endpoint of a given kind."""

    def __init__(self, accept: Callable[[str], asyncio.Protocol], options: SocketOptions, log: Log) -> None:
        self.options = options
        self._accept = accept
        self._log = log
        self._listeners: list[Listener] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def endpoints(self) -> list[Endpoint]:
        """The open endpoints, in the order in which they were opened."""
        return [listener.endpoint for listener in self._listeners]

    def listener_of(self, endpoint: Endpoint) -> Listener:
        return next(one for one in self._listeners if one.endpoint == endpoint)

    def addresses(self, kind: str) -> list[tuple[str, int]]:
        """The numeric addresses and ports of the open network endpoints of a kind."""
        return [
            listener.socket.getsockname()[:2]
            for listener in self._listeners
            if listener.endpoint.kind == kind and kind != UNIX
        ]

    def change(self, kind: str, wanted: Iterable[Endpoint], context: ssl.SSLContext | None = None) -> None:
        """Make `wanted` the endpoints of a kind. If this raises OSError, the kind has the same endpoints as before.

        If `context` is not the one in use, all endpoints of the kind are replaced, since a server keeps its context.
        """
        targets = list(wanted)
        old = [listener for listener in self._listeners if listener.endpoint.kind == kind]
        kept = [one for one in old if one.endpoint in targets and one.context is context]
        dropped = [one for one in old if one not in kept]
        for listener in dropped:
            self._close(listener)
        present = [listener.endpoint for listener in kept]
        missing = [endpoint for endpoint in targets if endpoint not in present]
        try:
            self._open_all(missing, context)
        except OSError:
            for listener in dropped:
                self._open_all([listener.endpoint], listener.context)
            raise

    async def attach(self) -> None:
        """Have the running loop accept connections to all open endpoints."""
        for listener in list(self._listeners):
            await listener.attach(self._accept, self.options.backlog)

    def attach_soon(self) -> None:
        """Like `attach`, but for a plain function in the thread of the loop."""
        task = asyncio.get_running_loop().create_task(self.attach())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def set_keepalive(self, seconds: int) -> None:
        """Change the keep-alive interval of the connections that are accepted from now on."""
        self.options = replace(self.options, keepalive_seconds=seconds)
        for listener in self._listeners:
            if listener.endpoint.kind != UNIX:
                set_keepalive(listener.socket, seconds)

    def kinds(self) -> list[str]:
        """The kinds of the open endpoints, each once."""
        return list(dict.fromkeys(endpoint.kind for endpoint in self.endpoints()))

    def close_in_child(self) -> None:
        """In a fork of the process: close the sockets, so that the ports are free when the parent has ended."""
        for listener in self._listeners:
            os.close(listener.socket.fileno())

    def close(self) -> None:
        """Close all listeners and remove the socket files."""
        for listener in list(self._listeners):
            self._close(listener)

    def _open_all(self, endpoints: list[Endpoint], context: ssl.SSLContext | None) -> None:
        opened: list[Listener] = []
        for endpoint in endpoints:
            try:
                opened.append(self._open(endpoint, context))
            except OSError as error:
                self._log.warning(f"Warning: Could not listen on {endpoint}: {describe(error)}")
                if endpoint.may_fail_with(error):
                    continue
                for listener in opened:
                    self._close(listener)
                raise

    def _open(self, endpoint: Endpoint, context: ssl.SSLContext | None) -> Listener:
        options = self.options
        opened = open_endpoint(endpoint, options.backlog, options.keepalive_seconds, options.unix_permissions)
        listener = Listener(endpoint, opened, context)
        self._listeners.append(listener)
        return listener

    def _close(self, listener: Listener) -> None:
        listener.close()
        self._listeners.remove(listener)
        if listener.endpoint.kind == UNIX:
            self._log.notice("Removing the unix socket file.")
            remove_unix_socket(listener.endpoint.address)
