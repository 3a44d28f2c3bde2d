"""redis-py's own cost: genuine clients over a connection that drops what is sent and returns prepared replies.

So packing, parsing, callbacks and the pool are in it, and no server. No server inside the process can be faster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.connection import Connection as AsyncConnection
from redis.connection import Connection

#: What a client asks when it connects, and the replies.
_HANDSHAKE = {b"HELLO": b"%1\r\n$5\r\nproto\r\n:3\r\n", b"SETINFO": b"+OK\r\n"}


class _Script:
    """The replies, one after the other, over and over."""

    def __init__(self) -> None:
        self._replies: cycle[bytes] = cycle([b""])

    def say(self, replies: Sequence[bytes]) -> None:
        """Give these replies from now on."""
        self._replies = cycle(replies)

    def reply(self, request: bytes) -> bytes:
        """The reply to a request."""
        if len(request) < 120:
            for word, reply in _HANDSHAKE.items():
                if word in request:
                    return reply
        return next(self._replies)


class _Socket:
    def __init__(self, script: _Script) -> None:
        self._script = script
        self._requests: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self._requests.append(data)

    def recv_into(self, buffer: bytearray) -> int:
        reply = self._script.reply(self._requests[-1])
        self._requests.clear()
        size = len(reply)
        buffer[:size] = reply
        return size

    def settimeout(self, timeout: float | None) -> None:
        pass

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        pass


class FloorConnection(Connection):
    """A connection of the client below."""

    script: _Script

    def __init__(self, *args: Any, script: _Script, **options: Any) -> None:
        self.script = script
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]

    def _connect(self) -> Any:
        return _Socket(self.script)

    def can_read(self, timeout: float | None = 0) -> bool:
        return bool(self._parser._reader.has_data())


class _Writer:
    def __init__(self, script: _Script, reader: asyncio.StreamReader) -> None:
        self._script = script
        self._reader = reader

    def writelines(self, parts: Iterable[bytes]) -> None:
        self._reader.feed_data(self._script.reply(b"".join(parts)))

    async def drain(self) -> None:
        pass

    def close(self) -> None:
        pass

    async def wait_closed(self) -> None:
        pass

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default


class AsyncFloorConnection(AsyncConnection):
    """A connection of the asyncio client below."""

    def __init__(self, *args: Any, script: _Script, **options: Any) -> None:
        self.script = script
        super().__init__(*args, **options)

    async def _connect(self) -> None:
        self._reader = asyncio.StreamReader()
        writer: Any = _Writer(self.script, self._reader)
        self._writer = writer


def floor_client() -> tuple[redis.Redis, _Script]:
    """A client without a server, and what gives it its replies."""
    script = _Script()
    client = redis.Redis()
    client.connection_pool.connection_class = FloorConnection
    client.connection_pool.connection_kwargs["script"] = script
    return client, script


def async_floor_client() -> tuple[redis.asyncio.Redis, _Script]:
    """The same for asyncio."""
    script = _Script()
    client = redis.asyncio.Redis()
    client.connection_pool.connection_class = AsyncFloorConnection
    client.connection_pool.connection_kwargs["script"] = script
    return client, script
