"""Writes all databases: as they are, or as they were at the moment of a snapshot.

Nothing expires by that, and nothing counts as used.
"""

from __future__ import annotations

from abc import abstractmethod

from mypy_extensions import i64

from pyredmem.keyspace import access
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.database_image import DatabaseImage
from pyredmem.keyspace.database_tables import NO_EXPIRE
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.keyspace.snapshot import KeyspaceSnapshot
from pyredmem.objects.dataset_writer import DatasetWriter


def needs_field_times(keyspace: Keyspace) -> bool:
    """Whether there are hashes with fields that expire, which old servers do not know."""
    return any(database.hashes_with_times() > 0 for database in keyspace.databases)


class _Source:
    """A database to be written."""

    def __init__(self, index: int, keys: i64, expiring: i64) -> None:
        self.index = index
        self.keys: i64 = keys
        self.expiring: i64 = expiring

    @abstractmethod
    def key(self, slot: i64) -> bytes:
        """The key in a slot."""

    @abstractmethod
    def expire_time(self, key: bytes) -> i64:
        """When a key expires, NO_EXPIRE if it never does."""

    @abstractmethod
    def access(self, slot: i64) -> i64:
        """The access field of the value in a slot."""

    @abstractmethod
    def write(self, slot: i64, key: bytes, writer: DatasetWriter) -> None:
        """Write the key in a slot, with its value."""


class _DatabaseSource(_Source):
    """A database as it is."""

    def __init__(self, database: Database) -> None:
        super().__init__(int(database.index), database.size(), database.expiring())
        self._database = database

    def key(self, slot: i64) -> bytes:
        return self._database.keys.key(slot)

    def expire_time(self, key: bytes) -> i64:
        return self._database.expire_time(key)

    def access(self, slot: i64) -> i64:
        return self._database.keys.access(slot)

    def write(self, slot: i64, key: bytes, writer: DatasetWriter) -> None:
        keys = self._database.keys
        if keys.is_in_heap(slot):
            writer.text(key, keys.strings.data(keys.word(slot)))
        else:
            writer.value(key, keys.value(slot))


class _ImageSource(_Source):
    """A database as it was at the moment of a snapshot."""

    def __init__(self, index: int, image: DatabaseImage) -> None:
        super().__init__(index, image.table.used, image.expires.used)
        self._image = image

    def key(self, slot: i64) -> bytes:
        return self._image.table.keys[slot]

    def expire_time(self, key: bytes) -> i64:
        slot = self._image.expires.find(key)
        return self._image.when[slot] if slot >= 0 else NO_EXPIRE

    def access(self, slot: i64) -> i64:
        return i64(self._image.access[slot])

    def write(self, slot: i64, key: bytes, writer: DatasetWriter) -> None:
        writer.value(key, self._image.values[slot])


class KeyspaceSave:
    """Writes the databases, some keys at a time. Without a snapshot no command may run meanwhile.

    ``keeps_idle_times`` says that the time since when a key was not used is written with it, if keys have one. LFU
    counters are written if keys have those.
    """

    def __init__(
        self, keyspace: Keyspace, writer: DatasetWriter, keeps_idle_times: bool, snapshot: KeyspaceSnapshot | None
    ) -> None:
        self._keyspace = keyspace
        self._writer: DatasetWriter = writer
        self._keeps_idle_times = keeps_idle_times
        self._sources: list[_Source] = []
        if snapshot is None:
            self._sources += [_DatabaseSource(database) for database in keyspace.databases if database.size() > 0]
        else:
            for index, image in enumerate(snapshot.images()):
                if image.table.used > 0:
                    self._sources.append(_ImageSource(index, image))
        self._current: i64 = 0
        self._slot: i64 = 0
        self.keys: i64 = 0  # written so far

    def total(self) -> i64:
        """How many keys there are to write, those that were written included."""
        return sum([source.keys for source in self._sources])

    def step(self, count: i64) -> bool:
        """Write up to ``count`` keys; returns whether any are left."""
        while self._current < len(self._sources):
            if count <= 0:
                return True
            source = self._sources[self._current]
            if self._slot == 0:
                self._writer.database(source.index, int(source.keys), int(source.expiring))
            self._write(source, self._slot)
            count -= 1
            self.keys += 1
            self._slot += 1
            if self._slot == source.keys:
                self._current += 1
                self._slot = 0
        return False

    def _write(self, source: _Source, slot: i64) -> None:
        keyspace = self._keyspace
        key = source.key(slot)
        when_ms: i64 = source.expire_time(key) if source.expiring > 0 else NO_EXPIRE
        if when_ms != NO_EXPIRE:
            self._writer.expires(when_ms)
        if keyspace.lfu_policy:
            field = source.access(slot)
            self._writer.frequency(access.lfu_decayed(field, keyspace.lfu_minutes, keyspace.lfu_decay_time))
        elif self._keeps_idle_times:
            idle_ms = access.idle_ms(i64(keyspace.lru_clock), source.access(slot))
            self._writer.idle(idle_ms // 1000)
        source.write(slot, key, self._writer)
