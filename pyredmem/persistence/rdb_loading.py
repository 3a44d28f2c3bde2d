"""Loads an RDB file into the databases: at the start of the server, or again while it runs (DEBUG RELOAD)."""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.base.files import ReadableFile
from pyredmem.engine.core import Core
from pyredmem.keyspace.rdb_load import KeyspaceLoad, LoadOptions, refuse_existing
from pyredmem.objects.rdb_file import END, KEY, RdbFile, RdbFileError
from pyredmem.persistence.loading import Load, load_error, opened
from pyredmem.scripting.scripting import Scripting


class RdbLoad(Load):
    """Loads one file, from its header to its end."""

    def __init__(self, core: Core, scripting: Scripting, path: str, replaces: bool) -> None:
        super().__init__(core)
        self._path = path
        self._file: ReadableFile = opened(core, path)
        self.size = self._file.size()
        self._rdb = RdbFile(self._file)
        options = LoadOptions(lambda code: scripting.load_library(code, replaces), replaces)
        self._keyspace = KeyspaceLoad(core.keyspace, self._rdb, self.size, options)
        self._has_header = False

    def step(self) -> bool:
        try:
            if not self._has_header:
                self._rdb.read_header()
                self._has_header = True
            if self._keyspace.step():
                return True
        except (RdbFileError, OSError) as error:
            raise load_error(self._path, error) from None
        self._file.close()
        return False

    def abandon(self) -> None:
        self._file.close()

    def loaded_bytes(self) -> i64:
        return self._rdb.offset()

    def keys(self) -> i64:
        return self._keyspace.keys

    def expired(self) -> i64:
        return self._keyspace.expired

    def used_memory_of_writer(self) -> int:
        text = self._keyspace.fields.get(b"used-mem", b"")
        return int(text) if text.isdigit() else 0

    def summary(self) -> list[str]:
        return [*summary_of(self._keyspace), f"DB loaded from disk: {self.seconds():.3f} seconds"]


def summary_of(load: KeyspaceLoad) -> list[str]:
    """What the log says of the keys that were loaded, and left out."""
    lines = [
        f"Done loading RDB, keys loaded: {load.keys}, keys expired: {load.expired}, empty keys skipped: {load.empty}."
    ]
    if load.modules > 0:
        lines.append(f"Left out {load.modules} keys with values of modules, which this server does not have.")
    return lines


def check_file(core: Core, path: str, allows_existing: bool) -> None:
    """Read a file from its header to its end, and load nothing. Raises LoadError if it could not be loaded.

    Unless ``allows_existing``, it is an error if a database has one of its keys.
    """
    file = opened(core, path)
    rdb = RdbFile(file)
    try:
        rdb.read_header()
        record = rdb.next()
        while record != END:
            if record == KEY and not allows_existing:
                refuse_existing(core.keyspace, rdb)
            record = rdb.next()
    except (RdbFileError, OSError) as error:
        raise load_error(path, error) from None
    finally:
        file.close()
