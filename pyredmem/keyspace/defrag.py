"""A scan of active defragmentation: each ledger block of the keyspace is shown to a mover once (Redis 7.2 defrag.c).

The scan visits the databases one after another, and the buckets of each main table in the order of SCAN's cursor:
neither commands between two slices nor the growth of a table can hide a key or lead the scan astray. In a bucket it
visits the entries, then the sds and the value of each key. If the sds of a key moves, the entry of the same key among
the expire times, which shares the sds, is updated. The entries of the expire times themselves come last.

A big value is not visited in one go: the scan visits its head and postpones the rest. Postponed values are continued
before the next bucket, a piece at a time; they are found by key and cursor, so that it does no harm if the key is
deleted or holds another value in the meantime. A value in whose middle a slice ends is postponed in the same way.

A value with more than one reference is not moved, because the scan does not know where the other references are.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.slice_limit import SliceLimit
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.key_table import KeyTable
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.layout import dict_table_size
from pyredmem.memory.mover import Mover
from pyredmem.objects.object import RedisObject
from pyredmem.structures.dict import Dict

#: The clock is read after this many elements of a value (Redis: after 64 fields, or 128 nodes).
PIECE: Final = 64
#: The clock is read after this many steps.
_STEPS: Final = 64
#: This many buckets, which may be empty, count as one step, like one block.
_BUCKETS_PER_STEP: Final = 16
#: The default of active-defrag-max-scan-fields.
_MAX_SCAN_FIELDS: Final = 1000


class DefragScan:
    """Scans of the keyspace, one after another, in slices."""

    def __init__(self, keyspace: Keyspace) -> None:
        self._keyspace = keyspace
        self._allocator = keyspace.allocator
        self.mover = Mover(keyspace.allocator)
        #: Values of more elements than this are postponed.
        self.max_scan_fields: i64 = _MAX_SCAN_FIELDS
        self.key_hits: i64 = 0  # keys of which at least one block was moved
        self.key_misses: i64 = 0
        self.scanned: i64 = 0  # keys, elements and expire times that were visited
        self._limit = SliceLimit()
        self._reported: i64 = 0  # the part of _steps() that the limit knows of
        self._buckets: i64 = 0
        self._database: i64 = 0
        self._in_expires = False
        self._cursor: i64 = 0
        self._later: list[bytes] = []  # postponed keys of this database
        self._later_cursors: list[int] = []
        self._later_moved = False

    # Figures.

    def reset_counters(self) -> None:
        """Set the counters to zero."""
        self._reported -= self.mover.hits + self.mover.misses
        self.mover.hits = 0
        self.mover.misses = 0
        self.key_hits = 0
        self.key_misses = 0
        self.scanned = 0

    def _steps(self) -> i64:
        """How much work was done so far, in blocks."""
        return self.mover.hits + self.mover.misses + self._buckets // _BUCKETS_PER_STEP

    # The scan.

    def restart(self) -> None:
        """Begin the next run at the first database."""
        self._database = 0
        self._in_expires = False
        self._cursor = 0
        self._later = []
        self._later_cursors = []
        self._later_moved = False

    def run(self, limit: SliceLimit) -> bool:
        """Continue the scan until the slice ends; True when the scan has reached its end."""
        self._limit = limit
        self._reported = self._steps()
        databases = self._keyspace.databases
        while self._database < len(databases):
            database = databases[self._database]
            if self._later:
                self._continue_later(database)
            else:
                self._visit_bucket(database)
            if self._steps() - self._reported >= _STEPS and self._is_over():
                return False
        self.restart()
        return True

    def _is_over(self) -> bool:
        steps = self._steps()
        done = steps - self._reported
        self._reported = steps
        return self._limit.spend(done)

    def _visit_bucket(self, database: Database) -> None:
        """Visit the bucket at the cursor and advance to the next bucket, table or database."""
        self._buckets += 1
        table: Dict = database.expires if self._in_expires else database.keys
        if self._cursor == 0:
            self._place_tables(table)
        found: list[int] = []
        self._cursor = table.scan(self._cursor, found)
        mover = self.mover
        for slot in found:
            table.defrag_entry(mover, slot)
        if self._in_expires:
            self.scanned += len(found)
        else:
            for slot in found:
                self._visit_key(database, slot)
        if self._cursor == 0 and not self._later:
            self._next_table()

    def _next_table(self) -> None:
        if self._in_expires:
            self._database += 1
        self._in_expires = not self._in_expires

    def _place_tables(self, table: Dict) -> None:
        """Show the arrays of buckets, if they are small enough to lie in slabs."""
        small = self._allocator.small_limit
        if table.table_address != 0 and dict_table_size(table.mask + 1) <= small:
            table.table_address = self.mover.block(table.table_address)
        if table.new_table_address != 0 and dict_table_size(table.new_mask + 1) <= small:
            table.new_table_address = self.mover.block(table.new_table_address)

    # Keys.

    def _visit_key(self, database: Database, slot: i64) -> None:
        mover = self.mover
        before = mover.hits
        keys = database.keys
        address = keys.moved_key(mover, slot)
        old = keys.key_address(slot)
        if address != old:
            keys.set_key_address(slot, address)
            if database.expires.used > 0:
                expiring = database.expires.find_moved(keys.key(slot), old)
                if expiring >= 0:  # the expire times share the sds
                    database.expires.set_key_address(expiring, address)
        if not keys.defrag_string(slot, mover):
            value = keys.value(slot)
            if value.refcount == 1:
                self._visit_value(keys, keys.key(slot), value)
        self.scanned += 1
        if mover.hits != before:
            self.key_hits += 1
        else:
            self.key_misses += 1

    def _visit_value(self, keys: KeyTable, key: bytes, value: RedisObject) -> None:
        """Visit the head of a value, and its elements if there are not too many."""
        mover = self.mover
        keys.defrag_head(mover, value)
        effort: i64 = value.scan_effort()
        cursor: i64 = 0
        if effort <= self.max_scan_fields:
            self.scanned += effort
            cursor = value.defrag_elements(mover, 0, PIECE)
            while cursor != 0:
                self._buckets += 1
                if self._is_over():
                    break
                cursor = value.defrag_elements(mover, cursor, PIECE)
            if cursor == 0:
                return
        self._later.append(key)
        self._later_cursors.append(cursor)

    def _continue_later(self, database: Database) -> None:
        """Visit a piece of the first postponed value."""
        self._buckets += 1
        mover = self.mover
        keys = database.keys
        cursor: i64 = 0
        slot: i64 = keys.find_rehashing(self._later[0])
        if slot >= 0:
            value = keys.value(slot)
            if value.refcount == 1:
                before = mover.hits
                cursor = value.defrag_elements(mover, self._later_cursors[0], PIECE)
                self.scanned += PIECE
                if mover.hits != before:
                    self._later_moved = True
        if cursor != 0:
            self._later_cursors[0] = cursor
            return
        if self._later_moved:
            self.key_hits += 1
        else:
            self.key_misses += 1
        self._later_moved = False
        del self._later[0]
        del self._later_cursors[0]
        if not self._later and self._cursor == 0:
            self._next_table()
