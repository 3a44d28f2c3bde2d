"""The table of expire times of a database; and both tables of a database that was emptied."""

from __future__ import annotations

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from pyredmem.keyspace.due_keys import DueKeys
from pyredmem.keyspace.key_table import KeyTable
from pyredmem.keyspace.lazyfree_queue import Job
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.objects.object import RedisObject
from pyredmem.structures.dict import LARGE_ARRAY, Dict, look_at_numbers


@mypyc_attr(acyclic=True)
class ExpireTable(Dict):
    """From key to expire time, in unix milliseconds; the key objects are those of the main table."""

    def __init__(self, allocator: Allocator) -> None:
        super().__init__(allocator, owns_keys=False, in_heap=True)
        self.when: vec[i64] = vec[i64]()

    def add(self, key: bytes, key_address: i64, when_ms: i64) -> None:
        """Add a key, which is not in the table, with its expire time."""
        self.step()
        slot = self.insert(key, key_address)
        if slot < len(self.when):
            self.when[slot] = when_ms
        else:
            self.when = append(self.when, when_ms)

    def look_at(self, slots: vec[i64], count: i64, scratch: vec[i64]) -> i64:
        """Read the keys and the times in some slots."""
        return look_at_numbers(self.when, slots, count) + super().look_at(slots, count, scratch)

    def move_value(self, source: i64, target: i64) -> None:
        """Copy one time over another."""
        self.when[target] = self.when[source]

    def trim_values(self) -> None:
        """Free the memory of slots that are no longer used."""
        self.when = self.when[: self.used]

    def dismantle_arrays(self, freed: FreedBlocks) -> bool:
        """As in the base class; a large array of times is dropped before the other arrays."""
        if len(self.when) > LARGE_ARRAY:
            if self.is_released(self.when, len(self.when) * 8):
                self.when = vec[i64]()
            return False
        return super().dismantle_arrays(freed)

    def clear_values(self) -> None:
        """Drop all times."""
        self.when = vec[i64]()


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
