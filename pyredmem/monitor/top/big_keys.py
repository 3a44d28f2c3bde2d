"""The largest keys, found by SCAN and MEMORY USAGE in small steps, so that the server has time for its clients.

SCAN walks through a table in an order that has nothing to do with the keys, so what has been looked at is a sample
until it is everything. After the last key it begins anew. MEMORY USAGE does not count as an access of a key. TYPE
counts as a hit, so it is asked only once, and only of keys that are among the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from redis.exceptions import ResponseError

from pyredmem.monitor.server_reading import WatchedServer
from pyredmem.monitor.top.table import Column, Order, Table
from pyredmem.monitor.top.texts import count, duration, percent, size
from pyredmem.rdb.text import shortened

#: How many keys are looked at in one step. With a real server a step takes about a tenth of a millisecond.
_TOGETHER: Final = 20
#: How many keys are kept.
_MOST: Final = 50
_LONGEST_NAME: Final = 200

COLUMNS: Final = (
    Column("memory", "MEMORY USAGE of the key; a collection is estimated from five of its elements", 10, size),
    Column("of used", "the same as a share of used_memory", 8, percent),
    Column("type", "its type", 8, is_left=True),
    Column("db", "its database", 4, count),
    Column("looked at", "how long ago it was looked at", 10, duration, rank=1),
    Column("key", "its name", 30, is_left=True, takes_rest=True),
)

Name = tuple[int, bytes]  # database and key


@dataclass
class _Key:
    """A key that has been looked at."""

    size: int
    at_s: float
    walk: int  # in which walk through the keyspace that was
    kind: str | None = None


class BigKeys:
    """Walks through the keys of all databases, again and again. ``clock`` returns seconds."""

    def __init__(self, server: WatchedServer, clock: Callable[[], float] = monotonic) -> None:
        self._server = server
        self._clock = clock
        self._found: dict[Name, _Key] = {}
        self._walk = 0
        self._databases: list[int] = []  # that this walk has not finished; it is in the first one
        self._cursor = b"0"
        self._waiting: list[bytes] = []  # keys that SCAN has told, which are to be looked at
        self._looked_at = 0
        self._refusal = ""

    def look(self, databases: Mapping[int, int], seconds: float) -> None:
        """Take steps until they have taken ``seconds``, or a walk has ended; at least one. Raises ServerError.

        ``databases``: how many keys each has.
        """
        began = self._clock()
        while not self._refusal:
            has_ended = self._step(databases)
            if has_ended or self._clock() - began >= seconds:
                break
        unknown = [name for name, key in self._found.items() if key.kind is None]
        for database in {database for database, _ in unknown}:
            self._ask_for_types(database, [name for at, name in unknown if at == database])

    def _step(self, databases: Mapping[int, int]) -> bool:
        """Look at some keys; whether a walk has ended."""
        if not self._databases:
            if not databases:
                self._found.clear()
                return True
            self._databases = sorted(databases)
            self._walk += 1
            self._looked_at = 0
        if not self._waiting:
            self._scan()
        else:
            self._measure()
        if self._waiting or self._cursor != b"0":
            return False
        self._databases = self._databases[1:]
        if self._databases:
            return False
        self._found = {name: key for name, key in self._found.items() if key.walk == self._walk}
        return True

    def _scan(self) -> None:
        [reply] = self._asked(self._databases[0], [("SCAN", self._cursor, "COUNT", _TOGETHER)])
        if not self._refusal:
            self._cursor, self._waiting = reply

    def _measure(self) -> None:
        names, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
        database = self._databases[0]
        sizes = self._asked(database, [("MEMORY", "USAGE", name) for name in names])
        if self._refusal:
            return
        now_s = self._clock()
        self._looked_at += len(names)
        for name, found in zip(names, sizes, strict=True):
            known = self._found.pop((database, name), None)
            if found is not None:  # or it has been deleted meanwhile
                kind = None if known is None else known.kind
                self._found[database, name] = _Key(found, now_s, self._walk, kind)
        largest = sorted(self._found.items(), key=lambda item: item[1].size, reverse=True)
        self._found = dict(largest[:_MOST])

    def _ask_for_types(self, database: int, names: list[bytes]) -> None:
        kinds = self._asked(database, [("TYPE", name) for name in names])
        for name, kind in zip(names, kinds, strict=True):
            self._found[database, name].kind = kind.decode() if isinstance(kind, bytes) else None

    def _asked(self, database: int, commands: list[tuple[object, ...]]) -> list[Any]:
        """The replies to commands in a database. If one is refused, there is a refusal."""
        replies = self._server.ask_all([("SELECT", database), *commands])
        refused = [reply for reply in replies if isinstance(reply, ResponseError)]
        if refused:
            self._refusal = str(refused[0])
        return replies[1:]

    def table(self, used: float | None, keys: int) -> Table:
        """The largest keys that were found. ``used``: used_memory; ``keys``: how many there are in all."""
        now_s = self._clock()
        rows = [
            (
                key.size,
                key.size / used if used else None,
                key.kind,
                database,
                now_s - key.at_s,
                shortened(name, _LONGEST_NAME),
            )
            for (database, name), key in self._found.items()
        ]
        return Table("Big keys", COLUMNS, Order("memory"), rows, self._progress(keys), self._when_empty())

    def _progress(self, keys: int) -> str:
        if self._walk > 1 and self._refusal == "":
            return "all keys looked at"
        share = f" ({percent(min(self._looked_at / keys, 1.0))})" if keys else ""
        return f"{count(self._looked_at)} of {count(keys)} keys looked at{share}"

    def _when_empty(self) -> str:
        if self._refusal:
            return f"The server refuses to tell: {self._refusal}"
        return "No key has been looked at yet."
