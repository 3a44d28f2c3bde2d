"""A server on a real socket, used like a server of the standard library's `socketserver`."""

from __future__ import annotations

import threading
from typing import Any, Self

from pyredmem.client.listening import Listener
from pyredmem.fakeredis.servers import FakeServer, ServerType, Version


class TcpFakeServer:
    """Listens at ``server_address``, a host and a port; port 0 stands for a free one.

    Clients are served as soon as it listens. `serve_forever` only waits for `shutdown`, so it may run in a thread, or
    not at all.
    """

    def __init__(
        self,
        server_address: tuple[Any, int],
        bind_and_activate: bool = True,
        server_type: ServerType = "redis",
        server_version: Version | None = None,
    ) -> None:
        self.server_address = server_address
        self.fake_server = FakeServer(server_version, server_type)
        self._listener: Listener | None = None
        self._has_ended = threading.Event()
        if bind_and_activate:
            self.server_bind()
            self.server_activate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.server_close()

    def server_bind(self) -> None:
        """Listen, and find out the port. Raises OSError if the address is taken."""
        host, port = self.server_address
        if isinstance(host, bytes | bytearray):
            host = host.decode()
        self._listener = self.fake_server.server.listen(host, port)
        self.server_address = (self._listener.host, self._listener.port)

    def server_activate(self) -> None:
        """Nothing is left to do."""

    @property
    def clients(self) -> dict[tuple[str, int], int]:
        """The ids of the clients that are connected, by address."""
        driver = self.fake_server.server.driver
        driver.enter()
        try:
            ids = {session.address: session.id for session in driver.engine.sessions.values()}
        finally:
            driver.leave()
        parts = {address.rpartition(":"): number for address, number in ids.items()}
        return {(host, int(port)): number for (host, _, port), number in parts.items()}

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Wait until the server is shut down."""
        self._has_ended.wait()

    def shutdown(self) -> None:
        """Stop listening, disconnect the clients, and let `serve_forever` return."""
        self._has_ended.set()
        if self._listener is not None:
            self._listener.close()

    def server_close(self) -> None:
        """Shut down if that was not done, and give the data back."""
        self.shutdown()
        self.fake_server.close()
