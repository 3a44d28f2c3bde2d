"""The servers that clients share, by object or by address."""

from __future__ import annotations

import threading
from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar, Final, Literal, TypeAlias, cast

from pyredmem.client.server import Server
from pyredmem.config.profiles import MIXED

ServerType: TypeAlias = Literal["redis", "dragonfly", "valkey", "kividb"]
Version: TypeAlias = tuple[int, ...] | int | float | str

SERVER_TYPES: Final = ("redis", "dragonfly", "valkey", "kividb")
#: What a client is told while its server is not connected.
NOT_CONNECTED: Final = "FakeRedis is emulating a connection error."
#: A version has this many parts in INFO.
_PARTS: Final = 3
#: The version that decides with whom a client shares, if it asks for none.
_USUAL_MAJOR: Final = 7


def parse_version(version: Version) -> tuple[int, ...]:
    """A version in any of its forms: 7, 7.4, "7.4.1", (7, 4). Raises ValueError if it is none of them."""
    if isinstance(version, tuple):
        return version
    if isinstance(version, str | int | float):
        return tuple(int(part) for part in str(version).split("."))
    raise ValueError(f"Unsupported version: {version}")


class FakeServer:
    """The data that clients share which were given this server.

    INFO and HELLO report ``version``, and the server has its commands; without a version it has those of all versions.
    ``server_type`` is "redis", "valkey", "dragonfly" or "kividb": it decides only which clients share by address.
    ``config`` holds settings of redis.conf.
    The time is Python's, which freezegun and time-machine change. With ``obeys_python_time=False`` the genuine server
    has a `Server.clock` instead.
    """

    _by_key: ClassVar[dict[str, FakeServer]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        version: Version | None = None,
        server_type: ServerType = "redis",
        config: Mapping[Any, Any] | None = None,
        *,
        obeys_python_time: bool = True,
    ) -> None:
        if server_type not in SERVER_TYPES:
            raise ValueError(f"Unsupported server type: {server_type}")
        self.server_type: ServerType = server_type
        self.config = dict(config or {})
        self.version = parse_version(MIXED.version if version is None else version)
        parts = (*self.version, *[0] * _PARTS)[: max(_PARTS, len(self.version))]
        self._redis_version = MIXED.name if version is None else ".".join(str(part) for part in parts)
        self._obeys_python_time = obeys_python_time
        self._server: Server | None = None
        self._connected = True

    @staticmethod
    def get_server(key: str, version: Version | None, server_type: ServerType) -> FakeServer:
        """The server of a key, which is made if there is none."""
        with FakeServer._lock:
            if key not in FakeServer._by_key:
                FakeServer._by_key[key] = FakeServer(version, server_type)
            return FakeServer._by_key[key]

    @property
    def server(self) -> Server:
        """The genuine server, with everything that it can do. It is made at first use."""
        with FakeServer._lock:
            if self._server is None:
                settings: dict[str, Any] = {_text(name): _text(value) for name, value in self.config.items()}
                settings.setdefault("redis-version", self._redis_version)
                self._server = Server(obeys_python_time=self._obeys_python_time, **settings)
            return self._server

    @property
    def connected(self) -> bool:
        """Whether clients can connect. Those that are connected lose their connection when this becomes False."""
        return self._connected

    @connected.setter
    def connected(self, connected: bool) -> None:
        self._connected = connected
        if not connected and self._server is not None:
            self._server.driver.disconnect_all()

    def close(self) -> None:
        """Disconnect all clients, and give the data back."""
        with FakeServer._lock:
            server, self._server = self._server, None
        if server is not None:
            server.close()


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def take_server(options: MutableMapping[str, Any]) -> FakeServer:
    """The server for the options of a connection; those that choose a server are removed from them.

    It is the one that is given as ``server``. Without it, connections share by address, type and major version.
    """
    given = options.pop("server", None)
    version = options.pop("version", None)
    server_type = options.pop("server_type", "redis")
    connected = options.pop("connected", True)
    for name in ("lua_modules", "client_class", "client_info", "writer"):  # nothing depends on them here
        options.pop(name, None)
    path = options.pop("path", None)
    if given is not None:
        return cast(FakeServer, given)
    place = path or f"{options.get('host')}:{options.get('port')}"
    major = _USUAL_MAJOR if version is None else parse_version(version)[0]
    server = FakeServer.get_server(f"{place}:{server_type}:v{major}", version, server_type)
    server.connected = connected
    return server
