"""Loads an RDB file into the databases: at the start of the server, or again while it runs (DEBUG RELOAD)."""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.base.errors import CommandError
from pyredmem.base.files import ReadableFile
from pyredmem.engine.core import Core
from pyredmem.keyspace.rdb_load import KeyspaceLoad, LoadOptions, refuse_existing
from pyredmem.objects.rdb_file import END, KEY, RdbFile, RdbFileError
from pyredmem.scripting.scripting import Scripting


class LoadError(Exception):
    """A file that cannot be loaded, or not to its end."""


class RdbLoad:
    """Loads one file, from its header to its end. All methods raise LoadError."""

    def __init__(self, core: Core, scripting: Scripting, path: str, replaces: bool) -> None:
        self._core = core
        self._scripting = scripting
        self._replaces = replaces
        self._path = path
        self._file: ReadableFile = _opened(core, path)
        self.began_us: i64 = core.clock.now_us()
        self.size = self._file.size()
        self._rdb = RdbFile(self._file)
        options = LoadOptions(self._load_library, replaces)
        self._keyspace = KeyspaceLoad(core.keyspace, self._rdb, self.size, options)
        try:
            self._rdb.read_header()
        except (RdbFileError, OSError) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> LoadError:
        self._file.close()
        return _load_error(self._path, error)

    def _load_library(self, code: bytes) -> None:
        try:
            self._scripting.load_library(code, self._replaces)
        except CommandError as error:
            message = error.message.decode("latin-1")
            raise RdbFileError(f"Failed loading library: {message}", self._rdb.offset()) from None

    def step(self) -> bool:
        """Load some records; returns whether any are left."""
        try:
            if self._keyspace.step():
                return True
        except (RdbFileError, OSError) as error:
            raise self._failure(error) from None
        self._file.close()
        return False

    def loaded_bytes(self) -> int:
        """How many bytes were read so far."""
        return self._rdb.offset()

    @property
    def keys(self) -> i64:
        """How many keys were loaded."""
        return self._keyspace.keys

    @property
    def expired(self) -> i64:
        """How many keys were left out, because they had expired."""
        return self._keyspace.expired

    def used_memory_of_writer(self) -> int:
        """The memory that the server used which has saved the file; 0 if the file does not say."""
        text = self._keyspace.fields.get(b"used-mem", b"")
        return int(text) if text.isdigit() else 0

    def summary(self) -> list[str]:
        """What the log says at the end."""
        load = self._keyspace
        lines = [
            f"Done loading RDB, keys loaded: {load.keys}, keys expired: {load.expired}, "
            f"empty keys skipped: {load.empty}."
        ]
        if load.modules > 0:
            lines.append(f"Left out {load.modules} keys with values of modules, which this server does not have.")
        duration_us = self._core.clock.now_us() - self.began_us
        lines.append(f"DB loaded from disk: {duration_us / 1_000_000:.3f} seconds")
        return lines


def _opened(core: Core, path: str) -> ReadableFile:
    try:
        return core.host.files().open(path)
    except OSError as error:
        raise LoadError(f"{path}: {error.strerror}") from None


def check_file(core: Core, path: str, allows_existing: bool) -> None:
    """Read a file from its header to its end, and load nothing. Raises LoadError if it could not be loaded.

    Unless ``allows_existing``, it is an error if a database has one of its keys.
    """
    file = _opened(core, path)
    rdb = RdbFile(file)
    try:
        rdb.read_header()
        record = rdb.next()
        while record != END:
            if record == KEY and not allows_existing:
                refuse_existing(core.keyspace, rdb)
            record = rdb.next()
    except (RdbFileError, OSError) as error:
        raise _load_error(path, error) from None
    finally:
        file.close()


def _load_error(path: str, error: Exception) -> LoadError:
    where = f" at offset {error.offset}" if isinstance(error, RdbFileError) else ""
    return LoadError(f"{path}{where}: {error}")
