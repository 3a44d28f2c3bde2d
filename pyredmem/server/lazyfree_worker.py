"""The worker thread of lazy free: it dismantles deleted values, so that the thread of the loop need not.

It works in slices of a fifth of a millisecond and sleeps between them. Compiled code does not release the interpreter's
lock by itself, and a thread that merely offers to release it (`sleep(0)`) often gets it back at once. While no client
is served the pauses are as short as the operating system can make them. The engine's task settles, in the thread of the
loop, the packets that the worker makes; while too many of them wait the worker makes no more.
"""

import asyncio
import contextlib
import threading
import time
from typing import Final

from pyredmem.base.clock import Clock
from pyredmem.engine.engine import Engine
from pyredmem.keyspace.lazyfree_queue import DismantlingLock

SLICE_US: Final = 200
#: The pauses between two slices. The operating system makes each about 50 microseconds longer.
IDLE_PAUSE_SECONDS: Final = 0.00005
BUSY_PAUSE_SECONDS: Final = 0.0005
#: At most this many packets wait to be settled.
MOST_PACKETS: Final = 64


class ThreadLock(DismantlingLock):
    """Keeps the worker and the thread of the loop from dismantling at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self) -> None:
        self._lock.acquire()

    def release(self) -> None:
        self._lock.release()


class LazyFreeWorker:
    """Dismantles the jobs of an engine's keyspace between `start` and `stop`."""

    def __init__(self, engine: Engine, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = loop
        self._task = engine.lazyfree_task
        self._queue = engine.keyspace.lazyfree
        self._queue.lock = ThreadLock()
        self._rule = engine.lazyfree_task.new_rule()
        self._has_work = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="pyredmem-lazyfree", daemon=True)

    def start(self) -> None:
        """Take over dismantling from the engine's task."""
        self._task.wake_worker = self._has_work.set
        self._has_work.set()  # there may be jobs already
        self._thread.start()

    def stop(self) -> None:
        """Leave the remaining jobs to the engine's task; returns when the thread has ended."""
        self._task.wake_worker = None
        self._ended = True
        self._has_work.set()
        self._thread.join()
        if self._queue.has_waiting():
            self._task.wake()

    def _run(self) -> None:
        while not self._ended:
            self._has_work.wait()
            self._has_work.clear()
            while self._queue.has_waiting() and not self._ended:
                self._slice()

    def _slice(self) -> None:
        """Dismantle for a slice unless too many packets wait, wake the engine's task, and pause."""
        if self._queue.packets() < MOST_PACKETS:
            self._queue.dismantle(self._clock, SLICE_US)
        if not self._task.is_awake():
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._task.wake)
        time.sleep(IDLE_PAUSE_SECONDS if self._rule.observe() else BUSY_PAUSE_SECONDS)
