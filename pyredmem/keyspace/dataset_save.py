"""Writes all databases, a piece at a time: as they are or, while commands run, as they were when the save began.

Nothing expires by that, and nothing counts as used.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.keyspace.database_save import DatabaseSave, Facts, LargeValue
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.objects.dataset_writer import DatasetWriter

#: Values with fewer elements are written at once, which takes less than a millisecond.
LARGE: Final = 1024
#: A step ends after this many keys even if they were all written before, or are very short.
_MOST_KEYS: Final = 1024


def needs_field_times(keyspace: Keyspace) -> bool:
    """Whether there are hashes with fields that expire, which old servers do not know."""
    return any(database.hashes_with_times() > 0 for database in keyspace.databases)


class KeyspaceSave:
    """One save of all databases. ``let_go`` must be called at its end.

    ``keeps_idle_times`` says that the time since when a key was not used is written with it. ``watches`` says that
    commands may run between the steps, which change nothing of what is saved. Then values with at least ``least``
    elements are written piece by piece.
    """

    def __init__(
        self, keyspace: Keyspace, writer: DatasetWriter, keeps_idle_times: bool, watches: bool, least: i64 = LARGE
    ) -> None:
        self._keyspace = keyspace
        self._writer: DatasetWriter = writer
        facts = Facts(keyspace, keeps_idle_times)
        databases = [database for database in keyspace.databases if database.size() > 0]
        self._sources = [DatabaseSave(database, facts, writer, watches, least) for database in databases]
        self._current: i64 = 0
        self._large: LargeValue | None = None  # the value that is being written
        self.keys: i64 = 0  # written so far

    def step(self, size: i64) -> bool:
        """Write about ``size`` bytes; returns whether anything is left."""
        end = self._writer.size() + size
        keys: i64 = 0
        while self._current < len(self._sources):
            if self._writer.size() >= end or keys == _MOST_KEYS:
                return True
            source = self._sources[self._current]
            if not source.has_begun:
                source.begin()
            elif self._large is not None:
                if not self._writer.step(self._large.pieces):
                    self._end_large(self._large)
            elif source.large:
                self._begin_large(source, source.large.pop())
            elif source.done < source.keys:
                source.write_next()
                self.keys += 1
                keys += 1
            else:
                source.write_aside()
                self._let_go_of(source)
                self._current += 1
        return False

    def _begin_large(self, source: DatabaseSave, large: LargeValue) -> None:
        source.write_facts(large)
        self._writer.begin(large.key, large.pieces)
        self._large = large

    def _end_large(self, large: LargeValue) -> None:
        self._large = None
        large.pieces.let_go()
        self._keyspace.lazyfree.submit(large.value)

    def kept_bytes(self) -> i64:
        """How much is kept of what has changed since the save began, in bytes of the file."""
        kept: i64 = 0 if self._large is None else self._large.pieces.kept_bytes()
        for source in self._sources:
            kept += source.kept_bytes()
        return kept

    def let_go(self) -> None:
        """Watch the databases no longer, and let go of all values."""
        if self._large is not None:
            self._end_large(self._large)
        for source in self._sources:
            for large in source.large:
                self._end_large(large)
            source.large = []
            self._let_go_of(source)

    def _let_go_of(self, source: DatabaseSave) -> None:
        source.let_go()
        for database in self._keyspace.databases:  # SWAPDB may have given the content to another one
            if source in database.preservers:
                database.preservers = tuple([other for other in database.preservers if other is not source])
