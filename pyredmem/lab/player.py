"""Plays the operations of a trace to a server in virtual time."""

from __future__ import annotations

from collections.abc import Sequence

from mypy_extensions import i64

from pyredmem.lab.operations import DELETE, KEEP_TTL, READ, STRING, WRITE
from pyredmem.lab.virtual_server import VirtualServer


class Player:
    """Gives operations to a server, and counts."""

    def __init__(self, server: VirtualServer, names: list[bytes], databases: list[int], fills: bool) -> None:
        self._server = server
        self._names = names
        self._databases = databases
        self._database = 0
        self._fills = fills
        self.reads = 0
        self.misses = 0

    def play(self, columns: Sequence[list[int]]) -> None:
        """Run operations, in columns.

        These are: times, operations, keys, sizes, times to live of writes, types, times to live of fills.
        """
        server = self._server
        keyspace = server.keyspace
        names = self._names
        databases = self._databases
        times, operations, keys, sizes, ttls, types, fill_ttls = columns
        for at in range(len(times)):
            time_us: i64 = times[at]
            number: i64 = keys[at]
            operation: i64 = operations[at]
            size: i64 = sizes[at]
            kind: i64 = types[at]
            if time_us >= server.due_us:
                server.pass_until(time_us)
            else:
                server.show(time_us)
            if databases[number] != self._database:
                self._database = databases[number]
                server.choose(self._database)
            name = names[number]
            if operation == READ:
                self.reads += 1
                misses = keyspace.misses
                server.do([b"GET" if kind <= STRING else b"TOUCH", name])
                if keyspace.misses != misses:
                    self.misses += 1
                    if self._fills:
                        self._write(name, kind, size, fill_ttls[at])
            elif operation == WRITE:
                self._write(name, kind, size, ttls[at])
            elif operation == DELETE:
                server.delete(name)
            else:
                self._expire(name, ttls[at])

    def _write(self, name: bytes, kind: i64, size: i64, ttl: i64) -> None:
        server = self._server
        if kind > STRING:
            self._write_element(name, kind, size, ttl)
        elif ttl > 0:
            server.do([b"SET", name, server.value(size), b"PX", b"%d" % ttl])
        elif ttl == KEEP_TTL:
            server.do([b"SET", name, server.value(size), b"KEEPTTL"])
        else:
            server.do([b"SET", name, server.value(size)])

    def _write_element(self, name: bytes, kind: i64, size: i64, ttl: i64) -> None:
        """Write a value with an element. What it replaces may have an expire time that stays."""
        server = self._server
        expires_ms = server.session.db.expire_time(name) if ttl == KEEP_TTL else -1
        server.write(name, kind, size)
        if ttl > 0:
            server.do([b"PEXPIRE", name, b"%d" % ttl])
        elif expires_ms >= 0:
            server.do([b"PEXPIREAT", name, b"%d" % expires_ms])

    def _expire(self, name: bytes, ttl: i64) -> None:
        if ttl >= 0:
            self._server.do([b"PEXPIRE", name, b"%d" % ttl])
        else:
            self._server.do([b"PERSIST", name])

    def memory_by_type(self) -> dict[str, int]:
        """The bytes of the keys that are there, as MEMORY USAGE counts them, by type."""
        found: dict[str, int] = {}
        server = self._server
        for name, database in zip(self._names, self._databases, strict=True):
            if database != self._database:
                self._database = database
                server.choose(database)
            size = server.memory_of(name)
            if size:
                kind = server.type_of(name)
                found[kind] = found.get(kind, 0) + size
        return found
