"""Work in the background on the dataset as it is at one moment, while commands go on: one save at a time.

A server that has its process for itself forks: the child has a copy of the memory, which the system copies only where
it changes, and it uses another processor. Where a fork is not possible, among the threads of a program or on Windows,
and where it would take too long, the dataset is saved in slices, and what a command is about to change is written aside
just before (:mod:`pyredmem.keyspace.database_save`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.engine.host import RUNNING, Child, Progress
from pyredmem.engine.latency import LatencyMonitor
from pyredmem.engine.tasks import DONE
from pyredmem.persistence.dataset_file import DatasetFile, remove_quietly

#: With more memory in use (bytes) a fork stops the clients for too long: it copies the page tables, which takes 20 to
#: 55 microseconds for a megabyte.
MOST_FORKED: Final = 64 << 20
#: How long a slice of a save lasts, and the pause after it (microseconds).
_SLICE_US: Final = 1000
_PAUSE_US: Final = 1000
#: How many bytes are written between two looks at the clock: some 50 microseconds.
_BYTES_PER_LOOK: Final = 4096


class Job:
    """A save in the background. ``what`` is its name in the log."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.temporary = ""  # the file that the save writes to

    @abstractmethod
    def temporary_name(self, process_id: int, in_slices: bool) -> str:
        """The name of the temporary file."""

    @abstractmethod
    def save_in_child(self, temporary: str, report: Callable[[int], None]) -> str:
        """Save the whole dataset, in the child; returns what went wrong, empty if nothing did."""

    def goes_by_pieces(self) -> bool:
        """Whether large values are written by pieces if the save goes on in slices."""
        return True

    @abstractmethod
    def open(self, temporary: str) -> DatasetFile:
        """The file that is to be written in slices. Raises OSError."""

    @abstractmethod
    def ended(self, succeeded: bool, duration_s: i64, copied_bytes: i64) -> None:
        """The save has ended by itself."""


class Running:
    """A save that goes on."""

    def __init__(self, job: Job, now_s: i64, keys: i64) -> None:
        self.job: Job = job
        self.began_s: i64 = now_s
        self.keys_total: i64 = keys
        self.child: Child | None = None
        self.file: DatasetFile | None = None
        self.peak_bytes = 0  # of what was kept aside, in slices

    def progress(self) -> Progress:
        """How many keys were saved so far, and the memory that this takes."""
        if self.child is not None:
            return self.child.progress()
        if self.file is None:
            return Progress()
        kept_bytes = int(self.file.keyspace.kept_bytes())
        self.peak_bytes = max(self.peak_bytes, kept_bytes)
        return Progress(int(self.file.keyspace.keys), kept_bytes, self.peak_bytes)


class Background:
    """Runs the saves of one engine."""

    def __init__(self, core: Core, monitor: LatencyMonitor) -> None:
        self._core = core
        self._monitor = monitor
        self._slices = core.tasks.create(self._slice)
        self.running: Running | None = None

    def runs(self, job: Job) -> bool:
        """Whether this save goes on."""
        return self.running is not None and self.running.job is job

    def age_s(self, job: Job) -> i64:
        """For how many seconds this save has been going on; -1 if it does not."""
        running = self.running
        return self._now_s() - running.began_s if running is not None and running.job is job else -1

    def _now_s(self) -> i64:
        return self._core.keyspace.now_us // 1_000_000

    def _log(self, level: str, message: str) -> None:
        self._core.host.log(level, message)

    # The beginning.

    def begin(self, job: Job) -> None:
        """Begin a save; none may be running. Raises OSError."""
        running = Running(job, self._now_s(), self._core.keyspace.size())
        running.child = self._fork(job)
        if running.child is None:
            self._begin_slices(running)
            self._log("notice", f"{job.what} started")
            self._slices.wake()
        else:
            process_id = running.child.process_id()
            job.temporary = job.temporary_name(process_id, False)
            self._log("notice", f"{job.what} started by pid {process_id}")
        self.running = running
        self._core.is_saving = True

    def _fork(self, job: Job) -> Child | None:
        core = self._core
        if core.allocator.used_memory > MOST_FORKED and job.goes_by_pieces():
            return None
        start_us = core.clock.now_us()
        child = core.host.fork(lambda report: self._save_in_child(job, report))
        if child is not None:
            duration_us = core.clock.now_us() - start_us
            core.stats.note_fork(duration_us, core.allocator.used_memory)
            self._monitor.observe(b"fork", duration_us // 1000, self._now_s())
        return child

    def _save_in_child(self, job: Job, report: Callable[[int], None]) -> bool:
        """Save the dataset, in the copy of the process."""
        problem = job.save_in_child(job.temporary_name(self._core.host.process_id(), False), report)
        self._log("warning" if problem else "notice", problem or "DB saved on disk")
        return not problem

    def _begin_slices(self, running: Running) -> None:
        job = running.job
        job.temporary = job.temporary_name(self._core.host.process_id(), True)
        running.file = job.open(job.temporary)

    # Slices.

    def _slice(self) -> int:
        running = self.running
        if running is None or running.file is None:
            return DONE
        running.progress()  # notes what is kept now
        clock = self._core.clock
        end_us = clock.now_us() + _SLICE_US
        try:
            while running.file.keyspace.step(_BYTES_PER_LOOK):
                if clock.now_us() >= end_us:
                    return _PAUSE_US
            if not running.file.is_finished():
                return _PAUSE_US
        except OSError as error:
            self._log("warning", f"Write error saving DB on disk: {error.strerror}")
            running.file.abandon()
            self._ended(False, f"{running.job.what} error")
            return DONE
        self._log("notice", "DB saved on disk")
        self._ended(True, f"{running.job.what} terminated with success")
        return DONE

    # The end.

    def look_at_child(self) -> None:
        """Notice that a child has ended."""
        running = self.running
        if running is None or running.child is None:
            return
        status = running.child.status()
        if status == RUNNING:
            return
        what = running.job.what
        if status == 0:
            self._ended(True, f"{what} terminated with success")
        elif status > 0:
            self._ended(False, f"{what} error")
        else:
            self._ended(False, f"{what} terminated by signal {-status}")

    def _ended(self, succeeded: bool, message: str) -> None:
        running = self.running
        assert running is not None
        progress = running.progress()
        copied_bytes = progress.private_bytes if running.file is None else progress.peak_bytes
        self._log("notice" if succeeded else "warning", message)
        self._let_go(running)
        running.job.ended(succeeded, self._now_s() - running.began_s, copied_bytes)
        remove_quietly(self._core.host.files(), running.job.temporary)

    def kill(self) -> None:
        """End the save before it is complete."""
        running = self.running
        if running is None:
            return
        if running.child is not None:
            running.child.kill()
        if running.file is not None:
            running.file.abandon()
        self._let_go(running)
        remove_quietly(self._core.host.files(), running.job.temporary)

    def _let_go(self, running: Running) -> None:
        self.running = None
        self._core.is_saving = False
