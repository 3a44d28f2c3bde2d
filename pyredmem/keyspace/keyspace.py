"""All databases of a server, and what concerns more than one of them: sizes, FLUSHALL, SWAPDB."""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.base.rng import Random
from pyredmem.keyspace.block_layout import BlockLayout
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.shared import SharedState


class Keyspace(SharedState):
    """The state that databases share, and the databases."""

    def __init__(self, rng: Random, layout: BlockLayout, databases: i64) -> None:
        super().__init__(rng, layout)
        self.databases = [Database(index, self) for index in range(databases)]

    def size(self) -> i64:
        """How many keys there are in all databases."""
        total: i64 = 0
        for database in self.databases:
            total += database.keys.used
        return total

    def flush(self, databases: list[Database], lazily: bool = False) -> None:
        """Delete all keys of some databases; ``lazily``: their memory is freed in the background."""
        removed: i64 = 0
        for database in databases:
            self._mark_watched(database, database)
            removed += database.clear_lazily() if lazily else database.clear()
        self.changes.flushed([int(database.index) for database in databases], removed)

    def swap(self, first: Database, second: Database) -> None:
        """Exchange the keys of two databases."""
        self._mark_watched(first, second)
        self._mark_watched(second, first)
        first.swap(second)
        self.changes.swapped(first.index, second.index)

    def _mark_watched(self, database: Database, successor: Database) -> None:
        """Mark the transactions that watch a key of ``database`` if the key exists there or in ``successor``.

        ``successor`` is the database whose content replaces that of ``database``. Expired keys of it are deleted first:
        a key that readers could not see before must not count as a change.
        """
        if self.changes.watching == 0:
            return
        for key in self.changes.watched_keys(database.index):
            is_replaced = successor is not database and successor.exists(key)
            if is_replaced or database.keys.find(key) >= 0:
                self.changes.mark_watchers(database.index, key, is_replaced)

    def make_objects(self) -> None:
        """Make an object of each string in the heap."""
        for database in self.databases:
            database.keys.make_objects()

    def close(self) -> None:
        """Drop all databases. The keyspace can't be used any more."""
        self.lazyfree.on_work = None
        self.databases.clear()

    def addresses(self) -> list[int]:
        """Every ledger address that the keyspace owns."""
        owned: list[int] = []
        for database in self.databases:
            owned += database.addresses()
        return owned

    def check(self) -> None:
        """Assert the invariants of all databases."""
        for database in self.databases:
            database.check()
