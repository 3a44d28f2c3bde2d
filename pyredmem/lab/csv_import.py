"""Traces from CSV files of public cache traces, with the columns of Twitter's.

    time (s), key, key size, value size, client, operation, time to live (s)

The operations are those of memcached. A key is padded, or cut, to its size: public traces have other names in place of
the real ones.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from typing import IO, Any, Final, cast

from pyredmem.lab.errors import ImportFileError
from pyredmem.lab.operations import DELETE, KEEP_TTL, NO_TTL, READ, STRING, UNKNOWN_SIZE, WRITE
from pyredmem.lab.trace import Trace, TraceBuilder, sorted_by_time

_GZIP: Final = b"\x1f\x8b"
_COLUMNS: Final = 7
_US: Final = 1_000_000
_OPERATIONS: Final = {
    "get": READ,
    "gets": READ,
    "set": WRITE,
    "add": WRITE,
    "replace": WRITE,
    "cas": WRITE,
    "append": WRITE,
    "prepend": WRITE,
    "incr": WRITE,
    "decr": WRITE,
    "delete": DELETE,
}
#: These write, and leave the time to live as it is.
_IN_PLACE: Final = ("append", "prepend", "incr", "decr")


def read_csv(path: str) -> Trace:
    """The trace of a CSV file, which may be compressed by gzip. Raises ImportFileError and OSError."""
    builder = TraceBuilder()
    with _opened(path) as file:
        for number, row in _rows(file, path):
            try:
                _add(builder, row)
            except (ValueError, OverflowError, KeyError) as error:
                raise ImportFileError(f"{path}, line {number}: {_reason(error)}") from None
    if len(builder) == 0:
        raise ImportFileError(f"{path} has no operations")
    return sorted_by_time(builder.trace())


def _opened(path: str) -> IO[str]:
    with open(path, "rb") as file:
        is_packed = file.read(len(_GZIP)) == _GZIP
    opened: Any = gzip.open if is_packed else open
    return cast("IO[str]", opened(path, "rt", encoding="utf-8", errors="surrogateescape", newline=""))


def _rows(file: IO[str], path: str) -> Iterator[tuple[int, list[str]]]:
    """The rows with their numbers, without those that are empty and without a line of titles."""
    try:
        for number, row in enumerate(csv.reader(file), 1):
            if row and not (number == 1 and not row[0].replace(".", "", 1).isdigit()):
                yield number, row
    except (csv.Error, EOFError, gzip.BadGzipFile) as error:
        raise ImportFileError(f"{path}: {error}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"operation {error} is none of {', '.join(_OPERATIONS)}"
    return str(error)


def _add(builder: TraceBuilder, row: list[str]) -> None:
    if len(row) < _COLUMNS:
        raise ValueError(f"{len(row)} columns, where there must be {_COLUMNS}")
    time, text, key_size, value_size, _, name, ttl = row[:_COLUMNS]
    name = name.strip().lower()
    operation = _OPERATIONS[name]
    key = text.encode("utf-8", "surrogateescape")
    length = int(key_size)
    if length > 0:
        key = key[:length].ljust(length, b".") if length < len(key) else key.ljust(length, b".")
    seconds = float(ttl or 0)
    ttl_ms = KEEP_TTL
    if operation == WRITE and name not in _IN_PLACE:
        ttl_ms = round(seconds * 1000) if seconds > 0 else NO_TTL
    size = int(value_size)
    # A size of 0 on a get means that the get missed.
    known = (operation == WRITE and name not in _IN_PLACE and size >= 0) or (operation == READ and size > 0)
    builder.add(round(float(time) * _US), operation, key, size if known else UNKNOWN_SIZE, ttl_ms, STRING)
