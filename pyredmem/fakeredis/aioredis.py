"""The clients for asyncio, by the names that they have in the module `fakeredis.aioredis`."""

from asyncio import StreamReader as FakeReader

from pyredmem.client.aio import LocalWriter as FakeWriter
from pyredmem.fakeredis.clients import FakeAsyncRedis as FakeRedis
from pyredmem.fakeredis.clients import FakeAsyncRedisMixin
from pyredmem.fakeredis.connections import (
    FakeAsyncConnection,
    FakeAsyncRedisConnection,
    FakeBaseAsyncConnection,
)

#: Older names of the same.
FakeConnection = FakeAsyncConnection
FakeRedisMixin = FakeAsyncRedisMixin
#: A connection has nothing like a socket besides its writer.
AsyncFakeSocket = FakeWriter

__all__ = [
    "AsyncFakeSocket",
    "FakeAsyncConnection",
    "FakeAsyncRedisConnection",
    "FakeAsyncRedisMixin",
    "FakeBaseAsyncConnection",
    "FakeConnection",
    "FakeReader",
    "FakeRedis",
    "FakeRedisMixin",
    "FakeWriter",
]
