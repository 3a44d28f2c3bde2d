"""Saves the dataset to an RDB file."""

from __future__ import annotations

from pyredmem.config.settings import Settings
from pyredmem.engine.core import Core
from pyredmem.keyspace.dataset_save import KeyspaceSave, needs_field_times
from pyredmem.objects.rdb_file_writer import RdbFileWriter
from pyredmem.persistence.dataset_file import DatasetFile


class RdbSave(DatasetFile):
    """One save. ``watches`` says that commands may run meanwhile, which change nothing of what is saved.

    ``is_base`` says that the file is the base of an append-only file.
    """

    def __init__(
        self,
        core: Core,
        libraries: list[bytes],
        temporary: str,
        path: str,
        watches: bool,
        is_base: bool = False,
    ) -> None:
        self._core = core
        self._libraries = libraries
        self._is_base = is_base
        in_steps = "aof-rewrite-incremental-fsync" if is_base else "rdb-save-incremental-fsync"
        super().__init__(core.host.files(), temporary, path, core.settings.flag(in_steps), watches)

    def _begin(self) -> KeyspaceSave:
        core = self._core
        settings = core.settings
        compresses, sums = settings.flag("rdbcompression"), settings.flag("rdbchecksum")
        version = core.profile.rdb_version
        self._writer = RdbFileWriter(self._file, compresses, sums, needs_field_times(core.keyspace), version)
        self._write_fields()
        for code in self._libraries:
            self._writer.function(code)
        keeps_idle_times = settings.text("maxmemory-policy").endswith("lru")
        return KeyspaceSave(core.keyspace, self._writer, keeps_idle_times, self._watches)

    def _write_fields(self) -> None:
        core, writer = self._core, self._writer
        writer.field(b"redis-ver", core.profile.version.encode())
        writer.field(b"redis-bits", b"64")
        writer.field(b"ctime", b"%d" % (core.keyspace.now_us // 1_000_000))
        writer.field(b"used-mem", b"%d" % core.allocator.used_memory)
        writer.field(b"aof-base", b"1" if self._is_base else b"0")

    def _write_end(self) -> None:
        self._writer.finish()


def rdb_path(settings: Settings) -> str:
    """The file that is saved to and loaded from."""
    return settings.text("dbfilename")
