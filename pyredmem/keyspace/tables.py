"""The table of expire times of a database; and both tables of a database that was emptied."""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from pyredmem.keyspace.due_keys import DueKeys
from pyredmem.keyspace.key_table import KeyTable
from pyredmem.keyspace.lazyfree_queue import Job
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.objects.object import RedisObject
from pyredmem.structures.dict import Dict


@mypyc_attr(acyclic=True)
class ExpireTable(Dict):
    """From key to expire time: the word is the time, in unix milliseconds. The keys are those of the main table."""

    def __init__(self, allocator: Allocator, without_values: bool = False) -> None:
        """``without_values``: the time is in the block of the key, so that entries are those of a set."""
        super().__init__(allocator, owns_keys=False, without_values=without_values, in_heap=True, has_words=True)
        self.header_size = allocator.sizes.expire_table
        self.keeps_header = allocator.sizes.keeps_headers

    def add(self, key: bytes, key_address: i64, when_ms: i64) -> None:
        """Add a key, which is not in the table, with its expire time."""
        self.step_for(key)
        self.insert(key, key_address, when_ms)


class DetachedTables(Job):
    """All keys of a database that was emptied, to be dismantled in the background."""

    def __init__(self, keys: KeyTable, expires: ExpireTable, due_keys: DueKeys) -> None:
        super().__init__(keys.used)
        self._keys = keys
        self._expires = expires
        self._due_keys = due_keys
        self._expires_gone = False
        self._referred: list[RedisObject] = []

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Dismantle the expire times first, then the keys with their values."""
        if not self._expires_gone:
            if self._due_keys.dismantle(limit):
                self._expires_gone = self._expires.dismantle(limit, freed)
            return False
        return self._keys.dismantle_keys(limit, freed, self._referred)

    def still_referred_to(self) -> list[RedisObject]:
        """The values of these keys that have another reference."""
        return self._referred
