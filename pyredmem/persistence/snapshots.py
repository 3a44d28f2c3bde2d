"""When RDB files are saved: on request, at the save points, at the end of the server (Redis 7.2 rdb.c, server.c)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_CANNOT_SAVE
from pyredmem.persistence.background import Background, Job
from pyredmem.persistence.dataset_file import DatasetFile, save_all
from pyredmem.persistence.rdb_saver import RdbSave, rdb_path

#: A save point waits this long after a save that has failed (seconds; Redis 7.2 server.h).
_RETRY_S: Final = 5


class Snapshots(Job):
    """Saves the dataset of one engine, and knows how the last saves went."""

    def __init__(self, core: Core, library_codes: Callable[[], list[bytes]], background: Background) -> None:
        super().__init__("Background saving")
        self._core = core
        self._library_codes = library_codes
        self._background = background
        self._points: list[tuple[int, int]] = []  # seconds, changes
        self._attempted_s: i64 = 0  # when the last save in the background began
        self._changes: i64 = 0  # of the dataset since the save before, when it began
        self.last_s: i64 = core.started_us // 1_000_000  # when the dataset was last saved, or the server started
        self.has_failed = False  # whether the last save did
        self.is_scheduled = False  # a save in the background begins as soon as it can
        self.saves: i64 = 0  # that were begun, on request or in the background
        self.last_duration_s: i64 = -1  # of a save in the background
        self.last_copied_bytes: i64 = 0  # by the system, for the child of the last one
        core.settings.follow(("save", "stop-writes-on-bgsave-error"), self._settings_changed)

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

    def is_running(self) -> bool:
        """Whether a save goes on in the background."""
        return self._background.runs(self)

    def _now_s(self) -> i64:
        return self._core.keyspace.now_us // 1_000_000

    def _log(self, level: str, message: str) -> None:
        self._core.host.log(level, message)

    # At once.

    def save_on_request(self) -> bool:
        """Save the dataset now, as `save` does, for a client: only that is counted."""
        self.saves += 1
        return self.save()

    def save(self) -> bool:
        """Save the dataset now; returns whether that succeeded. The log tells why it did not."""
        temporary = self.temporary_name(self._core.host.process_id(), False)
        problem = save_all(lambda: self._opened(temporary, False))
        if problem:
            self._log("warning", problem)
            return False
        self._log("notice", "DB saved on disk")
        self._saved(self._core.keyspace.changes.since_save())
        return True

    def _opened(self, temporary: str, watches: bool) -> DatasetFile:
        return RdbSave(self._core, self._library_codes(), temporary, rdb_path(self._core.settings), watches)

    def _saved(self, changes: i64) -> None:
        self._core.keyspace.changes.mark_saved(changes)
        self.last_s = self._now_s()
        self._set_failed(False)

    def dataset_flushed(self) -> None:
        """FLUSHALL has emptied all databases: whoever wants RDB files wants an empty one now."""
        if self.has_points():
            self.save()

    # In the background.

    def begin(self) -> bool:
        """Begin a save in the background; returns whether that succeeded. None may be running."""
        self._attempted_s = self._now_s()
        self._changes = self._core.keyspace.changes.since_save()
        self.is_scheduled = False
        self.saves += 1
        try:
            self._background.begin(self)
        except OSError as error:
            self._set_failed(True)
            self._log("warning", f"Can't save in background: {error.strerror}")
            return False
        return True

    def temporary_name(self, process_id: int, in_slices: bool) -> str:
        return f"temp-{process_id}-slices.rdb" if in_slices else f"temp-{process_id}.rdb"

    def save_in_child(self, temporary: str, report: Callable[[int], None]) -> str:
        return save_all(lambda: self._opened(temporary, False), report)

    def open(self, temporary: str) -> DatasetFile:
        return self._opened(temporary, True)

    def ended(self, succeeded: bool, duration_s: i64, copied_bytes: i64) -> None:
        self.last_copied_bytes = copied_bytes
        self.last_duration_s = duration_s
        if succeeded:
            self._saved(self._changes)
        else:
            self._set_failed(True)

    def kill(self) -> None:
        """End a save in the background before it is complete."""
        if self.is_running():
            self._background.kill()

    # The timer.

    def look_at_schedule(self) -> None:
        """Begin a save that was scheduled, now that nothing else goes on in the background."""
        if self.is_scheduled and self._may_try():
            self.begin()

    def _may_try(self) -> bool:
        """Whether the last attempt succeeded, or is long enough ago."""
        return not self.has_failed or self._now_s() - self._attempted_s > _RETRY_S

    def look_at_points(self) -> None:
        """Begin a save if a save point is reached."""
        dirty: i64 = self._core.keyspace.changes.since_save()
        since_s: i64 = self._now_s() - self.last_s
        for seconds, changes in self._points:
            if dirty >= changes and since_s > seconds and self._may_try():
                self._log("notice", f"{changes} changes in {seconds} seconds. Saving...")
                self.begin()
                return
