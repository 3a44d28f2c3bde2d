"""Deletes the fields of hashes that have expired: on access, and in a cycle of their own (as in Redis 7.4).

No command that reads fields sees an expired one. The commands that ask for certain fields delete those that have
expired, with the event ``hexpired`` and, when no field is left, ``del``; those that list all fields leave them out.
HLEN and HDEL still count them. Fields that nobody asks for are deleted by :class:`FieldExpireCycle` after the ticks of
the timer: it knows from each database's :class:`DueKeys` which hashes have expired fields, and deletes a limited number
of fields per tick.
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

#: One tick deletes at most this many fields.
FIELDS_PER_TICK: Final = 10000
#: At most this many fields of one hash are deleted before the next hash gets its turn.
_FIELDS_PER_HASH: Final = 1000
#: The clock is read after this many fields.
_FIELDS_PER_LOOK: Final = 16


def is_field_expired(value: HashObject, field: bytes, now_us: i64) -> bool:
    """Whether a field has expired; it is not deleted."""
    when_ms = value.time_of(field)
    return when_ms >= 0 and when_ms * 1000 + 999 < now_us


def delete_if_expired(database: Database, key: bytes, value: HashObject, fields: list[bytes]) -> bool:
    """Delete those of ``fields`` that have expired, and the key with the last one; True if the key was deleted."""
    now_us = database.shared.expiry_us()
    deleted: i64 = 0
    for field in fields:
        if is_field_expired(value, field, now_us):
            _delete_field(database, key, value, field, deleted == 0)
            deleted += 1
    if deleted > 0:
        fields_expired(database, key, value, deleted)
    return value.refcount == 0


def delete_all_expired(database: Database, key: bytes, value: HashObject) -> bool:
    """Delete all expired fields of a hash, and the key with the last one; True if the key was deleted."""
    _delete_earliest(database, key, value, NEVER, None, 0)
    return value.refcount == 0


def _delete_earliest(
    database: Database, key: bytes, value: HashObject, limit: i64, clock: Clock | None, end_us: i64
) -> i64:
    """Delete up to ``limit`` expired fields, until ``end_us`` if there is a clock; returns how many were deleted."""
    now_ms = database.shared.expiry_us() // 1000
    deleted: i64 = 0
    while deleted < limit:
        field = value.expired_field(now_ms)
        if field is None:
            break
        _delete_field(database, key, value, field, deleted == 0)
        deleted += 1
        if clock is not None and deleted % _FIELDS_PER_LOOK == 0 and clock.now_us() >= end_us:
            break
    if deleted > 0:
        fields_expired(database, key, value, deleted)
    return deleted


def _delete_field(database: Database, key: bytes, value: HashObject, field: bytes, is_first: bool) -> None:
    """Delete an expired field; ``is_first``: the database does not know yet that the hash is being changed."""
    if is_first:
        database.modify(key)
    value.remove(field)
    database.shared.changes.field_expired(database.index, key, field)


def fields_expired(database: Database, key: bytes, value: HashObject, deleted: i64, is_refilled: bool = False) -> None:
    """Notify that ``deleted`` fields of a hash have expired; delete the key if they were the last ones.

    ``is_refilled``: the key stays, since the running command adds fields to the hash.
    """
    shared = database.shared
    shared.expired_fields += deleted
    changes = shared.changes
    changes.notify(events.HASH, b"hexpired", database.index, key)
    if value.length() == 0 and not is_refilled:
        database.delete(key)
        changes.notify(events.GENERIC, b"del", database.index, key)
    else:
        note_due(database, key, value)
    changes.modified_by_server(database.index, key)


def note_due(database: Database, key: bytes, value: HashObject) -> None:
    """Bring the index of a database up to date with a hash in which the expire times of fields have changed."""
    due_ms = value.due_ms()
    if due_ms != NEVER:
        database.due_keys.add(key, due_ms)
    elif database.hashes_with_times() > 0:
        database.due_keys.forget(key)


class FieldExpireCycle:
    """Deletes, in slices, expired fields that nobody asks for."""

    def __init__(self, keyspace: Keyspace, clock: Clock) -> None:
        self._keyspace = keyspace
        self._clock: Clock = clock
        self._next_database: i64 = 0
        self._visits: i64 = 0  # databases that this cycle has not visited yet
        self._left: i64 = 0  # fields that it may still delete
        self._end_us: i64 = 0  # of the slice
        self.last_us: i64 = 0  # how long the last slice took

    def begin(self) -> None:
        """Begin a cycle, at a tick: if any database has expired fields, visit all, from where the last cycle ended."""
        self._visits = 0
        self._left = FIELDS_PER_TICK
        for database in self._keyspace.databases:
            if database.has_due_fields(self._keyspace.now_us // 1000):
                self._visits = len(self._keyspace.databases)

    def is_in_progress(self) -> bool:
        """Whether the cycle has a next slice."""
        return self._visits > 0 and self._left > 0

    def go_on(self, slice_us: i64) -> None:
        """Run the next slice."""
        databases = self._keyspace.databases
        count: i64 = len(databases)
        start_us = self._clock.now_us()
        self._end_us = start_us + slice_us
        while self.is_in_progress():
            if not self._expire(databases[self._next_database]):
                break
            self._visits -= 1
            self._next_database = (self._next_database + 1) % count
        elapsed = self._clock.now_us() - start_us
        self.last_us = elapsed if elapsed > 0 else 0

    def _expire(self, database: Database) -> bool:
        """Delete the expired fields of a database; False if the slice or the cycle ended before all were deleted."""
        now_ms = self._keyspace.now_us // 1000
        while self._left > 0:
            key = database.due_keys.take(now_ms)
            if key is None:
                return True
            self._left -= 1  # looking at a hash costs as well
            value = database.peek(key)
            if isinstance(value, HashObject):
                self._expire_fields(database, key, value)
            if self._clock.now_us() >= self._end_us:
                return False
        return False

    def _expire_fields(self, database: Database, key: bytes, value: HashObject) -> None:
        """Delete expired fields of a hash until the slice ends or the hash has had its share."""
        limit = self._left if self._left < _FIELDS_PER_HASH else _FIELDS_PER_HASH
        deleted = _delete_earliest(database, key, value, limit, self._clock, self._end_us)
        self._left -= deleted
        if deleted == 0:
            note_due(database, key, value)
