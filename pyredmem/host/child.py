"""A fork of the process, for work on its memory as it is at one moment."""

import gc
import os
import signal
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pyredmem.engine.host import RUNNING, Child, Progress
from pyredmem.memory.process import private_bytes

#: A report: the number that the work gives, and the memory that the child has for itself (bytes).
_REPORT: Final = struct.Struct("<qq")
#: The exit status of a child whose work has failed.
_FAILED: Final = 1
#: The memory of the child is measured at most that often (seconds).
_MEASURING_S: Final = 1.0


class ForkedChild(Child):
    """A child process, which reports to this one through a pipe."""

    def __init__(self, process_id: int, pipe: int) -> None:
        self._process_id = process_id
        self._pipe = pipe
        self._status = RUNNING
        self._done = 0
        self._private_bytes = 0
        self._peak_bytes = 0
        self._measured = time.monotonic()

    def process_id(self) -> int:
        return self._process_id

    def status(self) -> int:
        if self._status == RUNNING:
            try:
                ended, code = os.waitpid(self._process_id, os.WNOHANG)
            except ChildProcessError:  # somebody else has taken its exit status
                ended, code = self._process_id, _FAILED << 8
            if ended:
                self._end(code)
        return self._status

    def progress(self) -> Progress:
        if self._pipe >= 0:
            self._read()
        age_s = int(time.monotonic() - self._measured)
        return Progress(self._done, self._private_bytes, self._peak_bytes, age_s)

    def kill(self) -> None:
        if self._status == RUNNING:
            os.kill(self._process_id, signal.SIGKILL)
            self._end(os.waitpid(self._process_id, 0)[1])

    def _end(self, code: int) -> None:
        self._read()
        os.close(self._pipe)
        self._pipe = -1
        self._status = os.waitstatus_to_exitcode(code)

    def _read(self) -> None:
        """Read all reports that there are."""
        with suppress(BlockingIOError):
            while data := os.read(self._pipe, 512 * _REPORT.size):
                for self._done, private in _REPORT.iter_unpack(data):
                    if private != self._private_bytes:
                        self._private_bytes = private
                        self._peak_bytes = max(self._peak_bytes, private)
                        self._measured = time.monotonic()


class _Reporter:
    """Writes the reports of a child."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._number = 0
        self._private_bytes = 0
        self._measured = 0.0

    def report(self, number: int) -> None:
        """Report how far the work is. The report is lost if the parent has not read those before."""
        self._number = number
        if time.monotonic() - self._measured > _MEASURING_S:
            self.measure()
        with suppress(BlockingIOError):
            os.write(self._pipe, _REPORT.pack(number, self._private_bytes))

    def measure(self) -> None:
        """Measure the memory that the child has for itself, which takes milliseconds."""
        self._private_bytes = private_bytes()
        self._measured = time.monotonic()

    def report_end(self) -> None:
        """Report what all of the work has cost."""
        self.measure()
        self.report(self._number)


def fork(work: Callable[[Callable[[int], None]], bool], close: Callable[[], None]) -> ForkedChild:
    """Fork, and let the child do the work; ``close`` closes there what the child must not keep open."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    try:
        process_id = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    if process_id:
        os.close(writing)
        return ForkedChild(process_id, reading)
    status = _FAILED
    try:
        _become_child(reading, close)
        reporter = _Reporter(writing)
        if work(reporter.report):
            status = 0
        reporter.report_end()
    finally:  # nothing of the parent's is to run here, whatever happens
        os._exit(status)


def _become_child(reading: int, close: Callable[[], None]) -> None:
    """Drop what belongs to the parent: its signal handlers, its pipe, its sockets. Collecting garbage copies memory."""
    gc.disable()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    os.close(reading)
    close()
