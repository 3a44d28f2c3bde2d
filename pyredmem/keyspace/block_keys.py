"""Which keys have a ledger block in a range of addresses, such as a slab.

No block knows its owner, so the keys are asked for their blocks, in the order of SCAN's cursor and a limited number at
a time: a search can go on between the commands of others, and is not led astray by them.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.keyspace.database import Database
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.block_finder import BlockFinder

#: Elements of a value that are looked at in one go.
_PIECE: Final = 64
#: Of a value with more blocks than this only the first ones are looked at.
MOST_BLOCKS: Final = 4000
#: How many empty buckets cost as much as one block.
_BUCKETS_PER_BLOCK: Final = 4


class BlockKeys:
    """A search in progress. The place where it goes on is ``database`` and ``cursor``."""

    def __init__(self, keyspace: Keyspace, finder: BlockFinder, database: i64, cursor: i64) -> None:
        self._keyspace = keyspace
        self._finder = finder
        self.database: i64 = database
        self.cursor: i64 = cursor
        self.looked: i64 = 0  # keys that were looked at
        self.found: list[tuple[int, bytes, bytes]] = []  # database, key, and type of the value

    def step(self, blocks: i64) -> bool:
        """Look at about ``blocks`` blocks; True when all keys of all databases have been looked at."""
        databases = self._keyspace.databases
        end: i64 = self._finder.seen() + blocks
        buckets: i64 = 0
        slots: list[int] = []
        while self.database < len(databases):
            database = databases[self.database]
            slots.clear()
            self.cursor = database.keys.scan(self.cursor, slots)
            for slot in slots:
                self._look(database, slot)
            if self.cursor == 0:
                self.database += 1
            buckets += 1
            if self._finder.seen() + buckets // _BUCKETS_PER_BLOCK >= end:
                break
        return self.database >= len(databases)

    def _look(self, database: Database, slot: i64) -> None:
        finder = self._finder
        keys = database.keys
        before = finder.hits
        most: i64 = finder.seen() + MOST_BLOCKS
        self.looked += 1
        keys.defrag_entry(finder, slot)
        keys.moved_key(finder, slot)
        if not keys.defrag_string(slot, finder):
            value = keys.value(slot)
            keys.defrag_head(finder, value)
            cursor: i64 = value.defrag_elements(finder, 0, _PIECE)
            while cursor != 0 and finder.hits == before and finder.seen() < most:
                cursor = value.defrag_elements(finder, cursor, _PIECE)
        if finder.hits != before:
            self.found.append((int(database.index), keys.key(slot), keys.value(slot).type_name()))
