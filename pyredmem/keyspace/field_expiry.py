"""The end of hash fields whose time is over: on access, and by a cycle of their own (as in Redis 7.4).

A field that is over is not seen by any command that reads fields. The commands that ask for certain fields delete those
that are over, with the event ``hexpired`` and, when none is left, ``del``; those that list all leave them
out. HLEN and HDEL still count them. Fields that nobody asks for are deleted by :class:`FieldExpireCycle` behind the
ticks of the timer; it knows from each database's :class:`DueKeys` where some are over, and deletes a limited number
per tick.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.clock import Clock
from pyredmem.keyspace import events
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.objects.field_times import NEVER
from pyredmem.objects.hash import HashObject

#: Fields that one tick deletes at most.
FIELDS_PER_TICK: Final = 10000
#: Fields of one hash that are deleted before another hash has its turn.
_FIELDS_PER_HASH: Final = 1000
#: Fields between two looks at the clock.
_FIELDS_PER_LOOK: Final = 16


def delete_over(database: Database, key: bytes, value: HashObject, limit: i64) -> i64:
    """Delete fields of a hash whose time is over, the key with the last one; returns how many there were."""
    keyspace = database.keyspace
    now_ms = keyspace.now_us // 1000
    deleted: i64 = 0
    while deleted < limit:
        field = value.expired_field(now_ms)
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
    """Deletes fields that are over although nobody asks for them, in slices."""

    def __init__(self, keyspace: Keyspace, clock: Clock) -> None:
        self._keyspace = keyspace
        self._clock: Clock = clock
        self._next_database: i64 = 0
        self._visits: i64 = 0  # databases that this cycle has still to look at
        self._left: i64 = 0  # fields that it may still delete
        self._end_us: i64 = 0  # of the slice
        self.last_us: i64 = 0  # what the last slice took

    def begin(self) -> None:
        """A tick: the databases that have something over are to be looked at, from where the last cycle stopped."""
        self._visits = 0
        self._left = FIELDS_PER_TICK
        for database in self._keyspace.databases:
            if database.due_keys.is_due(self._keyspace.now_us // 1000):
                self._visits = len(self._keyspace.databases)

    def is_under_way(self) -> bool:
        """Whether there is a next slice to be done."""
        return self._visits > 0 and self._left > 0

    def go_on(self, slice_us: i64) -> None:
        """The next slice."""
        databases = self._keyspace.databases
        count: i64 = len(databases)
        start_us = self._clock.now_us()
        self._end_us = start_us + slice_us
        while self.is_under_way():
            if not self._expire(databases[self._next_database]):
                break
            self._visits -= 1
            self._next_database = (self._next_database + 1) % count
        elapsed = self._clock.now_us() - start_us
        self.last_us = elapsed if elapsed > 0 else 0

    def _expire(self, database: Database) -> bool:
        """Delete fields of a database that are over; False if the slice or the cycle ends before all are."""
        now_ms = self._keyspace.now_us // 1000
        while self._left > 0:
            key = database.due_keys.take(now_ms)
            if key is None:
                return True
            self._left -= 1  # a look costs as well
            slot: i64 = database.find(key)
            if slot >= 0:
                value = database.keys.values[slot]
                if isinstance(value, HashObject):
                    self._expire_fields(database, key, value)
            if self._clock.now_us() >= self._end_us:
                return False
        return False

    def _expire_fields(self, database: Database, key: bytes, value: HashObject) -> None:
        """Delete what is over of a hash, as far as the slice reaches."""
        now_ms = self._keyspace.now_us // 1000
        limit = self._left if self._left < _FIELDS_PER_HASH else _FIELDS_PER_HASH
        deleted: i64 = 0
        while deleted < limit:
            field = value.expired_field(now_ms)
            if field is None:
                break
            value.remove(field)
            deleted += 1
            if deleted % _FIELDS_PER_LOOK == 0 and self._clock.now_us() >= self._end_us:
                break
        self._left -= deleted
        if deleted > 0:
            told_expired(database, key, value, deleted)
        else:
            note_due(database, key, value)
