"""Connections to other servers, which MIGRATE keeps for a while since many keys may follow (Redis migrateGetSocket)."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.engine.host import Link
from pyredmem.memory.layout import CACHED_LINK_SIZE, CONNECTION_SIZE
from pyredmem.structures.dict import Dict

#: A connection that was not used for longer than this is closed (seconds).
_LONGEST_IDLE_S: Final = 10
_MOST_LINKS: Final = 64
_PERIOD_MS: Final = 1000
NO_DATABASE: Final = -1


class CachedLink:
    """A connection, the database that is selected there, and when it was used last."""

    def __init__(self, name: bytes, link: Link, blocks: list[int], now_s: i64) -> None:
        self.name = name
        self.link: Link = link
        self.database = NO_DATABASE
        self.used_s: i64 = now_s
        self.blocks = blocks


class Links:
    """The connections to other servers, by address and port."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._names = Dict(core.allocator, owns_keys=True)
        self._links: dict[bytes, CachedLink] = {}
        core.cron.every(_PERIOD_MS, self.close_idle)
        core.owners.register("connections to other servers", self.addresses)

    def __len__(self) -> int:
        return len(self._links)

    def connect(self, address: bytes, port: int, timeout_s: float) -> CachedLink:
        """The connection to a server, a new one if there is none. Raises OSError."""
        now_s = self._core.keyspace.now_ms() // 1000
        name = b"%b:%d:" % (address, port)
        cached = self._links.get(name)
        if cached is not None:
            cached.used_s = now_s
            return cached
        if len(self._links) == _MOST_LINKS:
            self.drop(list(self._links.values())[self._core.rng.below(_MOST_LINKS)])
        link = self._core.host.connect(address, port, timeout_s)
        alloc = self._core.allocator.alloc
        cached = CachedLink(name, link, [int(alloc(CONNECTION_SIZE)), int(alloc(CACHED_LINK_SIZE))], now_s)
        self._names.insert(name, 0)
        self._links[name] = cached
        return cached

    def drop(self, cached: CachedLink) -> None:
        """Close a connection."""
        del self._links[cached.name]
        self._names.remove(self._names.find(cached.name))
        for address in cached.blocks:
            self._core.allocator.free(address)
        cached.link.close()

    def close_idle(self) -> None:
        """Close the connections that were not used for a while."""
        now_s = self._core.keyspace.now_ms() // 1000
        for cached in list(self._links.values()):
            if now_s - cached.used_s > _LONGEST_IDLE_S:
                self.drop(cached)

    def close_all(self) -> None:
        """Close all connections: the server ends."""
        for cached in list(self._links.values()):
            self.drop(cached)

    def addresses(self) -> list[int]:
        """Every ledger block of the connections."""
        owned = self._names.addresses()
        for cached in self._links.values():
            owned += cached.blocks
        return owned
