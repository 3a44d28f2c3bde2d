"""One database that is being saved, key after key in the order of the slots.

If commands run meanwhile, the save *watches* the database: a key that is about to change, to go or to move to another
slot before its turn is written aside, as it is. So what is saved is the database as it was when the save began.

A large value is not written at once but by pieces, which watch the value themselves (:mod:`pyredmem.objects.pieces`).
Until they are written the save has a reference to it, so it stays even if its key is deleted.
"""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.keyspace import access
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.database_tables import NO_EXPIRE
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.keyspace.preserver import Preserver
from pyredmem.objects.dataset_writer import DatasetWriter
from pyredmem.objects.object import RedisObject, incr_ref_count
from pyredmem.objects.pieces import Pieces
from pyredmem.structures.keepers import SlotKeeper


class LargeValue:
    """A key with a large value, which is yet to be written."""

    def __init__(self, key: bytes, when_ms: i64, field: i64, value: RedisObject, pieces: Pieces) -> None:
        self.key = key
        self.when_ms: i64 = when_ms
        self.field: i64 = field
        self.value: RedisObject = value
        self.pieces: Pieces = pieces


class Facts:
    """Writes what is written of each key before the key.

    ``keeps_idle_times``: since when it was not used, if keys have such a time. LFU counters are written if keys have
    those.
    """

    def __init__(self, keyspace: Keyspace, keeps_idle_times: bool) -> None:
        self._keyspace = keyspace
        self._keeps_idle_times = keeps_idle_times

    def write(self, writer: DatasetWriter, when_ms: i64, field: i64) -> None:
        """Write them for a key that expires at ``when_ms``, and has this access field."""
        keyspace = self._keyspace
        if when_ms != NO_EXPIRE:
            writer.expires(when_ms)
        if keyspace.lfu_policy:
            writer.frequency(access.lfu_decayed(field, keyspace.lfu_minutes, keyspace.lfu_decay_time))
        elif self._keeps_idle_times:
            writer.idle(access.idle_ms(i64(keyspace.lru_clock), field) // 1000)


class DatabaseSave(Preserver, SlotKeeper):
    """The keys that a database had when the save began; the first ``done`` slots are written."""

    def __init__(self, database: Database, facts: Facts, writer: DatasetWriter, watches: bool, least: i64) -> None:
        self.index = int(database.index)
        self.keys: i64 = database.size()
        self.expiring: i64 = database.expiring()
        self.done: i64 = 0
        self.has_begun = False  # whether anything was written
        self.large: list[LargeValue] = []  # those whose turn it is, or who are going to change
        self._table = database.keys
        self._expires = database.expires
        self._facts = facts
        self._writer: DatasetWriter = writer
        self._watches = watches
        self._least: i64 = least  # how many elements a value has that is written by pieces
        self._aside: DatasetWriter | None = writer.aside() if watches else None
        self._slots_aside: set[int] = set()
        if watches:
            database.preservers = (*database.preservers, self)
            self._table.keeper = self

    def begin(self) -> None:
        """Write what comes before the keys."""
        self.has_begun = True
        self._writer.database(self.index, int(self.keys), int(self.expiring))

    def write_next(self) -> None:
        """Write the key whose turn it is, and before it those that were written aside."""
        slot = self.done
        self.done = slot + 1
        if self._watches:
            self.write_aside()
            if slot in self._slots_aside:
                self._slots_aside.remove(slot)
                return
        self._write(slot, self._writer)

    def write_aside(self) -> None:
        """Write the keys that were written aside."""
        aside = self._aside
        if aside is not None and aside.size() > 0:
            self._writer.join(aside)

    def _write(self, slot: i64, writer: DatasetWriter) -> None:
        table = self._table
        key = table.key(slot)
        when_ms: i64 = self._expire_time(key) if self.expiring > 0 else NO_EXPIRE
        if table.is_in_heap(slot):
            self._facts.write(writer, when_ms, table.access(slot))
            writer.text(key, table.strings.data(table.word(slot)))
            return
        value = table.value(slot)
        pieces = writer.pieces(value, self._least) if self._watches else None
        if pieces is not None:
            incr_ref_count(value)
            self.large.append(LargeValue(key, when_ms, table.access(slot), value, pieces))
        else:
            self._facts.write(writer, when_ms, table.access(slot))
            writer.value(key, value)

    def _expire_time(self, key: bytes) -> i64:
        slot = self._expires.find_rehashing(key)
        return NO_EXPIRE if slot < 0 else self._expires.word(slot)

    def write_facts(self, large: LargeValue) -> None:
        """Write what comes before the key of a large value."""
        self._facts.write(self._writer, large.when_ms, large.field)

    def kept_bytes(self) -> i64:
        """How much is kept of what has changed, in bytes of the file."""
        kept: i64 = 0 if self._aside is None else self._aside.size()
        for large in self.large:
            kept += large.pieces.kept_bytes()
        return kept

    def let_go(self) -> None:
        """Watch the database no longer; SWAPDB may have given its content to another one."""
        if self._watches:
            self._table.keeper = None
            self._watches = False

    # What the database and its table tell.

    def before_change(self, slot: i64) -> None:
        if self.done <= slot < self.keys and slot not in self._slots_aside:
            assert self._aside is not None, "only a save that watches is told of changes"
            self._slots_aside.add(slot)
            self._write(slot, self._aside)

    def before_clear(self) -> None:
        slot = self.done
        while slot < self.keys:
            self.before_change(slot)
            slot += 1

    def preserve(self, key: bytes, value: RedisObject) -> None:
        self.preserve_time(key)

    def preserve_time(self, key: bytes) -> None:
        slot = self._table.find_rehashing(key)
        if slot >= 0:
            self.before_change(slot)

    def preserve_places(self) -> None:
        self.before_clear()
