"""Lets code under test reach servers inside the process by address, however it makes its clients of redis-py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pyredmem.client.addresses import parse
from pyredmem.client.driver import Driver
from pyredmem.client.server import Server

DEFAULT_ADDRESS: Final = "localhost:6379"


class Patch:
    """A context manager: while it is in force, clients of redis-py connect inside the process.

    ``addresses`` are claimed for a fresh server, or for ``server``: ``host``, ``host:port``, the path of a socket, a
    URL, or ``*`` for all. The default is ``localhost:6379``. ``servers`` claims more of them, each for a server of its
    own. A client that connects to any other address gets redis-py's ConnectionError at once, so that no test reaches
    a real server by accident; ``allow`` lets addresses through.

    ``services`` are names of services at a Sentinel, which need no Sentinel then. ``settings`` are those of the fresh
    server.
    """

    def __init__(
        self,
        *addresses: str,
        server: Server | None = None,
        servers: Mapping[str, Server] | None = None,
        services: Mapping[str, Server] | None = None,
        allow: Iterable[str] = (),
        **settings: Any,
    ) -> None:
        if server is not None and settings:
            raise TypeError("settings are those of a fresh server")
        self._is_own = server is None
        self.server = server or Server(**settings)
        claimed = {parse(one): self.server.driver for one in addresses}
        for one, other in (servers or {}).items():
            claimed[parse(one)] = other.driver
        if not claimed and not services:
            claimed[DEFAULT_ADDRESS] = self.server.driver
        self._claimed: dict[str, Driver] = claimed
        self._services = {name: one.driver for name, one in (services or {}).items()}
        self._allowed = frozenset(parse(one) for one in allow)
        self._routes: list[Any] = []

    def __enter__(self) -> Server:
        from pyredmem.client import routes

        route = routes.Route(self._claimed, self._services, self._allowed)
        routes.begin(route)
        self._routes.append(route)
        return self.server

    def __exit__(self, *error: object) -> None:
        from pyredmem.client import routes

        routes.end(self._routes.pop())
        if self._is_own and not self._routes:
            self.server.close()
