"""The thread that takes deleted values apart, so that the loop's thread need not.

It works in slices of a fifth of a millisecond and really lets go of the interpreter between them: it sleeps, since
compiled code never yields by itself and a mere offer to yield (`sleep(0)`) is often taken back at once. Without clients
to serve the pauses are as short as the system makes them. What a slice brings is settled by the engine's task in the
loop's thread; when that one is behind, the worker waits for it.
"""

import asyncio
import contextlib
import threading
import time
from typing import Final

from pyredmem.base.clock import Clock
from pyredmem.engine.engine import Engine
from pyredmem.keyspace.lazyfree import Turns

SLICE_US: Final = 200
#: Between two slices; the system adds some 50 microseconds.
IDLE_PAUSE_SECONDS: Final = 0.00005
BUSY_PAUSE_SECONDS: Final = 0.0005
#: Slices that may wait to be settled.
MOST_PACKETS: Final = 64


class LockedTurns(Turns):
    """The worker and the loop's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def take(self) -> None:
        """Wait until the other thread is through with its slice."""
        self._lock.acquire()

    def give(self) -> None:
        """Let the other thread."""
        self._lock.release()


class LazyFreeWorker:
    """Takes the jobs of an engine's keyspace apart while it is started."""

    def __init__(self, engine: Engine, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._engine = engine
        self._clock = clock
        self._loop = loop
        self._lazyfree = engine.keyspace.lazyfree
        self._lazyfree.turns = LockedTurns()
        self._has_work = threading.Event()
        self._ended = False
        self._seen_reads = 0
        self._thread = threading.Thread(target=self._run, name="pyredmem-lazyfree", daemon=True)

    def start(self) -> None:
        """Take over from the engine's own task."""
        self._engine.lazy_free.wake_worker = self._has_work.set
        self._has_work.set()  # for what may have been left to do
        self._thread.start()

    def stop(self) -> None:
        """Leave the rest to the engine's own task; returns when the thread is gone."""
        self._engine.lazy_free.wake_worker = None
        self._ended = True
        self._has_work.set()
        self._thread.join()
        if self._lazyfree.has_waiting():
            self._engine.lazy_free.wake()

    def _run(self) -> None:
        while not self._ended:
            self._has_work.wait()
            self._has_work.clear()
            while self._lazyfree.has_waiting() and not self._ended:
                self._slice()

    def _slice(self) -> None:
        """Take apart for a while, unless the engine is behind, and pause."""
        if self._lazyfree.packets() < MOST_PACKETS:
            self._lazyfree.take_apart(self._clock, SLICE_US)
        if not self._engine.lazy_free.is_awake():
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._engine.lazy_free.wake)
        reads = self._engine.stats.reads_processed
        hurries = reads == self._seen_reads or self._engine.memory_limit.is_exceeded()
        self._seen_reads = reads
        time.sleep(IDLE_PAUSE_SECONDS if hurries else BUSY_PAUSE_SECONDS)
