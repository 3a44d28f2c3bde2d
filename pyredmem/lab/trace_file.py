"""Trace files: a trace on disk, compressed by gzip, in blocks that are written and read one after another.

    pyredmem trace 1\\n                                        the first line
    start of the trace, unix time in microseconds              8 bytes
    blocks, each of them:
      number of operations, of new keys, bytes of their names  4 bytes each
      the new keys: databases (2 bytes each), lengths (4 bytes each), names one after another
      columns, in the order and the types of `trace.COLUMNS`   the times as differences from one to the next

Numbers are little-endian. The keys are numbered in the order in which they appear. The last block has no operations:
a file without it was cut off.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import numpy as np

from pyredmem.lab.errors import TraceFileError
from pyredmem.lab.trace import COLUMNS, Numbers, Trace, TraceBuilder

MAGIC: Final = b"pyredmem trace 1\n"
#: Operations in a block.
BLOCK: Final = 1 << 16
#: Of gzip: the levels above it take much more time, and save little.
_LEVEL: Final = 4
_START: Final = struct.Struct("<q")
_HEAD: Final = struct.Struct("<III")
#: No block of ours is larger: a larger number in a file is damage.
_MOST: Final = 1 << 24
_MOST_NAMES: Final = 1 << 31


@dataclass
class Block:
    """Some operations of a trace, and the keys that appear there for the first time."""

    columns: dict[str, Numbers]
    names: list[bytes]
    databases: Numbers


class TraceWriter:
    """Writes a trace file. Operations are added to ``builder``, and written when :meth:`flush` is called."""

    def __init__(self, path: str) -> None:
        self._file = gzip.open(path, "wb", _LEVEL)  # noqa: SIM115 - closed by `close`
        self._written_keys = 0
        self._has_begun = False
        self._time = 0  # of the last operation that was written
        self.builder = TraceBuilder()

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def flush(self) -> None:
        """Write the operations that the builder has."""
        builder = self.builder
        first = self._written_keys
        self._written_keys = len(builder.names)
        databases = np.array(builder.databases[first:], dtype="<u2")
        self.write(builder.take_columns(), builder.names[first:], databases)

    def write(self, columns: dict[str, Numbers], names: list[bytes], databases: Numbers) -> None:
        """Write operations, and the keys that are new in them."""
        count = len(columns["operations"])
        if count == 0:
            return
        if not self._has_begun:
            self._begin(int(columns["times"][0]))
        text = b"".join(names)
        self._file.write(_HEAD.pack(count, len(names), len(text)))
        self._file.write(databases.astype("<u2").tobytes())
        self._file.write(np.fromiter(map(len, names), dtype="<u4", count=len(names)).tobytes())
        self._file.write(text)
        for name, dtype in COLUMNS.items():
            column = columns[name]
            if name == "times":
                column = np.diff(column, prepend=self._time)
                self._time = int(columns[name][-1])
            self._file.write(column.astype(dtype).tobytes())

    def _begin(self, start_us: int) -> None:
        self._file.write(MAGIC + _START.pack(start_us))
        self._time = start_us
        self._has_begun = True

    def close(self) -> None:
        """Write the rest, and close the file."""
        self.flush()
        if not self._has_begun:
            self._begin(0)
        self._file.write(_HEAD.pack(0, 0, 0))
        self._file.close()


class TraceReader:
    """Reads a trace file block by block. Raises TraceFileError and OSError."""

    def __init__(self, path: str) -> None:
        self.path = path

    def blocks(self) -> Iterator[Block]:
        """The blocks; the times in them are unix times, as far as the writer knew them."""
        try:
            with gzip.open(self.path, "rb") as file:
                yield from self._read(file)
        except (gzip.BadGzipFile, zlib.error) as error:
            raise TraceFileError(f"{self.path} is no trace file: {error}") from None
        except EOFError:
            raise TraceFileError(f"{self.path} was cut off") from None

    def _read(self, file: gzip.GzipFile) -> Iterator[Block]:
        if file.read(len(MAGIC)) != MAGIC:
            raise TraceFileError(f"{self.path} is no trace file: its first line is another one")
        [time] = _START.unpack(_exactly(file, _START.size))
        known = 0
        while True:
            count, keys, size = _HEAD.unpack(_exactly(file, _HEAD.size))
            if count == 0:
                if file.read(1):  # this also compares the checksum at the end
                    raise TraceFileError(f"{self.path} is damaged")
                return
            if count > _MOST or keys > count or size > _MOST_NAMES:
                raise TraceFileError(f"{self.path} is damaged")
            block = self._read_block(file, count, keys, size)
            known += keys
            times = time + np.cumsum(block.columns["times"])
            if int(block.columns["keys"].max()) >= known:
                raise TraceFileError(f"{self.path} is damaged")
            block.columns["times"] = times
            time = int(times[-1])
            yield block

    def _read_block(self, file: gzip.GzipFile, count: int, keys: int, size: int) -> Block:
        databases = np.frombuffer(_exactly(file, 2 * keys), dtype="<u2")
        lengths = np.frombuffer(_exactly(file, 4 * keys), dtype="<u4")
        text = _exactly(file, size)
        if int(lengths.sum()) != size:
            raise TraceFileError(f"{self.path} is damaged")
        ends = np.cumsum(lengths, dtype=np.int64).tolist()
        names = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        columns = {
            name: np.frombuffer(_exactly(file, count * np.dtype(dtype).itemsize), dtype=dtype)
            for name, dtype in COLUMNS.items()
        }
        return Block(columns, names, databases)


def _exactly(file: gzip.GzipFile, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


def load(path: str) -> Trace:
    """The trace in a file. Raises TraceFileError and OSError."""
    blocks = list(TraceReader(path).blocks())
    columns = {
        name: np.concatenate([np.zeros(0, dtype), *(block.columns[name] for block in blocks)])
        for name, dtype in COLUMNS.items()
    }
    start_us = int(columns["times"][0]) if blocks else 0
    columns["times"] -= start_us
    names = [name for block in blocks for name in block.names]
    databases = np.concatenate([np.zeros(0, "<u2"), *(block.databases for block in blocks)])
    return Trace(**columns, names=names, databases=databases, start_us=start_us)


def save(trace: Trace, path: str) -> None:
    """Write a trace to a file. Its keys are renumbered in the order in which they appear. Raises OSError."""
    keys, firsts = np.unique(trace.keys, return_index=True)
    order = keys[np.argsort(firsts, kind="stable")]  # keys in the order in which they appear
    numbers = np.zeros(len(trace.names), dtype="<u4")
    numbers[order] = np.arange(len(order), dtype="<u4")
    appeared = np.sort(firsts)
    with TraceWriter(path) as writer:
        for start in range(0, len(trace), BLOCK):
            end = min(start + BLOCK, len(trace))
            new = order[np.searchsorted(appeared, start) : np.searchsorted(appeared, end)]
            columns = {name: column[start:end] for name, column in trace.columns().items()}
            columns["times"] = columns["times"] + trace.start_us
            columns["keys"] = numbers[columns["keys"]]
            writer.write(columns, [trace.names[key] for key in new], trace.databases[new])
