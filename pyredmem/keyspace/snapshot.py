"""Snapshots of all databases, to which they can be set back: as often as wanted, in any order.

To restore a database is to put back its tables, and to replace the values that have changed; those are known (see
:mod:`pyredmem.keyspace.database_image`). The rest is found by a comparison slot by slot, a few nanoseconds each. In the
ledger unchanged keys and values keep their blocks. Others get new ones of the same sizes, so that memory is what it
was, down to the byte, although addresses may be others.

What clients notice is what they would notice of FLUSHALL: transactions fail whose watched keys change, caches are
invalidated as a whole, blocked clients are served if there is something for them, and there are no events of keys.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i32, i64

from pyredmem.keyspace.database import Database
from pyredmem.keyspace.database_image import DatabaseImage
from pyredmem.keyspace.database_tables import NO_EXPIRE
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.objects.image import revive
from pyredmem.objects.object import RedisObject, decr_ref_count
from pyredmem.structures.dict import Dict

_NO_SLOT: Final = -1


class KeyspaceSnapshot:
    """All databases at one moment."""

    def __init__(self, keyspace: Keyspace) -> None:
        self._keyspace = keyspace
        self._databases: list[DatabaseImage] = []
        self._average_ttls: list[int] = []
        self._expires_cursors: list[int] = []
        self.is_dropped = False
        keyspace.count_snapshots(1)
        keyspace.make_objects()
        for database in keyspace.databases:
            image = DatabaseImage(database.keys, database.expires, database.due_keys)
            database.preservers = (*database.preservers, image)
            self._databases.append(image)
            self._average_ttls.append(database.average_ttl)
            self._expires_cursors.append(database.expires_cursor)

    def drop(self) -> None:
        """Refer to nothing any more."""
        if self.is_dropped:
            return
        self.is_dropped = True
        for database in self._keyspace.databases:  # none, if the server is closed
            database.preservers = tuple([other for other in database.preservers if other not in self._databases])
        self._databases = []
        self._keyspace.count_snapshots(-1)

    def _holder(self, image: DatabaseImage) -> Database:
        """The database that has the content of which this is an image; SWAPDB may have changed that."""
        for database in self._keyspace.databases:
            if image in database.preservers:
                return database
        raise AssertionError("a database has lost its image")

    def restore(self) -> None:
        """Set all databases back, and notify transactions and listeners; the caller then serves blocked clients."""
        keyspace = self._keyspace
        self._mark_watched()
        changed: list[int] = []
        changes: i64 = 0
        for database in keyspace.databases:
            for preserver in database.preservers:
                preserver.preserve_places()
        for index, image in enumerate(self._databases):
            database = keyspace.databases[index]
            holder = self._holder(image)
            if holder is not database:
                database.swap(holder)
                changed += [index, int(holder.index)]
            count = _DatabaseRestoration(database, image).run()
            database.average_ttl = self._average_ttls[index]
            database.expires_cursor = self._expires_cursors[index]
            if count > 0:
                changes += count
                changed.append(index)
        if changed:
            keyspace.changes.flushed(sorted(set(changed)), changes)

    def _mark_watched(self) -> None:
        """Mark the transactions that watch a key which is going to change."""
        changes = self._keyspace.changes
        if changes.watching == 0:
            return
        for index, image in enumerate(self._databases):
            database = self._keyspace.databases[index]
            for key in changes.watched_keys(index):
                slot = image.table.find(key)
                old = None if slot < 0 else image.values[slot]
                if old is not database.stored_value(key) or _expire_time(image, key) != database.expire_time(key):
                    changes.mark_watchers(index, key, slot >= 0)


def _expire_time(image: DatabaseImage, key: bytes) -> i64:
    slot = image.expires.find(key)
    return NO_EXPIRE if slot < 0 else image.when[slot]


class _DatabaseRestoration:
    """Sets one database back."""

    def __init__(self, database: Database, image: DatabaseImage) -> None:
        self._database = database
        self._allocator = database.allocator
        self._image = image
        self._keys = database.keys
        self._both: i64 = min(database.keys.used, image.table.used)
        self._arriving: list[int] = []  # slots of the image whose keys or values the database has not there
        self._expiring = database.expires.all_keys()  # before their places change
        self._leaving: dict[bytes, int] = {}  # keys in slots whose keys or values the image has not there

    def run(self) -> i64:
        """Returns how many keys have changed, at least."""
        image = self._image
        database = self._database
        self._compare()
        sds = _key_addresses(self._keys, self._both)  # while no entry is freed
        self._free_what_leaves()
        entries, sds = self._places(sds)
        values = self._values()
        sds = self._keys.addresses_for(values, sds)
        image.table.put_back(self._keys, entries, sds)
        self._keys.set_values(values)
        image.regained(values)
        slot: i64 = 0
        while slot < len(values):
            values[slot].lru = image.access[slot]
            slot += 1
        changes: i64 = max(len(self._arriving), len(self._leaving))
        if self._restore_expires():
            changes += 1
        database.due_keys = image.due_keys.copy()
        return changes

    # Keys and values.

    def _compare(self) -> None:
        """Find the slots that differ."""
        keys, values = self._keys.all_keys(), self._keys.all_values()
        old_keys, old_values = self._image.table.keys, self._image.values
        slot: i64 = 0
        while slot < self._both:
            key = keys[slot]
            if values[slot] is not old_values[slot] or key != old_keys[slot]:
                self._arriving.append(slot)
                self._leaving[key] = slot
            slot += 1
        while slot < self._image.table.used:
            self._arriving.append(slot)
            slot += 1
        slot = self._both
        while slot < self._keys.used:
            self._leaving[keys[slot]] = slot
            slot += 1

    def _free_what_leaves(self) -> None:
        """Free the values that have changed, and the keys that were not there."""
        table, image, allocator = self._keys, self._image, self._allocator
        for key, slot in self._leaving.items():
            value = table.value(slot)
            old: i64 = image.table.find(key)
            if old >= 0 and image.values[old] is value:
                continue
            self._database.preserve(key, value)
            decr_ref_count(value, allocator)
            if old < 0:
                table.free_key(slot)  # its address may be known to the entry alone
                if table.entry_addresses[slot] != 0:
                    allocator.free(i64(table.entry_addresses[slot]))

    def _places(self, sds: vec[i32]) -> tuple[vec[i32], vec[i32]]:
        """The blocks of the entries and of the keys, by slot of the image; ``sds`` are those of the keys until now."""
        table, image = self._keys, self._image
        entries = table.entry_addresses[: self._both]
        while len(entries) < image.table.used:
            entries = append(entries, i32(0))
            sds = append(sds, i32(0))
        for slot in self._arriving:
            key = image.table.keys[slot]
            at: i64 = self._leaving.get(key, _NO_SLOT)
            if at >= 0:
                entries[slot] = table.entry_addresses[at]
                sds[slot] = i32(table.key_address(at))
            else:
                entries[slot] = 0
                sds[slot] = i32(table.new_key_block(key))
        image.table.fit_entries(entries, self._allocator)
        return entries, sds

    def _values(self) -> list[RedisObject]:
        """The values by slot of the image, those that have changed made anew."""
        image = self._image
        values = image.values.copy()
        for slot in sorted(image.lost):
            values[slot] = revive(values[slot], self._allocator)
        return values

    # Expire times.

    def _restore_expires(self) -> bool:
        """Put the table of expire times back, after that of the keys; True if it has changed."""
        table, image = self._database.expires, self._image
        state = image.expires
        is_same = self._expiring == state.keys and _are_equal(table.all_words(), image.when)
        entries, sds = self._expire_entries(), self._expire_keys()
        state.put_back(table, entries, sds)
        table.put_words(image.when[:])
        return not is_same

    def _expire_keys(self) -> vec[i32]:
        """The blocks of the keys, which are those of the main table, by slot among the expire times."""
        table, state, keys = self._database.expires, self._image.expires, self._keys
        both: i64 = min(table.used, state.used)
        sds = _key_addresses(table, both)
        if self._expiring != state.keys:
            slot: i64 = 0
            while slot < state.used:
                key = state.keys[slot]
                if slot >= both:
                    sds = append(sds, i32(keys.key_address(keys.find_rehashing(key))))
                elif key != self._expiring[slot]:
                    sds[slot] = i32(keys.key_address(keys.find_rehashing(key)))
                slot += 1
        for main in self._arriving:
            expiring = state.find(keys.key(main))
            if expiring >= 0:
                sds[expiring] = i32(keys.key_address(main))
        return sds

    def _expire_entries(self) -> vec[i32]:
        """As many blocks of entries as there were expire times."""
        table = self._database.expires
        entries = table.entry_addresses[: table.used]
        wanted: i64 = self._image.expires.used
        slot = wanted
        while slot < table.used:
            if entries[slot] != 0:
                self._allocator.free(i64(entries[slot]))
            slot += 1
        entries = entries[:wanted]
        while len(entries) < wanted:
            entries = append(entries, i32(0))
        self._image.expires.fit_entries(entries, self._allocator)
        return entries


def _key_addresses(table: Dict, count: i64) -> vec[i32]:
    """The addresses of the keys in the first ``count`` slots."""
    return vec[i32]([i32(table.key_address(slot)) for slot in range(count)])


def _are_equal(first: vec[i64], second: vec[i64]) -> bool:
    """Whether an array begins with another one."""
    slot: i64 = 0
    while slot < len(second):
        if first[slot] != second[slot]:
            return False
        slot += 1
    return True
