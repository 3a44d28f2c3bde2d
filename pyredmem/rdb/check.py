"""Checks an RDB file: ``pyredmem check-rdb FILE`` prints what redis-check-rdb prints, and advice.

The file is read record by record, so memory has to suffice for the largest value only. A damaged file is read up to its
first error: a record does not say how long it is, so the next one cannot be found. Lines that begin with ``[advice]``
are not Redis's.
"""

import io
import sys
from collections.abc import Callable
from typing import Final

from pyredmem.base.clock import SystemClock
from pyredmem.base.files import Files, ReadableFile
from pyredmem.host.files import SystemFiles
from pyredmem.objects import rdb_types
from pyredmem.objects.rdb_file import (
    DATABASE,
    END,
    FIELD,
    KEY,
    MODULE,
    NONE,
    RdbChecksumError,
    RdbFile,
    RdbFileError,
)
from pyredmem.persistence.aof_reader import CommandBuffer
from pyredmem.rdb.advice import Reading, of_damage, of_the_end
from pyredmem.rdb.text import readable

OK: Final = 0
FAILED: Final = 1

USAGE: Final = "Usage: {program} check-rdb <rdb-file-name>"

#: What redis-check-rdb calls the types of values.
TYPE_NAMES: Final = {
    rdb_types.STRING: "string",
    rdb_types.LIST: "list-linked",
    rdb_types.SET: "set-hashtable",
    rdb_types.ZSET: "zset-v1",
    rdb_types.HASH: "hash-hashtable",
    rdb_types.ZSET_2: "zset-v2",
    rdb_types.MODULE_VALUE: "module-value",
    rdb_types.HASH_ZIPMAP: "hash-zipmap",
    rdb_types.LIST_ZIPLIST: "list-ziplist",
    rdb_types.SET_INTSET: "set-intset",
    rdb_types.ZSET_ZIPLIST: "zset-ziplist",
    rdb_types.HASH_ZIPLIST: "hash-ziplist",
    rdb_types.LIST_QUICKLIST: "quicklist",
    rdb_types.STREAM_LISTPACKS: "stream",
    rdb_types.HASH_LISTPACK: "hash-listpack",
    rdb_types.ZSET_LISTPACK: "zset-listpack",
    rdb_types.LIST_QUICKLIST_2: "quicklist-v2",
    rdb_types.STREAM_LISTPACKS_2: "stream-v2",
    rdb_types.SET_LISTPACK: "set-listpack",
    rdb_types.STREAM_LISTPACKS_3: "stream-v3",
    rdb_types.HASH_WITH_TIMES_VALKEY: "hash-volatile-items",
    rdb_types.HASH_METADATA: "hash-hashtable-md",
    rdb_types.HASH_LISTPACK_EX: "hash-listpack-md",
}


def run(path: str, program: str) -> int:
    """Check a file, and print the report; returns the exit status. An empty path is a call without a file."""
    if not path:
        print(USAGE.format(program=program), file=sys.stderr)
        return FAILED
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # keys may have characters that the terminal has not
    return check(path, SystemFiles(), SystemClock().now_us() // 1000, print)


def check(path: str, files: Files, now_ms: int, write: Callable[[str], object]) -> int:
    """Check a file, and write the report line by line; returns the exit status."""
    write(headline(path))
    try:
        file = files.open(path)
    except OSError as error:
        print(f"Cannot open file {path}: {error.strerror}", file=sys.stderr)
        return FAILED
    try:
        checking = Check(path, file, now_ms, write)
        status = checking.run()
    except OSError as error:
        print(f"Cannot read file {path}: {error.strerror}", file=sys.stderr)
        return FAILED
    finally:
        file.close()
    for line in checking.advice:
        write(f"[advice] {line}")
    return status


def headline(path: str) -> str:
    """The first line of the report on a file."""
    return f"[offset 0] Checking RDB file {path}"


class Check:
    """One check of one file, or of the part of an append-only file that is like an RDB file."""

    def __init__(self, path: str, file: ReadableFile, now_ms: int, write: Callable[[str], object]) -> None:
        self._path = path
        self._file = file
        self._records = RdbFile(file)
        self._now_ms = now_ms
        self._write = write
        self._whole_keys = 0  # that were read, with their values
        self._whole_bytes = 0  # the header, and the records that were read to their ends
        self._expires = 0
        self._expired = 0
        self._with_times = 0  # hashes with fields that have expire times
        self.advice: list[str] = []

    def run(self) -> int:
        """Read the file to its end, or to the first error; returns the exit status."""
        try:
            self._read()
        except RdbFileError as error:
            self._report(error)
            return FAILED
        self._inform("\\o/ RDB looks OK! \\o/")
        self._write_counts(self._whole_keys)
        self.advice = of_the_end(self._reading())
        return OK

    def commands(self) -> CommandBuffer:
        """What follows the end, for reading: in an append-only file these are commands."""
        return CommandBuffer(self._file, self._records.offset(), self._records.read_ahead())

    def _read(self) -> None:
        records = self._records
        records.read_header()
        self._whole_bytes = records.offset()
        while (what := records.next()) != END:
            self._whole_bytes = records.offset()
            if what == KEY:
                self._count_key()
            elif what == FIELD:
                self._inform(f"AUX FIELD {readable(records.name)} = '{readable(records.text)}'")
            elif what == DATABASE:
                self._inform(f"Selecting DB ID {records.database}")
            elif what == MODULE:
                self._inform(f"MODULE AUX for: {readable(records.name)}")
        if records.has_checksum:
            self._inform("Checksum OK")
        elif records.version >= rdb_types.FIRST_CHECKSUM_VERSION:
            self._inform("RDB file was saved with checksum disabled: no check performed.")

    def _count_key(self) -> None:
        records = self._records
        if records.is_empty:  # a server leaves such a key out when it loads the file
            raise RdbFileError("Invalid data", records.offset())
        self._whole_keys += 1
        if records.expire_ms != NONE:
            self._expires += 1
            if records.expire_ms < self._now_ms:
                self._expired += 1
        if records.value is not None and records.value.has_times():
            self._with_times += 1

    def _report(self, error: RdbFileError) -> None:
        records = self._records
        has_type = records.doing in {"read-key", "read-object-value"}
        has_key = records.doing == "read-object-value"
        message = "RDB CRC error" if isinstance(error, RdbChecksumError) else error.message
        self._write("--- RDB ERROR DETECTED ---")
        self._write(f"[offset {error.offset}] {message}")
        self._write(f"[additional info] While doing: {records.doing}")
        if has_key:
            self._write(f"[additional info] Reading key '{readable(records.key)}'")
        if has_type:
            self._write(f"[additional info] Reading type {records.kind} ({TYPE_NAMES[records.kind]})")
        self._write_counts(self._whole_keys + has_key)  # the key whose value has the error counts too
        self.advice = of_damage(self._reading(), error)

    def _write_counts(self, keys: int) -> None:
        self._write(f"[info] {keys} keys read")
        self._write(f"[info] {self._expires} expires")
        self._write(f"[info] {self._expired} already expired")
        self._write(f"[info] {self._with_times} subexpires")

    def _inform(self, text: str) -> None:
        self._write(f"[offset {self._records.offset()}] {text}")

    def _reading(self) -> Reading:
        records = self._records
        return Reading(
            path=self._path,
            version=records.version,
            keys=self._whole_keys,
            whole_bytes=self._whole_bytes,
            read_bytes=records.offset(),
            file_bytes=self._file.size(),
        )
