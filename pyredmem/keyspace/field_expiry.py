"""The end of hash fields whose time is over: on access, and by a cycle of their own (as in Redis 7.4).

A field that is over is not seen by any command that reads fields. The commands that ask for certain fields delete those
that are over, with the event ``hexpired`` and, when none is left, ``del``; those that list all leave them
out. HLEN and HDEL still count them. Fields that nobody asks for are deleted by :class:`FieldExpireCycle` at the ticks
of the timer; it knows from each database's :class:`DueKeys` where some are over, and deletes a limited number per tick.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.keyspace import events
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.objects.field_times import NEVER
from pyredmem.objects.hash import HashObject

#: Fields that one tick deletes at most.
FIELDS_PER_TICK: Final = 10000
#: Fields of one hash that are deleted before another hash has its turn.
_FIELDS_PER_HASH: Final = 1000


def delete_over(database: Database, key: bytes, value: HashObject, limit: i64) -> i64:
    """Delete fields of a hash whose time is over, the key with the last one; returns how many there were."""
    keyspace = database.keyspace
    now_ms = keyspace.now_us // 1000
    deleted: i64 = 0
    while deleted < limit:
        field = value.over(now_ms)
        if field is None:
            break
        value.remove(field)
        deleted += 1
    if deleted > 0:
        told_expired(database, key, value, deleted)
    return deleted


def delete_field_over(value: HashObject, field: bytes, now_us: i64) -> bool:
    """Delete a field if its time is over; the caller tells, by ``told_expired``."""
    when_ms = value.time_of(field)
    if when_ms < 0 or when_ms * 1000 + 999 >= now_us:
        return False
    value.remove(field)
    return True


def is_over(value: HashObject, field: bytes, now_us: i64) -> bool:
    """Whether the time of a field is over."""
    when_ms = value.time_of(field)
    return when_ms >= 0 and when_ms * 1000 + 999 < now_us


def told_expired(database: Database, key: bytes, value: HashObject, deleted: i64) -> None:
    """Tell that fields of a hash have expired; delete the key if they were the last ones."""
    keyspace = database.keyspace
    keyspace.expired_fields += deleted
    told = keyspace.events
    told.modified(database.index, key)
    told.notify(events.HASH, b"hexpired", database.index, key)
    if value.length() == 0:
        database.delete(key)
        told.notify(events.GENERIC, b"del", database.index, key)
    else:
        note_due(database, key, value)


def note_due(database: Database, key: bytes, value: HashObject) -> None:
    """Bring the index of a database up to date with a hash whose times have changed."""
    due_ms = value.due_ms()
    if due_ms != NEVER:
        database.due_keys.add(key, due_ms)
    elif database.due_keys.count > 0:
        database.due_keys.forget(key)


class FieldExpireCycle:
    """Deletes fields that are over although nobody asks for them."""

    def __init__(self, keyspace: Keyspace) -> None:
        self._keyspace = keyspace
        self._next_database: i64 = 0

    def run(self) -> None:
        """One tick's work."""
        databases = self._keyspace.databases
        count: i64 = len(databases)
        left: i64 = FIELDS_PER_TICK
        visits = count
        while visits > 0:
            visits -= 1
            database = databases[self._next_database]
            if database.due_keys.count > 0:
                left = self._expire(database, left)
                if left <= 0:
                    return  # goes on here at the next tick
            self._next_database = (self._next_database + 1) % count

    def _expire(self, database: Database, left: i64) -> i64:
        """Delete fields of a database that are over; returns how many more may be deleted."""
        now_ms = self._keyspace.now_us // 1000
        while left > 0:
            key = database.due_keys.take(now_ms)
            if key is None:
                break
            left -= 1  # a look costs as well
            slot: i64 = database.find(key)
            if slot < 0:
                continue
            value = database.keys.values[slot]
            if isinstance(value, HashObject):
                left -= delete_over(database, key, value, left if left < _FIELDS_PER_HASH else _FIELDS_PER_HASH)
                if value.refcount > 0:
                    note_due(database, key, value)
        return left
