"""Reads RDB files into the databases, record by record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import CommandError
from pyredmem.keyspace import access
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.field_expiry import note_due
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.objects.hash import HashObject
from pyredmem.objects.rdb_file import DATABASE, END, FIELD, FUNCTION, KEY, NONE, SIZES, RdbFile, RdbFileError
from pyredmem.objects.rdb_images import Builder, Image, IntegerImage, StringImage

#: How many records are read before the caller can look at the clock.
_PIECE: Final = 16


class LoadOptions:
    """How a file is loaded.

    ``replaces``: a key that exists is replaced, otherwise it is an error. ``load_library`` loads a library of
    functions; a CommandError that it raises ends the loading.
    """

    def __init__(self, load_library: Callable[[bytes], object], replaces: bool) -> None:
        self.load_library = load_library
        self.replaces = replaces


class KeyspaceLoad:
    """Reads one file into the databases, some keys at a time. The header has been read already."""

    def __init__(self, keyspace: Keyspace, file: RdbFile, size: i64, options: LoadOptions) -> None:
        self._keyspace = keyspace
        self._file: RdbFile = file
        self._size: i64 = size  # of the file (bytes)
        self._options = options
        self._builder = Builder(keyspace.strings, keyspace.limits, keyspace.rng)
        self._database: Database = keyspace.databases[0]
        self.keys: i64 = 0  # loaded
        self.expired: i64 = 0  # left out, because they have expired
        self.empty: i64 = 0  # left out, because they have no elements
        self.modules: i64 = 0  # left out, because they are values of modules
        self.fields: dict[bytes, bytes] = {}  # that describe the file

    def step(self) -> bool:
        """Read some records; returns whether any are left. Raises RdbFileError."""
        file = self._file
        for _ in range(_PIECE):
            record = file.next()
            if record == KEY:
                self._load_key()
            elif record == END:
                return False
            elif record == FIELD:
                self.fields[file.name] = file.text
            elif record == DATABASE:
                self._select(file.database)
            elif record == SIZES:
                self._expand(file.keys, file.expiring)
            elif record == FUNCTION:
                self._load_library()
        return True

    def _load_library(self) -> None:
        try:
            self._options.load_library(self._file.text)
        except CommandError as error:
            message = error.message.decode("latin-1")
            raise RdbFileError(f"Failed loading library: {message}", self._file.offset()) from None

    def _select(self, index: int) -> None:
        count = len(self._keyspace.databases)
        if index >= count:
            raise RdbFileError(
                f"Data file was created with a server configured to handle more than {count} databases",
                self._file.offset(),
            )
        self._database = self._keyspace.databases[index]

    def _expand(self, keys: i64, expiring: i64) -> None:
        """Prepare the tables for the keys to come: not for more than the file can have."""
        if 0 < keys < self._size:
            self._database.expand(keys, expiring if expiring < keys else keys)

    def _load_key(self) -> None:
        file = self._file
        image = file.value
        database = self._database
        when_ms = file.expire_ms
        if image is None:
            if file.is_empty:
                self.empty += 1
            else:
                self.modules += 1
            return
        if when_ms != NONE and when_ms < self._keyspace.expiry_us() // 1000:
            self.expired += 1
            return
        key = file.key
        if self._options.replaces:
            database.discard(key)
        else:
            refuse_existing(self._keyspace, file)
        if not _load_in_heap(database, key, image):
            value = image.build(self._builder)
            database.load(key, value)
            if isinstance(value, HashObject):
                note_due(database, key, value)
        if when_ms != NONE:
            database.expire_loaded(when_ms)
        mark_used(database, key, file.idle_s, file.frequency)
        self.keys += 1


def _load_in_heap(database: Database, key: bytes, image: Image) -> bool:
    """Add the key if its value is a string that lies in the heap."""
    if isinstance(image, StringImage):
        return database.load_string(key, image.data)
    return isinstance(image, IntegerImage) and database.load_integer(key, image.number)


def refuse_existing(keyspace: Keyspace, file: RdbFile) -> None:
    """Raise RdbFileError if the database has the key that was read last."""
    index = file.database
    if index < len(keyspace.databases) and keyspace.databases[index].keys.find(file.key) >= 0:
        raise RdbFileError(f"RDB has duplicated key '{file.key.decode('latin-1')}' in DB {index}", file.offset())


def mark_used(database: Database, key: bytes, idle_s: int, frequency: i64) -> None:
    """Set the access field from an idle time or an LFU counter, whichever the policy uses; -1 means there is none.

    This holds even for a shared integer.
    """
    shared = database.shared
    if shared.lfu_policy:
        if frequency >= 0:
            database.set_access(key, access.lfu_minutes(shared.now_ms()) << 8 | frequency)
    elif idle_s >= 0:
        used = int(shared.lru_clock) - idle_s
        if used < 0:
            used += access.LRU_CLOCK_MASK
        database.set_access(key, used & access.LRU_CLOCK_MASK)
