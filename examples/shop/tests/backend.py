"""The two servers that the tests run on, as far as they differ."""

import asyncio
from abc import ABC, abstractmethod
from datetime import timedelta

from pyredmem import Server
from redis.asyncio import Redis

from shop.settings import Settings


class Backend(ABC):
    """What tests need of a server apart from a client."""

    #: Where the shop connects to.
    url: str
    #: The times that tests let pass.
    settings: Settings

    @abstractmethod
    async def pass_time(self, time: timedelta) -> None:
        """Let so much time pass for the server."""

    @abstractmethod
    async def count(self, command: str) -> int:
        """How often the server has run a command in this test."""

    @abstractmethod
    async def expect_clean(self) -> None:
        """Fail if a lock or a subscription is left, or a key that should expire and never will."""


class Double(Backend):
    """pyredmem's server. Its time stands still unless a test lets it pass, so the shop's usual times are good."""

    url = "redis://localhost:6379"  # claimed by the fixture redmem_patch
    settings = Settings(lock_patience=timedelta(seconds=0.3), cache_patience=timedelta(seconds=0.5))  # in real time

    def __init__(self, server: Server) -> None:
        self._server = server
        server.clock.freeze()

    async def pass_time(self, time: timedelta) -> None:
        self._server.clock.advance(time)

    async def count(self, command: str) -> int:
        return self._server.commands.count(command)

    async def expect_clean(self) -> None:
        self._server.expect_clean(locks="lock:*", without_expiry=["product:*", "session:*", "rate:*"])


class RealServer(Backend):
    """A redis-server. Its time passes by itself, so the shop's times are short."""

    settings = Settings(
        product_ttl=timedelta(seconds=0.5),
        cache_patience=timedelta(seconds=0.5),
        session_ttl=timedelta(seconds=1.5),
        order_window=timedelta(seconds=0.5),
        lock_ttl=timedelta(seconds=1),
        lock_patience=timedelta(seconds=0.3),
        worker_patience=timedelta(seconds=0.5),
    )

    def __init__(self, url: str, client: Redis) -> None:
        self.url = url
        self._client = client

    async def prepare(self) -> None:
        await self._client.flushdb()
        await self._client.config_resetstat()

    async def pass_time(self, time: timedelta) -> None:
        await asyncio.sleep(time.total_seconds() + 0.002)  # keys expire after their time, not at it

    async def count(self, command: str) -> int:
        calls: dict[str, dict[str, int]] = await self._client.info("commandstats")
        return calls.get(f"cmdstat_{command.lower()}", {"calls": 0})["calls"]

    async def expect_clean(self) -> None:
        assert not await self._client.keys("lock:*")
        assert not await self._client.pubsub_channels()
        for pattern in ("product:*", "session:*", "rate:*"):
            assert not [key for key in await self._client.keys(pattern) if await self._client.ttl(key) == -1]
