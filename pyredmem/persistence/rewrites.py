"""When the append-only file is rewritten: on request, when it has grown, when it is switched on (Redis 7.2 aof.c)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.persistence.append_only_file import ON, WAITING, AppendOnlyFile
from pyredmem.persistence.background import Background, Job
from pyredmem.persistence.dataset_file import DatasetFile, save_all

#: After this many failures the next rewrite waits: a minute, then twice as long each time, up to an hour (Redis 7.2
#: aof.c).
_MOST_FAILURES: Final = 3
_LONGEST_WAIT_MINUTES: Final = 60


class Rewrites(Job):
    """Rewrites the append-only file of one engine, and knows how that went."""

    def __init__(self, core: Core, append_only: AppendOnlyFile, background: Background) -> None:
        super().__init__("Background append only file rewriting")
        self._core = core
        self._append_only = append_only
        self._background = background
        self._is_rdb = True  # what the running one writes
        self.is_scheduled = False  # one begins as soon as it can
        self.has_failed = False  # whether the last one did
        self.rewrites: i64 = 0  # that were begun
        self.failures: i64 = 0  # one after the other
        self._wait_minutes: i64 = 0
        self._next_s: i64 = 0  # after failures: not before this time
        self.last_duration_s: i64 = -1
        self.last_copied_bytes: i64 = 0

    def is_running(self) -> bool:
        """Whether a rewrite goes on."""
        return self._background.runs(self)

    def _log(self, level: str, message: str) -> None:
        self._core.host.log(level, message)

    # The beginning.

    def begin(self) -> bool:
        """Begin a rewrite in the background; returns whether that succeeded. Nothing else may be running there."""
        self.is_scheduled = False
        self._is_rdb = self._append_only.uses_rdb()
        try:
            self._append_only.parts.make_directory()
            self._append_only.begin_increment()
            self.rewrites += 1
            self._background.begin(self)
        except OSError as error:
            self._log("warning", f"Can't rewrite append only file in background: {error.strerror}")
            self._note_failure()
            return False
        return True

    def schedule(self) -> None:
        """Begin a rewrite as soon as nothing else goes on in the background."""
        self.is_scheduled = True
        self.failures = 0

    def temporary_name(self, process_id: int, in_slices: bool) -> str:
        return f"temp-rewriteaof-{process_id}-slices.aof" if in_slices else f"temp-rewriteaof-bg-{process_id}.aof"

    def save_in_child(self, temporary: str, report: Callable[[int], None]) -> str:
        return save_all(lambda: self._append_only.base_file(temporary, False), report)

    def goes_by_pieces(self) -> bool:
        return self._is_rdb

    def open(self, temporary: str) -> DatasetFile:
        return self._append_only.base_file(temporary, True)

    # The end.

    def ended(self, succeeded: bool, duration_s: i64, copied_bytes: i64) -> None:
        self.last_duration_s = duration_s
        self.last_copied_bytes = copied_bytes
        if succeeded:
            try:
                self._append_only.adopt_base(self.temporary, self._is_rdb)
            except OSError as error:
                self._log("warning", f"Error trying to use the rewritten append only file: {error.strerror}")
                succeeded = False
        if succeeded:
            self.has_failed = False
            self.failures = 0
            self._log("notice", "Background AOF rewrite finished successfully")
        else:
            self._note_failure()

    def _note_failure(self) -> None:
        self.has_failed = True
        self.failures += 1
        if self._append_only.state == WAITING:
            self.is_scheduled = True

    def kill(self) -> None:
        """End a rewrite before it is complete."""
        if self.is_running():
            self._background.kill()

    # On and off.

    def switch_on(self) -> bool:
        """Begin to write an append-only file, with a rewrite; returns whether that succeeded."""
        self._append_only.begin_waiting()
        if self.is_running():
            self._log("warning", "AOF was enabled but there is already an AOF rewrite in background. It is stopped.")
            self.kill()
        if self._background.running is not None:
            self.is_scheduled = True
            self._log("notice", "AOF was enabled but there is already another background operation. Scheduled.")
        elif not self.begin():
            self.is_scheduled = False
            self._append_only.stop()
            return False
        return True

    def switch_off(self) -> None:
        """Write no append-only file any more."""
        self.kill()
        self.is_scheduled = False
        self._append_only.stop()

    # The timer.

    def look_at_schedule(self) -> None:
        """Begin a rewrite that was scheduled, now that nothing else goes on in the background."""
        if self.is_scheduled and not self._must_wait():
            self.begin()

    def look_at_growth(self) -> None:
        """Begin a rewrite if the append-only file has grown enough since the last one."""
        settings = self._core.settings
        percentage = settings.integer("auto-aof-rewrite-percentage")
        size = int(self._append_only.size())
        if self._append_only.state != ON or percentage == 0 or size <= settings.integer("auto-aof-rewrite-min-size"):
            return
        growth = size * 100 // max(int(self._append_only.base_bytes), 1) - 100
        if growth >= percentage and not self._must_wait():
            self._log("notice", f"Starting automatic rewriting of AOF on {growth}% growth")
            self.begin()

    def _must_wait(self) -> bool:
        """Whether the last ones have failed, and it is too early to try again."""
        if self.failures < _MOST_FAILURES:
            self._wait_minutes = 0
            self._next_s = 0
            return False
        now_s = self._core.keyspace.now_us // 1_000_000
        if self._next_s != 0:
            if now_s < self._next_s:
                return True
            self._next_s = 0
            return False
        self._wait_minutes = min(max(self._wait_minutes * 2, 1), _LONGEST_WAIT_MINUTES)
        self._next_s = now_s + self._wait_minutes * 60
        self._log(
            "warning",
            f"Background AOF rewrite has repeatedly failed and triggered the limit, will retry in "
            f"{self._wait_minutes} minutes",
        )
        return True
