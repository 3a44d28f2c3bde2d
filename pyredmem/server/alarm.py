"""An alarm in the event loop that is set in microseconds.

The timers of event loops count in milliseconds. That is far too coarse for slices of work that last a fifth of a
millisecond. Linux has timers that are files (timerfd), and a loop can wait for them as it waits for sockets. Where
there are no such timers the alarm uses the timer of the loop.
"""

import asyncio
import contextlib
import os
import sys
from array import array
from collections.abc import Callable
from typing import Final

from pyredmem.memory import c_library

_CLOCK_MONOTONIC: Final = 1
_COUNTER_BYTES: Final = 8
# Places in `struct itimerspec`, which is four numbers of the type long: the interval, and the time until it expires.
_SECONDS: Final = 2
_NANOSECONDS: Final = 3


class Alarm:
    """Calls `ring` once, in the loop, after each `set`. A later `set` replaces an earlier one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._handle: asyncio.Handle | None = None
        self._arm = c_library.function("timerfd_settime", "c_int", "c_int", "c_void_p", "c_void_p")
        self._file = self._open()
        self._timer = array("l", [0, 0, 0, 0])
        self._timer_address = self._timer.buffer_info()[0]

    def _open(self) -> int:
        create = c_library.function("timerfd_create", "c_int", "c_int")
        if sys.platform != "linux" or create is None:
            return -1
        file = int(create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))
        if file < 0:
            return -1
        try:
            self._loop.add_reader(file, self._expired)
        except NotImplementedError:
            os.close(file)
            return -1
        return file

    def set(self, delay_us: int) -> None:
        """Ring in `delay_us` microseconds; 0: after the loop has done what else is ready."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._file >= 0:
            delay_us = max(delay_us, 1)  # 0 would disarm the timer
            self._timer[_SECONDS] = delay_us // 1_000_000
            self._timer[_NANOSECONDS] = delay_us % 1_000_000 * 1000
            self._arm(self._file, 0, self._timer_address, None)
        else:
            self._handle = self._loop.call_later(max(delay_us, 0) / 1_000_000, self._fire)

    def _expired(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it has been set again meanwhile
            os.read(self._file, _COUNTER_BYTES)
            # Not now: a loop may send the replies of this turn only at the end of the turn.
            self._handle = self._loop.call_soon(self._fire)

    def _fire(self) -> None:
        self._handle = None
        self._ring()

    def close(self) -> None:
        """Do not ring any more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = -1
