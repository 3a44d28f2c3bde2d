"""Saves the dataset to an RDB file: to a temporary one, which takes the place of the old one when it is on the disk.

A failed save leaves the old file as it was, and no temporary file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.base.files import Files, WritableFile
from pyredmem.config.settings import Settings
from pyredmem.engine.core import Core
from pyredmem.keyspace.rdb_save import KeyspaceSave, needs_field_times
from pyredmem.keyspace.snapshot import KeyspaceSnapshot
from pyredmem.objects.rdb_file_writer import RdbFileWriter

#: With rdb-save-incremental-fsync the file is forced to disk in steps of this size (bytes; Redis 7.2 config.h).
_SYNC_STEP: Final = 4 << 20
_KEYS_PER_REPORT: Final = 1024


class _SyncedInSteps(WritableFile):
    """A file that is forced to disk while it is written, so that the end does not have to wait for all of it."""

    def __init__(self, file: WritableFile) -> None:
        self._file: WritableFile = file
        self._unsynced: i64 = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._unsynced += len(data)
        if self._unsynced >= _SYNC_STEP:
            self._unsynced = 0
            self._file.sync()

    def sync(self) -> None:
        self._file.sync()

    def close(self) -> None:
        self._file.close()


class RdbSave:
    """One save, from the temporary file on. All methods raise the OSError of the files.

    The dataset is that of ``snapshot``, or as it is if there is none: then no command may run before the end.
    """

    def __init__(
        self, core: Core, libraries: list[bytes], path: str, temporary: str, snapshot: KeyspaceSnapshot | None
    ) -> None:
        self._files: Files = core.host.files()
        self._path = path
        self._temporary = temporary
        settings = core.settings
        file = self._files.create(temporary)
        self._file: WritableFile = _SyncedInSteps(file) if settings.flag("rdb-save-incremental-fsync") else file
        self._writer = RdbFileWriter(
            self._file,
            settings.flag("rdbcompression"),
            settings.flag("rdbchecksum"),
            needs_field_times(core.keyspace),
        )
        self._write_fields(core)
        for code in libraries:
            self._writer.function(code)
        keeps_idle_times = settings.text("maxmemory-policy").endswith("lru")
        self.keyspace = KeyspaceSave(core.keyspace, self._writer, keeps_idle_times, snapshot)

    def _write_fields(self, core: Core) -> None:
        writer = self._writer
        writer.field(b"redis-ver", core.settings.text("redis-version").encode())
        writer.field(b"redis-bits", b"64")
        writer.field(b"ctime", b"%d" % (core.keyspace.now_us // 1_000_000))
        writer.field(b"used-mem", b"%d" % core.allocator.used_memory)
        writer.field(b"aof-base", b"0")

    def finish(self) -> None:
        """All keys are written: let the file take the place of the old one."""
        self._writer.finish()
        self._file.sync()
        self._file.close()
        self._files.rename(self._temporary, self._path)
        self._files.sync_directory(".")

    def abandon(self) -> None:
        """Leave no temporary file."""
        with contextlib.suppress(OSError):
            self._file.close()
        remove_quietly(self._files, self._temporary)


def remove_quietly(files: Files, path: str) -> None:
    """Delete a file, if it is there."""
    with contextlib.suppress(OSError):
        files.remove(path)


def save_all(core: Core, libraries: list[bytes], path: str, report: Callable[[int], None] | None = None) -> str:
    """Save the whole dataset at once; returns what went wrong, empty if nothing did.

    ``report`` is called with the number of keys now and then.
    """
    temporary = temporary_name(core.host.process_id())
    save: RdbSave | None = None
    try:
        save = RdbSave(core, libraries, path, temporary, None)
        while save.keyspace.step(_KEYS_PER_REPORT):
            if report is not None:
                report(int(save.keyspace.keys))
        save.finish()
    except OSError as error:
        if save is None:
            return f"Failed opening the temp RDB file {temporary} for saving: {error.strerror}"
        save.abandon()
        return f"Write error saving DB on disk: {error.strerror}"
    return ""


def temporary_name(process_id: int, in_slices: bool = False) -> str:
    """The name of the temporary file that a process saves to; a save in slices has one of its own."""
    return f"temp-{process_id}-slices.rdb" if in_slices else f"temp-{process_id}.rdb"


def rdb_path(settings: Settings) -> str:
    """The file that is saved to and loaded from."""
    return settings.text("dbfilename")
