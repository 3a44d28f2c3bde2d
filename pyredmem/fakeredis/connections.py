"""Connections of redis-py, or of valkey-py, that lead to a `FakeServer`."""

from __future__ import annotations

from typing import Any, ClassVar

import redis
import redis.asyncio

from pyredmem.client.aio import ShortAsyncConnection, open_stream
from pyredmem.client.local_socket import LocalSocket
from pyredmem.client.sync import ShortConnection, can_read_locally
from pyredmem.fakeredis.servers import NOT_CONNECTED, FakeServer, take_server


class FakeBaseConnection:
    """Stands before the class of a connection, whose socket it replaces."""

    connection_error: ClassVar[type[Exception]] = redis.ConnectionError
    host: Any
    port: Any
    socket_timeout: Any
    _sock: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        self._server: FakeServer = take_server(options)
        super().__init__(*args, **_without_tls(options))

    def _connect(self) -> LocalSocket:
        if not self._server.connected:
            raise self.connection_error(NOT_CONNECTED)
        return LocalSocket(self._server.server.driver, str(self.host), int(self.port), self.socket_timeout)

    def can_read(self, timeout: float | None = 0) -> bool:
        """Whether a reply or message can be read, within ``timeout`` seconds. Raises ConnectionError at the end."""
        if self._sock is None:
            self.connect()  # type: ignore[attr-defined]
        try:
            return can_read_locally(self, self._sock, timeout)
        except redis.ConnectionError as error:
            raise self.connection_error(str(error)) from error

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)  # type: ignore[misc]
        except self.connection_error as error:
            if self._server.connected:
                raise
            raise self.connection_error(NOT_CONNECTED) from error

    def get_socket(self) -> LocalSocket:
        """What the connection has in place of a socket; it connects if it is not connected."""
        if self._sock is None:
            self.connect()  # type: ignore[attr-defined]
        return self._sock  # type: ignore[no-any-return]


class FakeRedisConnection(FakeBaseConnection, ShortConnection):
    """A connection of redis-py that leads to a `FakeServer`."""


class FakeBaseAsyncConnection:
    """Stands before the class of a connection for asyncio, whose reader and writer it replaces."""

    connection_error: ClassVar[type[Exception]] = redis.ConnectionError
    host: Any
    port: Any
    _reader: Any
    _writer: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        self._server: FakeServer = take_server(options)
        super().__init__(*args, **_without_tls(options))

    async def _connect(self) -> None:
        if not self._server.connected:
            raise self.connection_error(NOT_CONNECTED)
        self._reader, self._writer = open_stream(self._server.server.driver, str(self.host), int(self.port))

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*args, **options)  # type: ignore[misc]
        except self.connection_error as error:
            if self._server.connected:
                raise
            raise self.connection_error(NOT_CONNECTED) from error


class FakeAsyncRedisConnection(FakeBaseAsyncConnection, ShortAsyncConnection):
    """A connection of redis-py for asyncio that leads to a `FakeServer`."""


#: Older names of the same.
FakeConnection = FakeRedisConnection
FakeAsyncConnection = FakeAsyncRedisConnection


def _without_tls(options: dict[str, Any]) -> dict[str, Any]:
    """Options for a connection that is not encrypted: nothing leaves the process."""
    return {name: value for name, value in options.items() if not name.startswith("ssl_")}
