"""Traces from append-only files: a manifest with the files beside it, or one file, which may begin like an RDB file.

An append-only file has writes only, and usually no times: its commands are spread evenly, so that the last one comes
when the file was changed last. Annotations of time (aof-timestamp-enabled) are used where there are any.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from pyredmem.config.settings import Settings
from pyredmem.host.files import SystemFiles
from pyredmem.lab.commands import operations_of
from pyredmem.lab.errors import ImportFileError
from pyredmem.lab.operations import NO_TTL, TYPES, WRITE
from pyredmem.lab.trace import Trace, TraceBuilder
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_file import RdbFileError
from pyredmem.persistence.aof_manifest import ManifestError, parse
from pyredmem.persistence.aof_reader import AofFormatError, AofReader, AofTruncated
from pyredmem.rdb.dataset import Dataset, Entry, Selection
from pyredmem.rdb.survey.measure import Measurer

_SIGNATURES: Final = (b"REDIS", b"VALKEY")
_SIGNATURE_BYTES: Final = 8
#: Types as an RDB file names them, where a trace names them otherwise.
_NAMES: Final = {"sortedset": "zset"}
_US: Final = 1_000_000


def read_aof(path: str, per_second: float) -> Trace:
    """The trace of an append-only file. Where it has no times, ``per_second`` commands come in each second.

    Raises ImportFileError and OSError.
    """
    parts = _parts(path)
    ended_us = int(os.path.getmtime(parts[-1]) * _US)
    # Times to live depend on the time of a command, so the commands are counted first.
    stamps = [timestamp for part in parts for timestamp in _timestamps(part)]
    start_us = ended_us - int(len(stamps) * _US / per_second)
    first = next((timestamp for timestamp in stamps if timestamp), 0)
    reader = _Reader(min(start_us, first * _US) if first else start_us, per_second)
    for part in parts:
        reader.read(part)
    return reader.builder.trace()


def _parts(path: str) -> list[str]:
    """The paths of the files in which commands are, in their order."""
    with open(path, "rb") as file:
        data = file.read(1 << 20)
    lines = [line for line in data.splitlines() if not line.startswith(b"#")]
    if not (lines and lines[0].startswith(b"file ")):
        return [path]
    try:
        manifest = parse(data)
    except ManifestError as error:
        raise ImportFileError(f"{path}: {error.message}") from None
    directory = os.path.dirname(path)
    return [os.path.join(directory, part.name) for part in manifest.files()]


def _records(path: str) -> Iterator[Entry | tuple[list[bytes], int]]:
    """The keys of the RDB part of a file, and the commands, each with the time of its annotation in unix seconds."""
    file = SystemFiles().open(path)
    try:
        start = file.read(_SIGNATURE_BYTES)
        reader = AofReader(file, 0, start)
        if start.startswith(_SIGNATURES):
            file.close()
            file = SystemFiles().open(path)
            dataset = Dataset(file, Selection(), path)
            yield from (record for record in dataset.records() if isinstance(record, Entry))
            reader = AofReader(file, *dataset.end())
        yield from _commands(reader)
    except RdbFileError as error:
        raise ImportFileError(f"{path}: [offset {error.offset}] {error.message}") from None
    except AofFormatError as error:
        raise ImportFileError(f"{path}: {error}") from None
    finally:
        file.close()


def _commands(reader: AofReader) -> Iterator[tuple[list[bytes], int]]:
    """The commands up to the end, or up to one that was cut off: a server reads such a file as well."""
    try:
        while (argv := reader.next()) is not None:
            yield argv, int(reader.timestamp)
    except AofTruncated:
        return


def _timestamps(path: str) -> list[int]:
    """For each command of a file the time of its annotation in unix seconds, 0 if it has none."""
    return [record[1] for record in _records(path) if not isinstance(record, Entry)]


class _Reader:
    """Turns records into operations."""

    def __init__(self, start_us: int, per_second: float) -> None:
        self.builder = TraceBuilder()
        self._measurer = Measurer("jemalloc", EncodingLimits(Settings()))
        self._now_us = start_us
        self._step_us = _US / per_second
        self._start_us = start_us
        self._commands = 0
        self._database = 0

    def read(self, path: str) -> None:
        """Take all records of a file."""
        self._database = 0
        for record in _records(path):
            if isinstance(record, Entry):
                self._add_key(record)
            else:
                self._add_command(*record)

    def _add_key(self, entry: Entry) -> None:
        ttl_ms = NO_TTL if entry.expire_ms is None else max(entry.expire_ms - self._now_us // 1000, 0)
        name = _NAMES.get(entry.type, entry.type)
        if entry.image is not None and name in TYPES:
            size = self._measurer.measure(entry.image).content_bytes
            kind = TYPES.index(name)
            self.builder.add(self._now_us, WRITE, entry.key, size, ttl_ms, kind, entry.database)

    def _add_command(self, argv: list[bytes], timestamp: int) -> None:
        self._commands += 1
        spread_us = self._start_us + int(self._commands * self._step_us)
        self._now_us = max(timestamp * _US if timestamp else spread_us, self._now_us)
        if len(argv) == 2 and argv[0].lower() == b"select" and argv[1].isdigit():
            self._database = int(argv[1])
        for found in operations_of(argv, self._now_us // 1000):
            self.builder.add(
                self._now_us, found.operation, found.key, found.size, found.ttl_ms, found.kind, self._database
            )
