"""Which connections of redis-py lead to servers inside the process, while patches are in force.

Here is the only place that changes classes of redis-py. What is changed, and why each is needed, is the table in
`_seams`. The first patch makes the changes, and the last one takes them back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from weakref import WeakSet

import redis.asyncio.connection as aio_connection
import redis.asyncio.sentinel as aio_sentinel
import redis.connection as sync_connection
import redis.sentinel as sync_sentinel
from redis.exceptions import ConnectionError as RedisConnectionError

from pyredmem.client.addresses import EVERYWHERE, address
from pyredmem.client.aio import LocalWriter, open_stream, read, send
from pyredmem.client.driver import Driver
from pyredmem.client.forks import give_up_if_gone
from pyredmem.client.local_socket import LocalSocket
from pyredmem.client.shortcuts import NO_REPLY, may_use_stream
from pyredmem.client.sync import can_read_locally

#: The port of a service that is known by name alone; see `discover`.
SERVICE_PORT: Final = 0


class UnclaimedAddressError(RedisConnectionError):
    """A connection to an address that no patch has claimed, and none allows."""


class Route:
    """The addresses of one patch: those that it claims, with the servers there, and those that it lets through."""

    def __init__(self, claimed: dict[str, Driver], services: dict[str, Driver], allowed: frozenset[str]) -> None:
        self.claimed = claimed
        self.services = services
        self.allowed = allowed
        self._connections: WeakSet[Any] = WeakSet()

    def add(self, connection: Any) -> None:
        """Note a connection that was opened because of this route."""
        self._connections.add(connection)

    def end_connections(self) -> None:
        """Have the servers close all these connections, so that clients connect again."""
        for connection in list(self._connections):
            for end in (getattr(connection, "_sock", None), getattr(connection, "_writer", None)):
                if isinstance(end, LocalSocket | LocalWriter):
                    end.end()


_routes: list[Route] = []
_lock = threading.Lock()
_undo: list[Callable[[], None]] = []


def begin(route: Route) -> None:
    """Put a route in force. It comes before those that are in force already."""
    with _lock:
        if not _routes:
            _install()
        _routes.append(route)


def end(route: Route) -> None:
    """Take a route back."""
    with _lock:
        _routes.remove(route)
        if not _routes:
            while _undo:
                _undo.pop()()
    route.end_connections()


def _find(place: str) -> tuple[Route, Driver] | None:
    """The route and the server of an address; None if it leads out of the process. Raises UnclaimedAddressError."""
    for route in reversed(_routes):
        for claim in (place, EVERYWHERE):
            if claim in route.claimed:
                return route, route.claimed[claim]
            if claim in route.allowed:
                return None
        if place.endswith(f":{SERVICE_PORT}") and place.rpartition(":")[0] in route.services:
            return route, route.services[place.rpartition(":")[0]]
    claimed = ", ".join(sorted({claim for route in _routes for claim in route.claimed})) or "none"
    raise UnclaimedAddressError(f"no patch of pyredmem claims {place} (claimed: {claimed})")


def _service(name: str) -> bool:
    return any(name in route.services for route in _routes)


def _place(connection: Any) -> str:
    path = getattr(connection, "path", None)
    return str(path) if path else address(str(connection.host), int(connection.port))


def _find_or_give_up(connection: Any) -> tuple[Route, Driver] | None:
    try:
        found = _find(_place(connection))
    except UnclaimedAddressError:
        connection.retry._retries = 0  # it would not be claimed later either
        raise
    if found is not None:
        give_up_if_gone(found[1], connection)
    return found


def _leads_elsewhere(connection: Any) -> bool:
    """Whether a connection from before the patch leads out of the process although its address is not allowed."""
    try:
        return _find(_place(connection)) is not None
    except UnclaimedAddressError:
        return True


# The seams. Each function makes what stands in the place of a method, from the original.


def _sync_connect_socket(original: Any) -> Any:
    def _connect(self: Any) -> Any:
        found = _find_or_give_up(self)
        if found is None:
            return original(self)
        route, driver = found
        host, port = (self.path, 0) if getattr(self, "path", None) else (self.host, self.port)
        local = LocalSocket(driver, str(host), int(port), self.socket_timeout)
        route.add(self)
        return local

    return _connect


def _sync_connect(original: Any) -> Any:
    def connect(self: Any) -> Any:
        if self._sock is not None and not isinstance(self._sock, LocalSocket) and _leads_elsewhere(self):
            self.disconnect()
        return original(self)

    return connect


def _sync_can_read(original: Any) -> Any:
    def can_read(self: Any, timeout: float | None = 0) -> bool:
        if self._sock is None:
            self.connect()
        if isinstance(self._sock, LocalSocket):
            return can_read_locally(self, self._sock, timeout)
        return bool(original(self, timeout))

    return can_read


def _async_connect_stream(original: Any) -> Any:
    async def _connect(self: Any) -> None:
        found = _find_or_give_up(self)
        if found is None:
            await original(self)
            return
        route, driver = found
        host, port = (self.path, 0) if getattr(self, "path", None) else (self.host, self.port)
        self._reader, self._writer = open_stream(driver, str(host), int(port))
        route.add(self)

    return _connect


def _async_connect(original: Any) -> Any:
    async def connect(self: Any) -> None:
        if self.is_connected and not isinstance(self._writer, LocalWriter) and _leads_elsewhere(self):
            await self.disconnect(nowait=True)
        await original(self)

    return connect


def _async_send_packed_command(original: Any) -> Any:
    async def send_packed_command(self: Any, command: Any, check_health: bool = True) -> None:
        if may_use_stream(self):
            await send(self, command)
        else:
            await original(self, command, check_health)

    return send_packed_command


def _async_read_response(original: Any) -> Any:
    async def read_response(
        self: Any, disable_decoding: bool = False, timeout: float | None = None, **options: Any
    ) -> Any:
        response = NO_REPLY if options or timeout is not None else await read(self, disable_decoding)
        return await original(self, disable_decoding, timeout, **options) if response is NO_REPLY else response

    return read_response


def _sync_discover_master(original: Any) -> Any:
    def discover_master(self: Any, service_name: str) -> Any:
        return (service_name, SERVICE_PORT) if _service(service_name) else original(self, service_name)

    return discover_master


def _sync_discover_slaves(original: Any) -> Any:
    def discover_slaves(self: Any, service_name: str) -> Any:
        return [(service_name, SERVICE_PORT)] if _service(service_name) else original(self, service_name)

    return discover_slaves


def _async_discover_master(original: Any) -> Any:
    async def discover_master(self: Any, service_name: str) -> Any:
        return (service_name, SERVICE_PORT) if _service(service_name) else await original(self, service_name)

    return discover_master


def _async_discover_slaves(original: Any) -> Any:
    async def discover_slaves(self: Any, service_name: str) -> Any:
        return [(service_name, SERVICE_PORT)] if _service(service_name) else await original(self, service_name)

    return discover_slaves


def _seams() -> list[tuple[type, str, Callable[[Any], Any]]]:
    """The methods that a patch replaces: class, name, and what makes the replacement."""
    return [
        # Opens the socket. An SSL connection would wrap it.
        (sync_connection.Connection, "_connect", _sync_connect_socket),
        (sync_connection.SSLConnection, "_connect", _sync_connect_socket),
        (sync_connection.UnixDomainSocketConnection, "_connect", _sync_connect_socket),
        # A pool calls it before each command: here connections from before the patch are found.
        (sync_connection.AbstractConnection, "connect", _sync_connect),
        # Polls the file of the socket.
        (sync_connection.AbstractConnection, "can_read", _sync_can_read),
        (aio_connection.Connection, "_connect", _async_connect_stream),
        (aio_connection.UnixDomainSocketConnection, "_connect", _async_connect_stream),
        (aio_connection.AbstractConnection, "connect", _async_connect),
        # What takes longest, and is not needed inside the process.
        (aio_connection.AbstractConnection, "send_packed_command", _async_send_packed_command),
        (aio_connection.AbstractConnection, "read_response", _async_read_response),
        (sync_sentinel.Sentinel, "discover_master", _sync_discover_master),
        (sync_sentinel.Sentinel, "discover_slaves", _sync_discover_slaves),
        (aio_sentinel.Sentinel, "discover_master", _async_discover_master),
        (aio_sentinel.Sentinel, "discover_slaves", _async_discover_slaves),
    ]


def _install() -> None:
    for owner, name, make in _seams():
        original = owner.__dict__[name]
        setattr(owner, name, make(original))
        _undo.append(partial(setattr, owner, name, original))
