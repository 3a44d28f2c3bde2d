"""A source of figures over the wire: any Redis, Valkey or this server, by its URL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from redis import asyncio as aioredis
from redis.exceptions import RedisError, ResponseError

from pyredmem.web.source import Refusal, Source, SourceError, Word, encoded, name_of

_TIMEOUT_S: Final = 20
#: A server that does not know one of them refuses it, and nothing is lost.
_GREETINGS: Final = (("CLIENT", "SETNAME", "pyredmem-monitor"), ("CLIENT", "NO-TOUCH", "ON"))


class WireServer:
    """A server that can be connected to. Raises SourceError for a URL that is none."""

    def __init__(self, url: str) -> None:
        try:
            self._pool: Any = aioredis.ConnectionPool.from_url(url, protocol=2, socket_timeout=_TIMEOUT_S)
        except (RedisError, ValueError) as error:
            raise SourceError(f"Cannot connect: {error}") from None
        self.name = name_of(self._pool.connection_kwargs)

    async def connect(self) -> Source:
        """A new connection."""
        connection = self._pool.make_connection()
        source = WireSource(connection, self.name)
        try:
            await connection.connect()
            await source.ask_all(_GREETINGS)
        except (RedisError, OSError) as error:
            await source.close()
            raise SourceError(f"Cannot connect to {self.name}: {error}") from None
        except SourceError:
            await source.close()
            raise
        return source


class WireSource(Source):
    """A connection of redis-py."""

    def __init__(self, connection: Any, name: str) -> None:
        self._connection = connection
        self._name = name

    async def ask_all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        connection = self._connection
        try:
            packed = connection.pack_commands([[encoded(word) for word in words] for words in commands])
            await connection.send_packed_command(packed)
            return [await self._reply() for _ in commands]
        except (RedisError, OSError) as error:
            raise SourceError(f"Cannot read {self._name}: {error}") from None

    async def _reply(self) -> Any:
        try:
            return await self._connection.read_response(disable_decoding=True)
        except ResponseError as error:
            return Refusal(str(error))

    async def close(self) -> None:
        await self._connection.disconnect(nowait=True)
