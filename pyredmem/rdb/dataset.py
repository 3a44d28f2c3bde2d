"""The keys of an RDB file, one at a time, and which of them are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from re import Pattern
from typing import Final, NamedTuple

from mypy_extensions import mypyc_attr

from pyredmem.base.files import ReadableFile
from pyredmem.objects import rdb_types
from pyredmem.objects.rdb_file import END, FIELD, FUNCTION, KEY, NONE, RdbFile
from pyredmem.objects.rdb_images import Image

MODULE: Final = "module"

#: What redis-rdb-tools calls the type of a value, by its type in the file.
TYPES: Final = {
    rdb_types.STRING: "string",
    rdb_types.LIST: "list",
    rdb_types.LIST_ZIPLIST: "list",
    rdb_types.LIST_QUICKLIST: "list",
    rdb_types.LIST_QUICKLIST_2: "list",
    rdb_types.SET: "set",
    rdb_types.SET_INTSET: "set",
    rdb_types.SET_LISTPACK: "set",
    rdb_types.ZSET: "sortedset",
    rdb_types.ZSET_2: "sortedset",
    rdb_types.ZSET_ZIPLIST: "sortedset",
    rdb_types.ZSET_LISTPACK: "sortedset",
    rdb_types.HASH: "hash",
    rdb_types.HASH_ZIPMAP: "hash",
    rdb_types.HASH_ZIPLIST: "hash",
    rdb_types.HASH_LISTPACK: "hash",
    rdb_types.HASH_METADATA: "hash",
    rdb_types.HASH_LISTPACK_EX: "hash",
    rdb_types.HASH_WITH_TIMES_VALKEY: "hash",
    rdb_types.STREAM_LISTPACKS: "stream",
    rdb_types.STREAM_LISTPACKS_2: "stream",
    rdb_types.STREAM_LISTPACKS_3: "stream",
    rdb_types.MODULE_VALUE: MODULE,
}


@dataclass(frozen=True)
class Selection:
    """Which keys are wanted. What is None does not matter."""

    databases: frozenset[int] | None = None
    types: frozenset[str] | None = None
    key: Pattern[bytes] | None = None  # matches the beginning of a key

    def takes(self, database: int, kind: str, key: bytes) -> bool:
        """Whether a key is wanted."""
        return (
            (self.databases is None or database in self.databases)
            and (self.types is None or kind in self.types)
            and (self.key is None or self.key.match(key) is not None)
        )

    def takes_all(self) -> bool:
        """Whether every key is wanted."""
        return self.databases is None and self.types is None and self.key is None


class Entry(NamedTuple):
    """A key with its value."""

    database: int
    type: str
    key: bytes
    image: Image | None  # None: the value of a module
    expire_ms: int | None  # unix milliseconds


@mypyc_attr(allow_interpreted_subclasses=True)
class Source:
    """Where keys come from."""

    def __init__(self, name: str, selection: Selection) -> None:
        self.name = name
        self.selection = selection
        self.modules = 0  # how many of the keys that are wanted hold values of modules
        self.unreadable = 0  # how many keys of a server hold values in a format that is not known
        self.fields: dict[bytes, bytes] = {}  # that describe a file; they come before its keys

    def records(self) -> Iterable[Entry | bytes]:
        """The keys that are wanted and, if all are, the code of each library of functions."""
        raise NotImplementedError


class Dataset(Source):
    """A file that is read once, from its header to its end."""

    def __init__(self, file: ReadableFile, selection: Selection, name: str = "") -> None:
        super().__init__(name, selection)
        self._records = RdbFile(file)

    def records(self) -> Iterator[Entry | bytes]:
        """The records of the file. Raises RdbFileError.

        A key whose value has no elements is left out, as a server does when it loads the file.
        """
        records = self._records
        selection = self.selection
        takes_all = selection.takes_all()
        records.read_header()
        while (what := records.next()) != END:
            if what == KEY:
                kind = TYPES[records.kind]
                if not records.is_empty and (takes_all or selection.takes(records.database, kind, records.key)):
                    self.modules += kind == MODULE
                    yield self._entry(kind)
            elif what == FIELD:
                self.fields[records.name] = records.text
            elif what == FUNCTION and takes_all:
                yield records.text

    def end(self) -> tuple[int, bytes]:
        """Where the file goes on after all records, and what was read of that already: an append-only file may."""
        return int(self._records.offset()), self._records.read_ahead()

    def _entry(self, kind: str) -> Entry:
        records = self._records
        expire_ms = None if records.expire_ms == NONE else int(records.expire_ms)
        return Entry(records.database, kind, records.key, records.value, expire_ms)
