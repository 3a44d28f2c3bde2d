"""The thread that reads the server, so that the screen never waits for a reply."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from pyredmem.monitor.top.watch import Frame, Watch


class Reader:
    """Reads at intervals, and reports each frame, or why there is none, in its own thread.

    The thread is a daemon, and none of textual's workers: whoever quits would have to wait for a worker, as long as it
    waits for a server that does not reply.
    """

    def __init__(self, watch: Watch, report: Callable[[Frame | Exception], object]) -> None:
        self._watch = watch
        self._report = report
        self._is_paused = False
        self._is_stopped = False
        self._wakes = Event()
        self._thread = Thread(target=self._run, name="pyredmem top", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def pause(self, is_paused: bool) -> None:
        """Read nothing any more, or go on at once."""
        self._is_paused = is_paused
        self.wake()

    def wake(self) -> None:
        """Read now, unless it is paused."""
        self._wakes.set()

    def stop(self) -> None:
        """Read nothing any more. A reading that is being waited for ends with an error, which nobody needs."""
        self._is_stopped = True
        self.wake()
        self._watch.server.close()

    def _run(self) -> None:
        while not self._is_stopped:
            if not self._is_paused:
                self._report(self._outcome())
            self._wakes.wait(None if self._is_paused else self._watch.interval_s)
            self._wakes.clear()

    def _outcome(self) -> Frame | Exception:
        try:
            return self._watch.read()
        except Exception as error:  # if it is no ServerError, it is a mistake of ours, with which the screen ends
            return error
