"""Walks over everything that the databases hold, a piece at a time; a mover recreates Python objects elsewhere.

The walk follows the slots, not the buckets: the order of the arrays in memory. Commands run between two pieces. When a
key is deleted, the last key takes its slot; if the walk has passed that slot already, it misses the last key, and finds
it when the walk is repeated. A big collection is visited with a cursor of its own; if its key is deleted in the
meantime, the walk leaves it.

Nothing changes but the identity of objects. The bytes of a key are one object, shared by the main table and the table
of expire times, before the walk and after it.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.keyspace.database import Database
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.mover import Mover
from pyredmem.objects.object import RedisObject

#: How many elements of a collection are visited per call.
ELEMENTS: Final = 64
#: The effort of visiting a key, in elements.
KEY_EFFORT: Final = 2


class KeyspaceWalk:
    """One walk over all databases with a mover."""

    def __init__(self, keyspace: Keyspace, mover: Mover) -> None:
        self._databases = keyspace.databases
        self._mover: Mover = mover
        self._database: i64 = 0
        self._slot: i64 = 0
        self._cursor: i64 = 0  # in the collection that is being visited; 0 if there is none
        self._key = b""  # the key of that collection

    def step(self, limit: i64) -> bool:
        """Visit about ``limit`` elements; True when the walk has reached its end."""
        while limit > 0:
            if self._database >= len(self._databases):
                return True
            database = self._databases[self._database]
            if self._cursor != 0:
                self._go_on(database)
                limit -= ELEMENTS
            elif self._slot >= database.keys.used:
                database.keys.compact()
                database.expires.compact()
                self._database += 1
                self._slot = 0
                limit -= 1
            else:
                limit -= self._visit(database, self._slot)
                if self._cursor == 0:
                    self._slot += 1
        return False

    def _visit(self, database: Database, slot: i64) -> i64:
        """Show the mover a key and its value, or the first part of a big value; returns the effort."""
        table = database.keys
        mover = self._mover
        key = table.key(slot)
        moved = key
        if table.heap is None:
            moved = mover.text(key)
            if moved is not key:
                table.keys[slot] = moved
                _follow(database, key, moved)
        if table.is_in_heap(slot):
            return KEY_EFFORT
        value = table.value(slot)
        if value.refcount != 1:
            return KEY_EFFORT  # the value has another reference, or is one of the shared numbers
        relocated = value.relocated(mover)
        if relocated is not value:
            database.put_twin(slot, relocated)
        relocated.defrag_head(mover)
        effort = relocated.scan_effort()
        self._enter(relocated, moved)
        return KEY_EFFORT + (effort if effort < ELEMENTS else ELEMENTS)

    def _enter(self, value: RedisObject, key: bytes) -> None:
        self._key = key
        self._cursor = value.defrag_elements(self._mover, 0, ELEMENTS)

    def _go_on(self, database: Database) -> None:
        """Show the next elements of the collection that is being visited."""
        table = database.keys
        slot = self._slot
        if slot >= table.used or not table.has_key(slot, self._key):
            slot = table.find_rehashing(self._key)
        if slot < 0:
            self._cursor = 0
            return  # the key that is in the slot now has not been visited
        value = table.value(slot)
        self._cursor = value.defrag_elements(self._mover, self._cursor, ELEMENTS)
        if self._cursor == 0 and slot == self._slot:
            self._slot += 1


def _follow(database: Database, key: bytes, moved: bytes) -> None:
    """Replace the bytes object of a key where else it is held: among the expire times and in the index of hashes."""
    expires = database.expires
    if expires.used > 0:
        slot = expires.find_rehashing(key)
        if slot >= 0:
            expires.keys[slot] = moved
    if database.hashes_with_times() > 0:
        database.due_keys.hold(moved)
