"""A walk over everything that the databases hold, a piece at a time, to have Python objects made anew elsewhere.

The walk goes by slots, not by buckets: the order in which the arrays lie. Commands run between two pieces. A key that
is deleted lets the last key take its slot, which may have been passed already; what is missed that way is met when the
walk is done a second time. A big collection is entered with a cursor of its own, and left if its key is gone meanwhile.

Nothing changes but the identity of objects. The key's bytes are the same object in the main table and the table of the
expire times before and after.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.keyspace.database import Database
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.mover import Mover
from pyredmem.objects.object import RedisObject

#: Elements of a collection per call.
ELEMENTS: Final = 64
#: What visiting a key costs, in elements.
KEY_EFFORT: Final = 2


class KeyspaceWalk:
    """One walk over all databases with a mover."""

    def __init__(self, keyspace: Keyspace, mover: Mover) -> None:
        self._databases = keyspace.databases
        self._mover: Mover = mover
        self._database: i64 = 0
        self._slot: i64 = 0
        self._cursor: i64 = 0  # in the collection that the walk is in, 0: in none
        self._key = b""  # that of this collection

    def step(self, limit: i64) -> bool:
        """Visit about as many elements as ``limit`` says; True when the walk has reached the end."""
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
        """Show a key and its value, or the beginning of a big one; returns the effort."""
        table = database.keys
        mover = self._mover
        key = table.keys[slot]
        moved = mover.text(key)
        if moved is not key:
            table.keys[slot] = moved
            _follow(database, key, moved)
        value = table.values[slot]
        if value.refcount != 1:
            return KEY_EFFORT  # others hold it, or it is one of the shared numbers
        relocated = value.relocated(mover)
        if relocated is not value:
            table.values[slot] = relocated
        relocated.defrag_head(mover)
        effort = relocated.scan_effort()
        self._enter(relocated, moved)
        return KEY_EFFORT + (effort if effort < ELEMENTS else ELEMENTS)

    def _enter(self, value: RedisObject, key: bytes) -> None:
        self._key = key
        self._cursor = value.defrag_elements(self._mover, 0, ELEMENTS)

    def _go_on(self, database: Database) -> None:
        """The next elements of the collection that the walk is in."""
        table = database.keys
        slot = self._slot
        if slot >= table.used or table.keys[slot] != self._key:
            slot = table.find_rehashing(self._key)
        if slot < 0:
            self._cursor = 0
            return  # what is in the slot now has not been visited
        value = table.values[slot]
        self._cursor = value.defrag_elements(self._mover, self._cursor, ELEMENTS)
        if self._cursor == 0 and slot == self._slot:
            self._slot += 1


def _follow(database: Database, key: bytes, moved: bytes) -> None:
    """Let what else knows a key by its bytes know it by the new object."""
    expires = database.expires
    if expires.used > 0:
        slot = expires.find_rehashing(key)
        if slot >= 0:
            expires.keys[slot] = moved
    due_keys = database.due_keys
    if due_keys.count > 0:
        due_keys.hold(moved)
