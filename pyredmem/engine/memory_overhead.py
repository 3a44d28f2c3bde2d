"""Which part of used_memory is data and which is overhead: the arithmetic of MEMORY STATS and INFO memory.

The overhead is the memory of an empty server, of clients and of scripts, and for each database its hash tables with one
entry and one object header for each key, whatever the encoding of the value (Redis 7.2 object.c getMemoryOverheadData).
Redis computes the percentages as 32-bit floats, and so does this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyredmem.engine import figures
from pyredmem.engine.engine import Engine
from pyredmem.keyspace.database import Database
from pyredmem.memory.snapshot import float32, ratio

#: The bytes that the caches of functions take on an empty server, by allocator. They are part of the startup memory.
_EMPTY_FUNCTIONS: Final = {"jemalloc": 184, "jemalloc-lg4": 200, "tcmalloc": 200, "libc": 216}


@dataclass(frozen=True)
class DatabaseOverhead:
    """The hash tables of one database, in bytes."""

    index: int
    main_table: int
    expire_table: int
    buckets_bytes: int  # of both, the buckets alone; in Valkey with their headers


@dataclass(frozen=True)
class MemoryOverhead:
    """The figures of one moment, in bytes unless their names say otherwise."""

    peak: int
    total: int
    startup: int
    clients: int
    lua_caches: int
    functions_caches: int
    databases: list[DatabaseOverhead]
    keys: int
    overhead: int
    replicas: int = 0
    aof_buffer: int = 0

    def dataset(self) -> int:
        """The memory that is not overhead."""
        return self.total - self.overhead

    def grown(self) -> int:
        """The memory that was added since the start."""
        return max(self.total - self.startup, 0)

    def dataset_percent(self) -> float:
        """The share of data in the memory that was added since the start."""
        return _percent(self.dataset(), self.grown() or 1)

    def peak_percent(self) -> float:
        """The memory in use as a share of the peak; more than 100 if a new peak has not been noted yet."""
        return _percent(self.total, self.peak)

    def bytes_per_key(self) -> int:
        """The memory that was added since the start, per key."""
        return self.grown() // self.keys if self.keys else 0


def _percent(part: int, whole: int) -> float:
    return ratio(int(float32(float32(part) * 100)), whole)


def measure_overhead(engine: Engine) -> MemoryOverhead:
    """Take the figures now."""
    allocator = engine.allocator
    sources = engine.figures
    databases = [_database(database) for database in engine.keyspace.databases if _is_listed(database)]
    replicas = sources.value(figures.REPLICA_BUFFERS_BYTES)
    clients = sources.value(figures.CLIENTS_BYTES)
    lua_caches = sources.value(figures.LUA_CACHES_BYTES)
    functions = _EMPTY_FUNCTIONS[allocator.profile.name] + sources.value(figures.FUNCTIONS_CACHES_BYTES)
    functions += allocator.sizes.functions_change
    aof_buffer = sources.value(figures.AOF_BUFFER)
    tables = sum([database.main_table + database.expire_table for database in databases])
    return MemoryOverhead(
        peak=allocator.peak,
        total=allocator.used_memory,
        startup=allocator.startup,
        clients=clients,
        lua_caches=lua_caches,
        functions_caches=functions,
        databases=databases,
        keys=engine.keyspace.size(),
        overhead=allocator.startup + replicas + clients + aof_buffer + lua_caches + functions + tables,
        replicas=replicas,
        aof_buffer=aof_buffer,
    )


def _is_listed(database: Database) -> bool:
    """Whether MEMORY STATS has a database: if it has keys, or in Valkey if it ever had; the first one always."""
    if not database.allocator.sizes.counts_headers:
        return database.size() > 0
    return database.index == 0 or database.was_used()


def _database(database: Database) -> DatabaseOverhead:
    sizes = database.allocator.sizes
    header = sizes.key_table if database.has_header() else 0
    expire_header = sizes.expire_table if database.has_expire_header() else 0
    buckets = database.table_bytes()
    expire_buckets = database.expire_table_bytes()
    lookup = buckets + expire_buckets
    return DatabaseOverhead(
        index=database.index,
        main_table=sizes.counted_tables + header + database.size() * sizes.counted_key + buckets,
        expire_table=sizes.counted_tables + expire_header + database.expiring() * sizes.counted_time + expire_buckets,
        buckets_bytes=lookup + header + expire_header if sizes.counts_headers else lookup,
    )
