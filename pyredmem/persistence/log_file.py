"""The end of an append-only file: what was recorded is collected, written, and forced to the disk (Redis 7.2 aof.c).

What was collected is written before any reply leaves, so what a client knows of survives the end of the process, unless
writing waits for the disk (see below). When it is forced to the disk, and so survives the end of the machine, is up to
``appendfsync``:

=========  ============================================================================================
always     before any reply leaves; one call is enough for all clients of a turn of the event loop
everysec   about each second, aside. While that takes long, writing waits too, for up to two seconds
no         when the system likes
=========  ============================================================================================

After an error of the disk, clients may not write until the disk works again. With ``always`` the server ends: otherwise
a client would believe that its write is safe.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.files import WritableFile
from pyredmem.config.quoting import encode
from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_CANNOT_APPEND
from pyredmem.engine.latency import LatencyMonitor
from pyredmem.persistence.background import Background
from pyredmem.persistence.log_buffer import LogBuffer

_NO: Final = 0
_EVERY_SECOND: Final = 1
_ALWAYS: Final = 2
_POLICIES: Final = {"no": _NO, "everysec": _EVERY_SECOND, "always": _ALWAYS}

#: How often ``everysec`` forces the file to the disk, and how long it puts off writing meanwhile (microseconds).
_SYNC_US: Final = 1_000_000
_MOST_POSTPONED_US: Final = 2_000_000


class _Retired:
    """A file that is written to no more, but not on the disk yet."""

    def __init__(self, file: WritableFile, units: i64) -> None:
        self.file: WritableFile = file
        self.units: i64 = units


class LogFile:
    """The file that is appended to. It counts units, which `keyspace/recorder.py` explains."""

    def __init__(self, core: Core, monitor: LatencyMonitor, background: Background) -> None:
        self._core = core
        self._monitor = monitor
        self._background = background
        self._policy: i64 = _EVERY_SECOND
        self._rests_on_rewrite = False
        self.buffer = LogBuffer(core.allocator)
        self._file: WritableFile | None = None
        self._is_torn = False  # the file may have a piece of what could not be written
        self.size: i64 = 0  # of the file (bytes), without such a piece
        self.units: i64 = 0  # that were collected
        self._written_units: i64 = 0
        self.synced_units: i64 = 0
        self._syncing: _Retired | None = None  # the file that is being forced to the disk, up to these units
        self._retired: list[_Retired] = []
        self._last_sync_us: i64 = 0
        self._postponed_us: i64 = 0  # when writing was put off first
        self.postponed: i64 = 0  # how often writing waited too long for the disk (aof_delayed_fsync)
        self._write_error: bytes = b""
        self._sync_error: bytes = b""
        core.settings.follow(("appendfsync", "no-appendfsync-on-rewrite"), self._settings_changed)

    def _settings_changed(self) -> None:
        self._policy = _POLICIES[self._core.settings.text("appendfsync")]
        self._rests_on_rewrite = self._core.settings.flag("no-appendfsync-on-rewrite")

    def has_failed(self) -> bool:
        """Whether the disk has refused something, and has not taken it since."""
        return len(self._write_error) > 0 or len(self._sync_error) > 0

    def is_syncing(self) -> bool:
        """Whether the file is being forced to the disk aside. A retired one does not count: nothing waits for it."""
        return self._syncing is not None and self._syncing.file is self._file

    # The file.

    def open(self, file: WritableFile, size: i64) -> None:
        """Append to this file, which has ``size`` bytes."""
        self._file = file
        self.size = size
        self._is_torn = False
        self._last_sync_us = self._core.clock.now_us()

    def retire(self) -> None:
        """Append to this file no more: write what was collected, and have it forced to the disk aside."""
        self.flush(forced=True)
        if self._file is not None:
            self._retired.append(_Retired(self._file, self._written_units))
            self._file = None
            self._go_on_syncing()

    def finish(self) -> None:
        """Have all that was collected on the disk, and wait for that. If there is an error, the log tells."""
        self.flush(forced=True)
        if self._file is not None:
            try:
                self._file.sync()
            except OSError as error:
                self._log(f"Fail to fsync the AOF file: {error.strerror}")

    def discard(self) -> None:
        """End the file, and forget what was collected."""
        if self._file is not None:
            self._file.close()
        self._file = None
        self.buffer.clear()
        self.buffer.free()
        self._postponed_us = 0
        self._set_errors(b"", b"")

    def _log(self, message: str) -> None:
        self._core.host.log("warning", message)

    # Writing.

    def flush(self, forced: bool = False) -> None:
        """Write what was collected, and force it to the disk if it is time for that.

        Unless it is ``forced``, writing may be put off for a while.
        """
        file = self._file
        if file is None:
            return
        self._go_on_syncing()
        if self.buffer.size() > 0:
            if self._policy == _EVERY_SECOND and self.is_syncing() and not forced and self._puts_off():
                return
            if not self._write(file):
                return
        if self._written_units > self.synced_units:
            self._sync(file)

    def _puts_off(self) -> bool:
        """Whether to wait for the disk before more is written, since writing would wait for it as well."""
        now_us = self._core.clock.now_us()
        if self._postponed_us == 0:
            self._postponed_us = now_us
        if now_us - self._postponed_us < _MOST_POSTPONED_US:
            return True
        self.postponed += 1
        self._core.host.log(
            "notice",
            "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for "
            "fsync to complete, this may slow down the server.",
        )
        return False

    def is_postponed(self) -> bool:
        """Whether writing was put off."""
        return self._postponed_us != 0

    def _write(self, file: WritableFile) -> bool:
        """Write what was collected; returns whether that succeeded."""
        data = self.buffer.content()
        start_us = self._core.clock.now_us()
        if self._core.switches.aof_flush_sleep_us > 0:
            self._core.host.sleep(self._core.switches.aof_flush_sleep_us / 1_000_000)
        try:
            if self._is_torn:
                file.truncate(self.size)
                self._is_torn = False
            file.write(data)
        except OSError as error:
            self._write_failed(file, error)
            return False
        self._note_write(start_us)
        self.size += len(data)
        self.buffer.clear()
        self._written_units = self.units
        self._postponed_us = 0
        if self._write_error:
            self._log("AOF write error looks solved. The server can write again.")
            self._set_errors(b"", self._sync_error)
        return True

    def _note_write(self, start_us: i64) -> None:
        """Let the latency monitor know how long a write has taken."""
        if self._monitor.threshold_ms == 0:
            return
        if self.is_syncing():
            name = b"aof-write-pending-fsync"
        else:
            name = b"aof-write-active-child" if self._background.running is not None else b"aof-write-alone"
        self._observe(name, start_us)
        self._observe(b"aof-write", start_us)

    def _observe(self, name: bytes, start_us: i64) -> None:
        duration_us = self._core.clock.now_us() - start_us
        self._monitor.observe(name, duration_us // 1000, start_us // 1_000_000)

    def _write_failed(self, file: WritableFile, error: OSError) -> None:
        """Take back what was written of a piece, and keep the piece for the next try."""
        if not self._write_error:
            self._log(f"Error writing to the AOF file: {error.strerror}")
        try:
            file.truncate(self.size)
        except OSError as other:
            self._is_torn = True
            self._log(f"Could not remove short write from the append-only file: {other.strerror}")
        self._set_errors(_reason(error), self._sync_error)
        if self._policy == _ALWAYS:
            self._log("Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...")
            self._core.host.abort()

    def _set_errors(self, write_error: bytes, sync_error: bytes) -> None:
        self._write_error = write_error
        self._sync_error = sync_error
        self._core.gates.append_error = write_error or sync_error
        self._core.gates.set(GATE_CANNOT_APPEND, self.has_failed())

    # Forcing to the disk.

    def _sync(self, file: WritableFile) -> None:
        """Force the file to the disk if it is time for that."""
        if self._policy == _NO or (self._rests_on_rewrite and self._background.running is not None):
            return
        now_us = self._core.clock.now_us()
        if self._policy == _ALWAYS:
            self._sync_now(file, now_us)
        elif self._syncing is None and now_us - self._last_sync_us >= _SYNC_US:
            self._last_sync_us = now_us
            self._begin_sync(_Retired(file, self._written_units))

    def _sync_now(self, file: WritableFile, now_us: i64) -> None:
        try:
            file.sync()
        except OSError as error:
            self._set_errors(self._write_error, _reason(error))
            self._log(
                f"Can't persist AOF for fsync error when the AOF fsync policy is 'always': {error.strerror}. Exiting..."
            )
            self._core.host.abort()
            return
        self._observe(b"aof-fsync-always", now_us)
        self._last_sync_us = now_us
        self._synced(self._written_units)

    def _begin_sync(self, what: _Retired) -> None:
        """Have a file forced to the disk aside."""
        self._syncing = what
        try:
            what.file.sync_aside()
        except OSError as error:
            self._sync_ended(what, error)

    def _go_on_syncing(self) -> None:
        """Notice that a file is on the disk, and go on with the next retired one."""
        while True:
            syncing = self._syncing
            if syncing is not None:
                try:
                    if syncing.file.is_syncing():
                        return
                    self._sync_ended(syncing, None)
                except OSError as error:
                    self._sync_ended(syncing, error)
            if not self._retired:
                return
            self._begin_sync(self._retired.pop(0))

    def _sync_ended(self, what: _Retired, error: OSError | None) -> None:
        self._syncing = None
        if what.file is not self._file:
            what.file.close()
        if error is None:
            self._synced(what.units)
        else:
            self._log(f"Fail to fsync the AOF file: {error.strerror}")
            self._set_errors(self._write_error, _reason(error))

    def _synced(self, units: i64) -> None:
        if units > self.synced_units:
            self.synced_units = units
        if self._sync_error:
            self._set_errors(self._write_error, b"")


def _reason(error: OSError) -> bytes:
    return encode(error.strerror or str(error))
