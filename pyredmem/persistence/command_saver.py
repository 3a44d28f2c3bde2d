"""Saves the dataset as commands: the base of an append-only file without ``aof-use-rdb-preamble``."""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from pyredmem.base.files import WritableFile
from pyredmem.engine.core import Core
from pyredmem.keyspace.dataset_save import KeyspaceSave
from pyredmem.objects.dataset_writer import DatasetWriter
from pyredmem.objects.object import RedisObject
from pyredmem.objects.pieces import Pieces
from pyredmem.persistence.dataset_file import DatasetFile
from pyredmem.persistence.value_commands import commands
from pyredmem.protocol.request_writer import write_request

#: How many bytes are collected before they are written to the file.
_PIECE: Final = 1 << 16


class CommandWriter(DatasetWriter):
    """Collects commands. Idle times and LFU counters are left out, as Redis does."""

    def __init__(self) -> None:
        self._out = BytesWriter()
        self._expires_ms = -1

    def database(self, index: int, keys: int, expiring: int) -> None:
        self.command([b"SELECT", b"%d" % index])

    def expires(self, unix_ms: int) -> None:
        self._expires_ms = unix_ms

    def idle(self, seconds: int) -> None:
        pass

    def frequency(self, counter: int) -> None:
        pass

    def text(self, key: bytes, data: bytes) -> None:
        self.command([b"SET", key, data])
        self._end_key(key)

    def value(self, key: bytes, value: RedisObject) -> None:
        for command in commands(value, key):
            self.command(command)
        self._end_key(key)

    def _end_key(self, key: bytes) -> None:
        if self._expires_ms >= 0:
            self.command([b"PEXPIREAT", key, b"%d" % self._expires_ms])
            self._expires_ms = -1

    def command(self, argv: list[bytes]) -> None:
        """Write a command."""
        write_request(self._out, argv)
        self._written()

    def _written(self) -> None:
        """Give away what was collected, if it is for somebody."""

    def size(self) -> i64:
        return len(self._out)

    # While commands change what is to be written: values are not written by pieces.

    def pieces(self, value: RedisObject, least: i64) -> Pieces | None:
        return None

    def begin(self, key: bytes, pieces: Pieces) -> None:
        raise NotImplementedError

    def step(self, pieces: Pieces) -> bool:
        raise NotImplementedError

    def aside(self) -> DatasetWriter:
        return CommandWriter()

    def join(self, aside: DatasetWriter) -> None:
        assert isinstance(aside, CommandWriter)
        self._out.write(aside._out.getvalue())
        aside._out = BytesWriter()
        self._written()


class CommandFileWriter(CommandWriter):
    """Writes commands to a file; raises its OSError."""

    def __init__(self, file: WritableFile) -> None:
        super().__init__()
        self._file: WritableFile = file
        self._passed_on: i64 = 0

    def _written(self) -> None:
        if len(self._out) >= _PIECE:
            self.pass_on()

    def pass_on(self) -> None:
        """Write what was collected."""
        data = self._out.getvalue()
        self._out = BytesWriter()
        self._passed_on += len(data)
        self._file.write(data)

    def size(self) -> i64:
        return self._passed_on + len(self._out)


class CommandSave(DatasetFile):
    """One save; see `RdbSave`."""

    def __init__(self, core: Core, libraries: list[bytes], temporary: str, path: str, watches: bool) -> None:
        self._core = core
        self._libraries = libraries
        in_steps = core.settings.flag("aof-rewrite-incremental-fsync")
        super().__init__(core.host.files(), temporary, path, in_steps, watches)

    def _begin(self) -> KeyspaceSave:
        self._writer = CommandFileWriter(self._file)
        for code in self._libraries:
            self._writer.command([b"FUNCTION", b"LOAD", code])
        return KeyspaceSave(self._core.keyspace, self._writer, False, self._watches)

    def _write_end(self) -> None:
        self._writer.pass_on()
