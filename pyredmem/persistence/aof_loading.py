"""Loads an append-only file: its base and its incremental files, one after the other (Redis 7.2 aof.c).

A base may begin with an RDB file. Everything else is commands, which are replayed: by nobody, at a time that stands
still, while nothing expires. Only the last file may end in the middle of a command, or of a transaction: what is left
of it is cut off then.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.files import ReadableFile
from pyredmem.engine.engine import Engine
from pyredmem.keyspace.rdb_load import KeyspaceLoad, LoadOptions
from pyredmem.objects.rdb_file import RdbFile, RdbFileError
from pyredmem.persistence.aof_manifest import BASE
from pyredmem.persistence.aof_parts import AofParts
from pyredmem.persistence.aof_reader import AofFormatError, AofReader, AofTruncated
from pyredmem.persistence.loading import Load, LoadError, load_error, opened
from pyredmem.persistence.rdb_loading import summary_of
from pyredmem.persistence.replayer import Replayer, ReplayError
from pyredmem.scripting.scripting import scripting_of

#: How many commands are replayed before the caller can look at the clock.
_PIECE: Final = 16
#: How RDB files begin; those of Valkey 9, too.
_SIGNATURES: Final = (b"REDIS", b"VALKE")
_SIGNATURE_BYTES: Final = 5

_MEND: Final = (
    "make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>"  # as Redis says it
)


class _Part:
    """A file that is being loaded."""

    def __init__(self, name: str, path: str, kind: str, is_last: bool) -> None:
        self.name = name
        self.path = path
        self.kind = kind  # "base" or "incr"
        self.is_last = is_last
        self.bytes: i64 = 0


class AofLoad(Load):
    """Loads all parts of an append-only file."""

    def __init__(self, engine: Engine, parts: AofParts) -> None:
        super().__init__(engine.core)
        self._engine = engine
        self._replayer = Replayer(engine)
        self._left = _parts_of(parts)
        self._part: _Part | None = None
        self._part_us: i64 = 0  # when its loading began
        self._file: ReadableFile | None = None
        self._rdb: RdbFile | None = None
        self._keyspace: KeyspaceLoad | None = None
        self._reader: AofReader | None = None
        self._ended_bytes: i64 = 0  # of the parts that are loaded
        self._keys: i64 = 0
        self._used_memory = 0
        for part in self._left:
            part.bytes = _size_of(engine, part)
            self.size += part.bytes
        self._core.keyspace.is_replaying = True

    def loaded_bytes(self) -> i64:
        now: i64 = 0
        if self._reader is not None:
            now = self._reader.offset
        elif self._rdb is not None:
            now = self._rdb.offset()
        return self._ended_bytes + now

    def keys(self) -> i64:
        return self._keys + (self._keyspace.keys if self._keyspace is not None else 0)

    def expired(self) -> i64:
        return 0

    def used_memory_of_writer(self) -> int:
        return self._used_memory

    def summary(self) -> list[str]:
        return [f"DB loaded from append only file: {self.seconds():.3f} seconds"]

    def abandon(self) -> None:
        self._core.keyspace.is_replaying = False
        if self._file is not None:
            self._file.close()

    # Piece by piece.

    def step(self) -> bool:
        part = self._part
        if part is None:
            if not self._left:
                self._core.keyspace.is_replaying = False
                return False
            self._begin(self._left.pop(0))
        elif self._rdb is not None:
            self._load_keys(part, self._rdb)
        else:
            self._replay(part)
        return True

    def _begin(self, part: _Part) -> None:
        self._part = part
        self._part_us = self._core.clock.now_us()
        self._replayer.begin_file()
        file = opened(self._core, part.path)
        self._file = file
        try:
            start = file.read(_SIGNATURE_BYTES)
        except OSError as error:
            raise load_error(part.name, error) from None
        if start in _SIGNATURES:
            self._begin_rdb(part)
        else:
            self._reader = AofReader(file, 0, start)

    def _begin_rdb(self, part: _Part) -> None:
        """Load what an RDB file holds; from its beginning, so the file is opened again."""
        scripting = scripting_of(self._engine)
        assert self._file is not None
        self._file.close()
        file = opened(self._core, part.path)
        self._file = file
        rdb = RdbFile(file)
        self._core.host.log("notice", "Reading RDB base file on AOF loading...")
        options = LoadOptions(lambda code: scripting.load_library(code, False), False)
        self._keyspace = KeyspaceLoad(self._core.keyspace, rdb, part.bytes, options)
        try:
            rdb.read_header()
        except (RdbFileError, OSError) as error:
            raise load_error(part.name, error) from None
        self._rdb = rdb

    def _load_keys(self, part: _Part, rdb: RdbFile) -> None:
        keyspace = self._keyspace
        assert keyspace is not None
        assert self._file is not None
        try:
            if keyspace.step():
                return
        except (RdbFileError, OSError) as error:
            raise load_error(part.name, error) from None
        for line in summary_of(keyspace):
            self._core.host.log("notice", line)
        text = keyspace.fields.get(b"used-mem", b"")
        self._used_memory = int(text) if text.isdigit() else 0
        self._keys += keyspace.keys
        self._keyspace = None
        self._rdb = None
        self._reader = AofReader(self._file, rdb.offset(), rdb.read_ahead())

    def _replay(self, part: _Part) -> None:
        reader = self._reader
        assert reader is not None
        try:
            for _ in range(_PIECE):
                offset = reader.offset
                argv = reader.next()
                if argv is None:
                    if self._replayer.is_in_transaction():
                        raise AofTruncated
                    self._end(part)
                    return
                self._replayer.run(argv, offset)
        except ReplayError as refused:
            raise LoadError(f"{refused} reading the append only file {part.name}") from None
        except AofFormatError:
            raise LoadError(f"Bad file format reading the append only file {part.name}: {_MEND}") from None
        except AofTruncated:
            self._end_truncated(part, reader)
        except OSError as error:
            raise LoadError(f"Unrecoverable error reading the append only file {part.name}: {error.strerror}") from None

    # The end of a part.

    def _end(self, part: _Part) -> None:
        assert self._file is not None
        self._file.close()
        self._file = None
        self._reader = None
        self._part = None
        self._ended_bytes += part.bytes
        if part.bytes > 0:
            seconds = (self._core.clock.now_us() - self._part_us) / 1_000_000
            self._core.host.log("notice", f"DB loaded from {part.kind} file {part.name}: {seconds:.3f} seconds")

    def _end_truncated(self, part: _Part, reader: AofReader) -> None:
        """The file ends in the middle of something: cut that off, if that may be."""
        log = self._core.host.log
        if not part.is_last:
            raise LoadError(f"The AOF file {part.name} ends in the middle of a command, and is not the last file")
        whole = self._replayer.transaction_offset if self._replayer.is_in_transaction() else reader.offset
        if self._replayer.is_in_transaction():
            log("warning", f"Revert incomplete MULTI/EXEC transaction from AOF file {part.name}")
        if not self._core.settings.flag("aof-load-truncated"):
            raise LoadError(
                f"Unexpected end of file reading the append only file {part.name}. You can: 1) Make a backup of your "
                "AOF file, then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the "
                "'aof-load-truncated' configuration option to yes and restart the server."
            )
        log("warning", f"!!! Warning: short read while loading the AOF file {part.name}!!!")
        log("warning", f"AOF {part.name} loaded anyway because aof-load-truncated is enabled")
        log("warning", f"Truncating the AOF {part.name} at offset {whole}")
        self._cut_off(part, whole)
        self._replayer.forget_transaction()
        self.size -= part.bytes - whole
        part.bytes = whole
        self._end(part)

    def _cut_off(self, part: _Part, size: int) -> None:
        try:
            file = self._core.host.files().append(part.path)
            file.truncate(size)
            file.sync()
            file.close()
        except OSError as error:
            raise LoadError(f"Error truncating the AOF file {part.name}: {error.strerror}") from None


def _parts_of(parts: AofParts) -> list[_Part]:
    """The parts in their order."""
    files = parts.manifest.files()
    return [
        _Part(file.name, parts.path(file.name), "base" if file.kind == BASE else "incr", file is files[-1])
        for file in files
    ]


def _size_of(engine: Engine, part: _Part) -> int:
    try:
        return engine.core.host.files().size(part.path)
    except OSError as error:
        raise load_error(part.path, error) from None
