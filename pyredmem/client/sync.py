"""redis-py's connection to a server in this process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from redis.connection import Connection, ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError

from pyredmem.client.driver import Driver
from pyredmem.client.forks import give_up_if_gone
from pyredmem.client.local_socket import LocalSocket
from pyredmem.client.shortcuts import NO_REPLY, give_back, pack_together, read, send, take_idle

#: What redis-py says of a connection that the server has closed.
SERVER_CLOSED = "Connection closed by server."

#: Options of a client whose pool has more to do than to hold connections, or is not the client's.
_DEMANDING: Final = ("cache", "cache_config", "connection_pool", "credential_provider", "event_dispatcher")


class LocalPool(ConnectionPool):
    """A genuine pool that leaves out what only a network needs, for connections over a `LocalSocket`."""

    def get_connection(self, *words: Any, **options: Any) -> Any:
        """A connection that is ready for a command. Words are only for redis-py to complain about."""
        connection = None if words or options else take_idle(self)
        return super().get_connection(*words, **options) if connection is None else connection

    def release(self, connection: Any) -> None:
        """Take a connection back."""
        if not give_back(self, connection):
            super().release(connection)


def shorten(pool: Any, options: dict[str, Any]) -> None:
    """Let a pool that redis-py has made from the options of a client be a `LocalPool`, if that makes no difference."""
    if type(pool) is ConnectionPool and all(options.get(name) is None for name in _DEMANDING):
        pool.__class__ = LocalPool


class ShortConnection(Connection):
    """A genuine connection that sends and reads by the `shortcuts` while its socket is a `LocalSocket`."""

    _sock: Any

    def pack_commands(self, commands: Iterable[Iterable[Any]]) -> list[bytes]:
        """The requests of several commands."""
        listed = [tuple(words) for words in commands]
        packed = pack_together(self, listed)
        return super().pack_commands(listed) if packed is None else packed  # type: ignore[no-untyped-call]  # no types

    def send_command(self, *words: Any, **options: Any) -> None:
        """Send a command."""
        if not send(self, words):
            super().send_command(*words, **options)  # type: ignore[no-untyped-call]  # redis-py has no types here

    def read_response(self, disable_decoding: bool = False, **options: Any) -> Any:
        """The next reply. Raises it if it is an error."""
        response = NO_REPLY if options else read(self, disable_decoding)
        return super().read_response(disable_decoding, **options) if response is NO_REPLY else response


class LocalConnection(ShortConnection):
    """A genuine connection whose socket is a `LocalSocket`. Its pool passes ``driver`` with the options."""

    def __init__(self, *args: Any, driver: Driver, **options: Any) -> None:
        self._driver = driver
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]

    def _connect(self) -> LocalSocket:
        give_up_if_gone(self._driver, self)
        return LocalSocket(self._driver, str(self.host), int(self.port), self.socket_timeout)

    def can_read(self, timeout: float | None = 0) -> bool:
        """Whether a reply or message can be read, within ``timeout`` seconds. Raises ConnectionError at the end."""
        if self._sock is None:
            self.connect()  # type: ignore[no-untyped-call]
        return can_read_locally(self, self._sock, timeout)


def can_read_locally(connection: Any, local: LocalSocket, timeout: float | None) -> bool:
    """`can_read` of a connection over a `LocalSocket`: redis-py's own would poll the file of the socket."""
    reader = getattr(connection._parser, "_reader", None)
    if reader is None:  # the parser in Python reads from the socket
        return bool(connection._parser.can_read(timeout))
    if reader.has_data():
        return True
    if not local.can_read(timeout):
        return False
    if local.is_at_end():
        connection.disconnect()
        raise RedisConnectionError(SERVER_CLOSED)
    return True
