"""How much memory each key of a file takes: ``pyredmem rdb memory FILE``.

A size is what MEMORY USAGE says, with SAMPLES 0, on a server that has just loaded the file. The one thing that differs
from server to server is the heights of a skiplist's nodes, which Redis draws at random: there the size is the average.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappush, heappushpop
from typing import Any, Final, NamedTuple

from pyredmem.rdb.dataset import Entry
from pyredmem.rdb.report import NEW_LINE, Report, Write
from pyredmem.rdb.survey.measure import Measurer
from pyredmem.rdb.text import readable

#: The columns of redis-rdb-tools.
COLUMNS: Final = (
    "database",
    "type",
    "key",
    "size_in_bytes",
    "encoding",
    "num_elements",
    "len_largest_element",
    "expiry",
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TABLE: Final = "{:>12}  {:>3}  {:<9}  {:<10}  {:>10}  {:>10}  {:<26}  {}"


class Row(NamedTuple):
    """What is told of a key."""

    database: int
    type: str
    key: str
    size: int
    is_average: bool  # the size, because the value depends on chance
    encoding: str
    elements: int
    longest: int  # bytes of the longest element
    expiry: str


def row_of(entry: Entry, measurer: Measurer) -> Row | None:
    """The row of a key; None if it holds a value of a module."""
    if entry.image is None:
        return None
    measured = measurer.measure(entry.image)
    return Row(
        database=entry.database,
        type=entry.type,
        key=readable(entry.key),
        size=measured.size + measurer.key_size(entry.key),
        is_average=measured.is_average,
        encoding=measured.encoding,
        elements=measured.elements,
        longest=measured.longest(),
        expiry=moment(entry.expire_ms),
    )


def moment(unix_ms: int | None) -> str:
    """A time in ISO 8601, UTC, without a zone, as redis-rdb-tools has it; a time after the year 9999 is its number."""
    if unix_ms is None:
        return ""
    try:
        return (_EPOCH + timedelta(milliseconds=unix_ms)).replace(tzinfo=None).isoformat()
    except OverflowError:
        return str(unix_ms)


class Format:
    """How rows are written."""

    head = b""
    between = b""
    tail = b""

    def row(self, row: Row) -> bytes:
        """A row as it is written."""
        raise NotImplementedError


class _Line:
    """Takes the place of a file: `writerow` of a csv writer returns what ``write`` returns."""

    def write(self, text: str) -> str:
        """Return the line that was to be written."""
        return text


class CsvFormat(Format):
    """One line per key, as redis-rdb-tools writes it; an average size is not marked."""

    head = ",".join(COLUMNS).encode() + NEW_LINE

    def __init__(self) -> None:
        self._writer: Any = csv.writer(_Line(), lineterminator="\n")

    def row(self, row: Row) -> bytes:
        numbers = (row.size, row.encoding, row.elements, row.longest)
        line: str = self._writer.writerow((row.database, row.type, row.key, *numbers, row.expiry))
        return line.encode()


class JsonFormat(Format):
    """A list of objects, one per line."""

    head = b"["
    between = b","
    tail = b"\n]\n"

    def row(self, row: Row) -> bytes:
        values = (row.database, row.type, row.key, row.size, row.encoding, row.elements, row.longest)
        members = dict(zip(COLUMNS, (*values, row.expiry or None), strict=True))
        return b"\n" + json.dumps({**members, "size_is_average": row.is_average}).encode()


class TableFormat(Format):
    """For the eye; a tilde stands before an average size."""

    head = (_TABLE.format("size", "db", "type", "encoding", "elements", "longest", "expiry", "key") + "\n").encode()

    def row(self, row: Row) -> bytes:
        size = f"~{row.size}" if row.is_average else str(row.size)
        rest = (row.encoding, row.elements, row.longest, row.expiry, row.key)
        return (_TABLE.format(size, row.database, row.type, *rest) + "\n").encode()


FORMATS: Final[dict[str, Callable[[], Format]]] = {"csv": CsvFormat, "json": JsonFormat, "table": TableFormat}


class MemoryReport(Report):
    """The rows of all keys of at least ``least`` bytes, or of the ``largest`` largest ones, if that is not 0."""

    def __init__(self, write: Write, measurer: Measurer, layout: Format, least: int = 0, largest: int = 0) -> None:
        super().__init__(write)
        self._measurer = measurer
        self._layout = layout
        self._least = least
        self._largest = largest
        self._kept: list[tuple[int, int, Row]] = []  # a heap; of equal sizes the key that came last leaves first
        self._seen = 0
        self._written = False

    def begin(self) -> None:
        self._write(self._layout.head)

    def add(self, entry: Entry) -> None:
        row = row_of(entry, self._measurer)
        if row is None or row.size < self._least:
            return
        if self._largest == 0:
            self._put(row)
            return
        self._seen += 1
        item = (row.size, -self._seen, row)
        if len(self._kept) < self._largest:
            heappush(self._kept, item)
        else:
            heappushpop(self._kept, item)

    def end(self) -> None:
        for _, _, row in sorted(self._kept, reverse=True):
            self._put(row)
        self._write(self._layout.tail)

    def _put(self, row: Row) -> None:
        if self._written:
            self._write(self._layout.between)
        self._written = True
        self._write(self._layout.row(row))
