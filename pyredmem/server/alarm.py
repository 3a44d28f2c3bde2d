"""An alarm in the event loop that is set in microseconds.

The timers of event loops count in milliseconds. That is far too coarse for slices of work that last a fifth of a
millisecond. Linux has timers that are files (timerfd), and a loop can wait for them as it waits for sockets. Where
there are no such timers the alarm uses the timer of the loop.
"""

import asyncio
import contextlib
import ctypes
import os
import sys
from collections.abc import Callable
from typing import Final

_CLOCK_MONOTONIC: Final = 1
_NONBLOCKING: Final = os.O_NONBLOCK
_CLOSED_ON_EXEC: Final = 0o2000000  # TFD_CLOEXEC
_COUNTER_BYTES: Final = 8


class _Moment(ctypes.Structure):
    """``struct timespec``."""

    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Timer(ctypes.Structure):
    """``struct itimerspec``."""

    _fields_ = (("interval", _Moment), ("value", _Moment))


class Alarm:
    """Calls `ring` once, in the loop, after each `set`. A later `set` replaces an earlier one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._handle: asyncio.Handle | None = None
        self._library = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._file = self._open()
        self._timer = _Timer()

    def _open(self) -> int:
        if self._library is None:
            return -1
        try:
            file = int(self._library.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCKING | _CLOSED_ON_EXEC))
        except AttributeError:
            return -1
        if file >= 0:
            self._loop.add_reader(file, self._expired)
        return file

    def set(self, delay_us: int) -> None:
        """Ring in `delay_us` microseconds; 0: after the loop has done what else is ready."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._file >= 0 and self._library is not None:
            delay_us = max(delay_us, 1)  # 0 would disarm the timer
            self._timer.value.seconds = delay_us // 1_000_000
            self._timer.value.nanoseconds = delay_us % 1_000_000 * 1000
            self._library.timerfd_settime(self._file, 0, ctypes.byref(self._timer), None)
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
