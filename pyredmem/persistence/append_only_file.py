"""The append-only file: every write as a command, so that the dataset can be made again (Redis 7.2 aof.c).

::

    a write -> Recorder -> AppendOnlyFile.unit -> LogFile -> the last incremental file

It has parts (`aof_parts`): a base, which holds the dataset of one moment, and incremental files with the commands since
then. A rewrite (`rewrites`) makes a new base. The commands that follow go to a new incremental file from its beginning
on, and the manifest names old and new files together until the new base is complete.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EIO
from typing import Final

from mypy_extensions import i64

from pyredmem.base.files import WritableFile
from pyredmem.engine import figures
from pyredmem.engine.command_stream import StreamListener
from pyredmem.engine.engine import Engine
from pyredmem.keyspace.recorder import RecordedCommand
from pyredmem.persistence.aof_parts import AofParts
from pyredmem.persistence.background import Background
from pyredmem.persistence.command_saver import CommandSave
from pyredmem.persistence.dataset_file import DatasetFile, remove_quietly, save_all
from pyredmem.persistence.log_file import LogFile
from pyredmem.persistence.rdb_saver import RdbSave

OFF: Final = 0
WAITING: Final = 1  # for the first base: nothing that is written so far can be loaded
ON: Final = 2

#: An error of the disk is tried again that often (microseconds).
_RETRY_US: Final = 1_000_000


class AppendOnlyFile(StreamListener):
    """Records the writes of one engine in its append-only file."""

    def __init__(self, engine: Engine, library_codes: Callable[[], list[bytes]], background: Background) -> None:
        super().__init__()
        self._engine = engine
        self._core = engine.core
        self._library_codes = library_codes
        self.parts = AofParts(engine.core)
        self.log = LogFile(engine.core, engine.slow_commands.monitor, background)
        self._memory_limit = engine.memory_limit
        self._changes = engine.keyspace.changes
        self._outgoing = engine.core.outgoing
        self.state: i64 = OFF
        self._is_recording = False
        self._writes_times = False
        self._annotated_s: i64 = 0  # the time of the last annotation
        self._before_bytes: i64 = 0  # the size of the parts before the one that is appended to
        self.base_bytes: i64 = 0  # the size after the last rewrite, or of what was loaded
        self._retried_us: i64 = 0
        engine.core.settings.follow(("aof-timestamp-enabled",), self._settings_changed)
        engine.core.figures.provide(figures.AOF_BUFFER, lambda: int(self.log.buffer.allocated))
        engine.core.owners.register("append-only file", self.log.buffer.addresses)

    def _settings_changed(self) -> None:
        self._writes_times = self._core.settings.flag("aof-timestamp-enabled")

    def size(self) -> i64:
        """How many bytes all parts have (aof_current_size)."""
        return self._before_bytes + self.log.size

    # Recording.

    def unit(self, commands: list[RecordedCommand], together: bool) -> None:
        if self._writes_times:
            self._annotate()
        super().unit(commands, together)
        self._unit_added()

    def command(self, database: i64, argv: list[bytes]) -> None:
        if self._writes_times:
            self._annotate()
        super().command(database, argv)
        self._unit_added()

    def _unit_added(self) -> None:
        recorder = self._changes.recorder
        assert recorder is not None
        self.log.units = recorder.units
        self._memory_limit.not_counted_bytes = self.log.buffer.allocated
        if not self._outgoing.is_held_back:
            self._outgoing.hold_back(self.flush)

    def add(self, argv: list[bytes]) -> None:
        self.log.buffer.add(argv)

    def _annotate(self) -> None:
        """Note the time, once a second; a clock that was set back is noted when it has caught up."""
        now_s = self._core.keyspace.now_us // 1_000_000
        if now_s > self._annotated_s:
            self._annotated_s = now_s
            self.log.buffer.annotate(b"#TS:%d\r\n" % int(now_s))

    def flush(self) -> None:
        """Write what was recorded, and let clients know that wait for it to be on the disk."""
        self.log.flush()
        self._memory_limit.not_counted_bytes = self.log.buffer.allocated
        self._engine.blocking.look_at_waiting()

    def tick(self) -> None:
        """Do what is due: what was put off, the next sync of this second, another try after an error."""
        if self.state == OFF:
            return
        now_us = self._core.clock.now_us()
        if self.log.has_failed():
            if now_us - self._retried_us < _RETRY_US:
                return
            self._retried_us = now_us
        self.flush()

    # On and off.

    def start(self) -> None:
        """Begin to record, when the parts have been loaded. Raises OSError."""
        parts = self.parts
        parts.make_directory()
        manifest = parts.manifest.copy()
        if manifest.is_empty():
            name = manifest.next_base(parts.name(), self.uses_rdb())
            self._core.host.log("notice", f"Creating AOF base file {name} on server start")
            self._write_base(parts.path(name))
        is_new = not manifest.increments
        name = manifest.next_increment(parts.name()) if is_new else manifest.increments[-1].name
        verb = "Creating" if is_new else "Opening"
        self._core.host.log("notice", f"{verb} AOF incr file {name} on server start")
        file = parts.files.append(parts.path(name))
        if manifest.text() != parts.manifest.text():
            parts.write_manifest(manifest)
        sizes = [parts.size(part) for part in manifest.files()]
        self._before_bytes = sum(sizes[:-1])
        self.base_bytes = sizes[0] if manifest.base is not None else 0
        self._record_to(file, sizes[-1], ON)

    def _write_base(self, path: str) -> None:
        """Write the dataset to a base at once; raises OSError."""
        temporary = self.parts.path("temp-base")
        problem = save_all(lambda: self.base_file(temporary, False, path))
        if problem:
            raise OSError(problem)

    def uses_rdb(self) -> bool:
        """Whether a new base is an RDB file."""
        return self._core.settings.flag("aof-use-rdb-preamble")

    def base_file(self, temporary: str, watches: bool, path: str = "") -> DatasetFile:
        """The file of a new base, see `RdbSave`. Raises OSError."""
        libraries = self._library_codes()
        if self.uses_rdb():
            return RdbSave(self._core, libraries, temporary, path, watches, is_base=True)
        return CommandSave(self._core, libraries, temporary, path, watches)

    def _record_to(self, file: WritableFile, size: i64, state: i64) -> None:
        """Record to this file from now on."""
        self.log.open(file, size)
        self.begin_stream()
        self._annotated_s = 0
        if not self._is_recording:
            self._is_recording = True
            self._engine.record(self)
        self.state = state

    def stop(self) -> None:
        """Record no more. What was recorded is on the disk."""
        if self.state == OFF:
            return
        is_complete = self.state == ON
        self.state = OFF
        if self._is_recording:
            self._is_recording = False
            self._engine.stop_recording(self)
        if is_complete:
            self.log.finish()
        self.log.discard()
        self._memory_limit.not_counted_bytes = 0
        if not is_complete:
            remove_quietly(self.parts.files, self._temporary_increment())
        self._engine.blocking.look_at_waiting()

    # Rewrites.

    def _temporary_increment(self) -> str:
        return self.parts.path(f"temp-{self.parts.name()}.incr")

    def begin_waiting(self) -> None:
        """Record, as soon as a rewrite begins, to a temporary file: nothing can be loaded before there is a base."""
        self.state = WAITING

    def begin_increment(self) -> None:
        """A rewrite begins: what follows goes to a new file. Raises OSError, and then nothing has changed."""
        parts = self.parts
        if self.state == OFF:
            return
        if self.state == WAITING:
            file = parts.files.create(self._temporary_increment())
            self.log.discard()
            self._before_bytes = 0
        else:
            self.log.flush(forced=True)
            if self.log.buffer.size() > 0:
                raise OSError(EIO, "The last incremental file cannot be written")
            manifest = parts.manifest.copy()
            name = manifest.next_increment(parts.name())
            file = parts.files.create(parts.path(name))
            parts.write_manifest(manifest)
            self._before_bytes = self.size()
            self.log.retire()
        self._record_to(file, 0, self.state)

    def adopt_base(self, temporary: str, is_rdb: bool) -> None:
        """Make a rewritten file the base, in place of what it holds. Raises OSError."""
        parts = self.parts
        manifest = parts.manifest.copy()
        name = manifest.next_base(parts.name(), is_rdb)
        parts.files.rename(temporary, parts.path(name))
        if self.state == WAITING:
            increment = manifest.next_increment(parts.name())
            parts.files.rename(self._temporary_increment(), parts.path(increment))
        manifest.retire_increments(keeps_last=self.state != OFF)
        parts.write_manifest(manifest)
        if self.state == WAITING:
            self.state = ON
        base = manifest.base
        assert base is not None
        self._before_bytes = parts.size(base)
        self.base_bytes = self._before_bytes
        parts.delete_history()
