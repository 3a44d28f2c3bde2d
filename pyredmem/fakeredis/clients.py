"""Clients of redis-py, or of valkey-py, that lead to a `FakeServer`."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, Self

import redis
import redis.asyncio

from pyredmem.client.client_options import completed
from pyredmem.client.pipelines import shorten_pipeline
from pyredmem.client.sync import shorten
from pyredmem.fakeredis.connections import FakeAsyncRedisConnection, FakeRedisConnection
from pyredmem.fakeredis.servers import FakeServer, ServerType, Version, take_server


class FakeClientMixin:
    """Stands before the class of a client. Its constructor takes what the class takes, and these:

    ``server``: the `FakeServer` to use. Without it, a client that is given an address shares data with those that have
    the same address, ``server_type`` and major ``version``; one without an address has a server of its own.
    ``connected=False``: that server refuses connections. ``lua_modules``: scripts always have all of Redis's libraries.
    """

    default_connection_class: ClassVar[type]
    default_pool_class: ClassVar[type]
    default_server_type: ClassVar[ServerType] = "redis"
    connection_pool: Any
    auto_close_connection_pool: bool

    def __init__(
        self,
        *args: Any,
        server: FakeServer | None = None,
        version: Version | None = None,
        server_type: ServerType | None = None,
        connected: bool = True,
        lua_modules: AbstractSet[str] | None = None,
        client_class: type | None = None,
        connection_class: type | None = None,
        connection_pool_class: type | None = None,
        **options: Any,
    ) -> None:
        if options.get("connection_pool") is not None:
            super().__init__(*args, **options)
            return
        single = options.pop("single_connection_client", False)
        options.setdefault("retry", None)  # a server that refuses connections refuses them at once
        genuine = next((one for one in (redis.Redis, redis.asyncio.Redis) if issubclass(type(self), one)), None)
        if genuine is not None:
            options = completed(genuine, options)
        super().__init__(*args, **options)
        server_type = server_type or self.default_server_type
        if server is None and not args and "host" not in options and options.get("unix_socket_path") is None:
            server = FakeServer(version, server_type)
            server.connected = connected
        pool = self.connection_pool
        pool.connection_kwargs.update(server=server, version=version, server_type=server_type, connected=connected)
        if connection_pool_class is not None:
            pool = connection_pool_class(max_connections=pool.max_connections, **pool.connection_kwargs)
            self.connection_pool = pool
        elif connection_class is None:
            shorten(pool, options)
        _serve(pool, connection_class or self.default_connection_class)
        if single:
            super().__init__(connection_pool=pool, single_connection_client=True)  # type: ignore[call-arg]
            self.auto_close_connection_pool = True

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """A client for a URL, and for options of the constructor."""
        single = options.pop("single_connection_client", False)
        connection_class = options.pop("connection_class", None)
        pool_class: Any = options.pop("connection_pool_class", None)
        options.setdefault("server_type", cls.default_server_type)
        maker: Any = pool_class or cls.default_pool_class
        pool = maker.from_url(url, **options)
        if connection_class is None and pool_class is None:
            shorten(pool, options)
        _serve(pool, connection_class or cls.default_connection_class)
        client = cls(connection_pool=pool, single_connection_client=single)
        client.auto_close_connection_pool = True
        return client


def _serve(pool: Any, connection_class: type) -> None:
    """Let the connections of a pool lead to the server that its options choose. It must not have made one."""
    pool.connection_class = connection_class
    pool.connection_kwargs["server"] = take_server(pool.connection_kwargs)


class FakeRedisMixin(FakeClientMixin):
    """Stands before `redis.Redis`, or a class derived from it."""

    default_connection_class = FakeRedisConnection
    default_pool_class = redis.ConnectionPool

    def pipeline(self, *args: Any, **options: Any) -> Any:
        """A pipeline; it takes what that of redis-py takes."""
        pipeline: Any = super().pipeline(*args, **options)  # type: ignore[misc]  # the class that this one stands before
        return shorten_pipeline(pipeline)


class FakeRedis(FakeRedisMixin, redis.Redis):
    """A `redis.Redis` that leads to a `FakeServer`."""


class FakeStrictRedis(FakeRedisMixin, redis.StrictRedis):
    """A `redis.StrictRedis` that leads to a `FakeServer`."""


class FakeAsyncRedisMixin(FakeClientMixin):
    """Stands before `redis.asyncio.Redis`, or a class derived from it."""

    default_connection_class = FakeAsyncRedisConnection
    default_pool_class = redis.asyncio.ConnectionPool


class FakeAsyncRedis(FakeAsyncRedisMixin, redis.asyncio.Redis):  # type: ignore[misc]
    """A `redis.asyncio.Redis` that leads to a `FakeServer`."""
