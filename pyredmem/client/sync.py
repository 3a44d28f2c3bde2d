"""redis-py's connection to a server in this process."""

from __future__ import annotations

from typing import Any

from redis.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError

from pyredmem.client.driver import Driver
from pyredmem.client.forks import give_up_if_gone
from pyredmem.client.local_socket import LocalSocket
from pyredmem.client.shortcuts import NO_REPLY, read, send

#: What redis-py says of a connection that the server has closed.
SERVER_CLOSED = "Connection closed by server."


class ShortConnection(Connection):
    """A genuine connection that sends and reads by the `shortcuts` while its socket is a `LocalSocket`."""

    _sock: Any

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
