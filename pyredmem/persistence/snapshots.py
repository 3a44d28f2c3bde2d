"""When RDB files are saved: on request, at the save points, and at the end of the server (Redis 7.2 rdb.c, server.c).

A save in the background sees one moment of the dataset while commands go on. A server that has its process for itself
forks: the child has a copy of the memory, which the system copies only where it changes, and it uses another processor.
Where a fork is not possible, among the threads of a program or on Windows, the dataset is saved in slices: a snapshot
(:mod:`pyredmem.keyspace.snapshot`) keeps each value that a command is about to change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_CANNOT_SAVE
from pyredmem.engine.host import RUNNING, Child, Progress
from pyredmem.engine.latency import LatencyMonitor
from pyredmem.engine.tasks import DONE
from pyredmem.keyspace.snapshot import KeyspaceSnapshot
from pyredmem.persistence.rdb_saver import RdbSave, rdb_path, remove_quietly, save_all, temporary_name

#: A save point waits this long after a save that has failed (seconds; Redis 7.2 server.h).
_RETRY_S: Final = 5
#: How long a slice of a save lasts, and the pause after it (microseconds).
_SLICE_US: Final = 1000
_PAUSE_US: Final = 1000
_KEYS_PER_LOOK: Final = 16


class BackgroundSave:
    """A save that goes on while commands run."""

    def __init__(self, now_s: i64, changes: i64, keys: i64) -> None:
        self.began_s: i64 = now_s
        self.changes: i64 = changes  # of the dataset since the save before, when this one began
        self.keys_total: i64 = keys
        self.child: Child | None = None
        self.save: RdbSave | None = None
        self.snapshot: KeyspaceSnapshot | None = None

    def progress(self) -> Progress:
        """How many keys were saved so far, and the memory that this takes."""
        if self.child is not None:
            return self.child.progress()
        return Progress(int(self.save.keyspace.keys)) if self.save is not None else Progress()


class Snapshots:
    """Saves the dataset of one engine, and knows how the last saves went."""

    def __init__(self, core: Core, library_codes: Callable[[], list[bytes]], monitor: LatencyMonitor) -> None:
        self._core = core
        self._monitor = monitor
        self._library_codes = library_codes
        self._points: list[tuple[int, int]] = []  # seconds, changes
        self._slices = core.tasks.create(self._slice)
        self._attempted_s: i64 = 0  # when the last save in the background began
        self.last_s: i64 = core.started_us // 1_000_000  # when the dataset was last saved, or the server started
        self.has_failed = False  # whether the last save did
        self.is_scheduled = False  # a save in the background begins as soon as it can
        self.running: BackgroundSave | None = None
        self.saves: i64 = 0  # that succeeded
        self.last_duration_s: i64 = -1  # of a save in the background
        self.last_copied_bytes: i64 = 0  # by the system, for the child of the last one
        core.settings.follow(("save", "stop-writes-on-bgsave-error"), self._settings_changed)
        core.cron.every(0, self._tick)

    def _settings_changed(self) -> None:
        words = [int(word) for word in self._core.settings.text("save").split()]
        self._points = list(zip(words[::2], words[1::2], strict=True))
        self._set_gate()

    def _set_gate(self) -> None:
        """Refuse writes after a failed save, if that is wanted."""
        refuses = self.has_failed and self.has_points() and self._core.settings.flag("stop-writes-on-bgsave-error")
        self._core.gates.set(GATE_CANNOT_SAVE, refuses)

    def _set_failed(self, has_failed: bool) -> None:
        self.has_failed = has_failed
        self._set_gate()

    def has_points(self) -> bool:
        """Whether there are any save points."""
        return len(self._points) > 0

    def _now_s(self) -> i64:
        return self._core.keyspace.now_us // 1_000_000

    def _log(self, level: str, message: str) -> None:
        self._core.host.log(level, message)

    # At once.

    def save(self) -> bool:
        """Save the dataset now; returns whether that succeeded. The log tells why it did not."""
        problem = save_all(self._core, self._library_codes(), rdb_path(self._core.settings))
        if problem:
            self._log("warning", problem)
            return False
        self._log("notice", "DB saved on disk")
        changes = self._core.keyspace.changes
        self._saved(changes.since_save())
        return True

    def _saved(self, changes: i64) -> None:
        self._core.keyspace.changes.mark_saved(changes)
        self.last_s = self._now_s()
        self.saves += 1
        self._set_failed(False)

    def dataset_flushed(self) -> None:
        """FLUSHALL has emptied all databases: whoever wants RDB files wants an empty one now."""
        self.kill()
        if self.has_points():
            self.save()

    # In the background.

    def begin(self) -> bool:
        """Begin a save in the background; returns whether that succeeded. None may be running."""
        core = self._core
        keyspace = core.keyspace
        self._attempted_s = self._now_s()
        self.is_scheduled = False
        running = BackgroundSave(self._now_s(), keyspace.changes.since_save(), keyspace.size())
        try:
            running.child = self._fork()
            if running.child is None:
                self._begin_slices(running)
        except OSError as error:
            self._set_failed(True)
            self._log("warning", f"Can't save in background: {error.strerror}")
            return False
        self.running = running
        if running.child is not None:
            self._log("notice", f"Background saving started by pid {running.child.process_id()}")
        else:
            self._log("notice", "Background saving started")
            self._slices.wake()
        return True

    def _fork(self) -> Child | None:
        core = self._core
        start_us = core.clock.now_us()
        child = core.host.fork(self._save_in_child)
        if child is not None:
            duration_us = core.clock.now_us() - start_us
            core.stats.note_fork(duration_us, core.allocator.used_memory)
            self._monitor.observe(b"fork", duration_us // 1000, self._now_s())
        return child

    def _save_in_child(self, report: Callable[[int], None]) -> bool:
        """Save the dataset, in the copy of the process."""
        problem = save_all(self._core, self._library_codes(), rdb_path(self._core.settings), report)
        self._log("warning" if problem else "notice", problem or "DB saved on disk")
        return not problem

    def _begin_slices(self, running: BackgroundSave) -> None:
        core = self._core
        running.snapshot = KeyspaceSnapshot(core.keyspace)
        try:
            running.save = RdbSave(
                core,
                self._library_codes(),
                rdb_path(core.settings),
                temporary_name(core.host.process_id(), in_slices=True),
                running.snapshot,
            )
        except OSError:
            running.snapshot.drop()
            raise

    def _slice(self) -> int:
        running = self.running
        if running is None or running.save is None:
            return DONE
        clock = self._core.clock
        end_us = clock.now_us() + _SLICE_US
        try:
            while running.save.keyspace.step(_KEYS_PER_LOOK):
                if clock.now_us() >= end_us:
                    return _PAUSE_US
            running.save.finish()
        except OSError as error:
            self._log("warning", f"Write error saving DB on disk: {error.strerror}")
            self._ended(False, "Background saving error")
            return DONE
        self._log("notice", "DB saved on disk")
        self._ended(True, "Background saving terminated with success")
        return DONE

    def kill(self) -> None:
        """End a save in the background before it is complete."""
        running = self.running
        if running is None:
            return
        if running.child is not None:
            running.child.kill()
        self._forget(running)

    def _forget(self, running: BackgroundSave) -> None:
        """Free what a save in the background has, which has ended in any way."""
        self.running = None
        if running.child is not None:
            remove_quietly(self._core.host.files(), temporary_name(running.child.process_id()))
        if running.save is not None:
            running.save.abandon()
        if running.snapshot is not None:
            running.snapshot.drop()

    def _ended(self, succeeded: bool, message: str) -> None:
        """A save in the background has ended by itself."""
        running = self.running
        assert running is not None
        self.last_copied_bytes = running.progress().private_bytes
        self._log("notice" if succeeded else "warning", message)
        self.last_duration_s = self._now_s() - running.began_s
        self._forget(running)
        if succeeded:
            self._saved(running.changes)
        else:
            self._set_failed(True)

    # The timer.

    def _tick(self) -> None:
        if self.running is not None:
            self._look_at_child(self.running)
        elif self.is_scheduled:
            if self._may_try():
                self.begin()
        elif self._points:
            self._look_at_points()

    def _look_at_child(self, running: BackgroundSave) -> None:
        if running.child is None:
            return
        status = running.child.status()
        if status == RUNNING:
            return
        if status == 0:
            self._ended(True, "Background saving terminated with success")
        elif status > 0:
            self._ended(False, "Background saving error")
        else:
            self._ended(False, f"Background saving terminated by signal {-status}")

    def _may_try(self) -> bool:
        """Whether the last attempt succeeded, or is long enough ago."""
        return not self.has_failed or self._now_s() - self._attempted_s > _RETRY_S

    def _look_at_points(self) -> None:
        dirty: i64 = self._core.keyspace.changes.since_save()
        since_s: i64 = self._now_s() - self.last_s
        for seconds, changes in self._points:
            if dirty >= changes and since_s > seconds and self._may_try():
                self._log("notice", f"{changes} changes in {seconds} seconds. Saving...")
                self.begin()
                return
