"""The query buffer of a client: the string into which Redis reads a client's requests.

The engine does not read into it; only its size matters here. It has three states: empty, with room for ordinary
requests, or grown for a big request (Redis 7.2 networking.c readQueryFromClient). A read changes the ledger only when
it changes the state, and the timer frees what a client no longer needs.
"""

from __future__ import annotations

import re
from typing import Final

from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import BIG_ARGUMENT_BYTES, QUERY_BUFFER_BYTES, SDS_TYPE_8
from pyredmem.structures.sds import Sds, new_sds

#: A read of at most this many bytes never makes a nearly empty buffer grow that has room for ordinary requests.
STEADY_READ: Final = 4090
#: The timer trims a buffer when more than this is free and the client has been idle for more than 2 seconds ...
_WASTE_BYTES: Final = 4096
_IDLE_SECONDS: Final = 2
#: ... or when the buffer is bigger than this and less than half of it was used since the last visit.
_TRIM_BYTES: Final = 32768
#: The CR and LF after an argument.
_LINE_END_BYTES: Final = 2
_BULK_HEADER: Final = re.compile(rb"\r\n\$([1-9][0-9]{4,9})\r\n")


class QueryBuffer:
    """The ledger block of a query buffer, from `open` to `close`."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._sds = Sds(0, SDS_TYPE_8, 0)  # at address 0 while the client is not connected
        self._peak: i64 = 0  # bytes used at once since the timer's last visit
        #: The largest read that leaves the buffer as it is, provided that no request is pending; -1 if none does.
        self.steady_read: i64 = -1

    def open(self) -> None:
        self._sds = new_sds(0, self._allocator)

    def close(self) -> None:
        if self.addresses():
            self._sds.free(self._allocator)
        self._sds = Sds(0, SDS_TYPE_8, 0)
        self._peak = 0
        self.steady_read = -1

    def addresses(self) -> list[int]:
        """Every ledger block of the buffer."""
        return [int(self._sds.address)] if self._sds.address != 0 else []

    def check(self) -> None:
        """Assert the invariants."""
        if self.addresses():
            self._sds.check(self._allocator)
        assert self._peak >= 0
        assert self.steady_read == self._steady_read()

    # Figures.

    def capacity(self) -> i64:
        """How many bytes of requests the buffer can hold."""
        return self._sds.capacity

    def usable(self) -> i64:
        """The size of the buffer's block; 0 while the client is not connected."""
        return self._sds.usable(self._allocator) if self._sds.address != 0 else 0

    def _steady_read(self) -> i64:
        return STEADY_READ if self._sds.capacity >= QUERY_BUFFER_BYTES else -1

    # Reads.

    def before_read(self, pending: i64, awaited: i64, data: bytes) -> None:
        """Make room for received ``data`` when ``pending`` bytes are unprocessed.

        ``awaited`` is the length of the argument that is being received, -1 if none is.
        """
        sds, size = self._sds, i64(len(data))
        if awaited >= BIG_ARGUMENT_BYTES:
            self.await_bulk(awaited)
            if pending + size <= awaited + _LINE_END_BYTES:
                return
        elif sds.capacity < QUERY_BUFFER_BYTES:
            sds.make_exact_room(pending, QUERY_BUFFER_BYTES, self._allocator)
        else:
            sds.make_room(pending, QUERY_BUFFER_BYTES, self._allocator)
        if size >= BIG_ARGUMENT_BYTES:
            self._replace_after(_biggest_argument(data))
        self.steady_read = self._steady_read()
        self._note_use(pending + size)

    def _replace_after(self, argument: i64) -> None:
        """A buffer with one big argument becomes the argument itself, and a new one of its size takes its place."""
        if argument + _LINE_END_BYTES > self._sds.capacity:
            self._sds.renew(argument + _LINE_END_BYTES, self._allocator)

    def await_bulk(self, awaited: i64) -> None:
        """Make room for a big argument of ``awaited`` bytes that has been announced, and for no more."""
        self._sds.make_exact_room(0, awaited + _LINE_END_BYTES, self._allocator)
        self.steady_read = self._steady_read()
        self._note_use(awaited + _LINE_END_BYTES)

    def hold(self, pending: i64) -> None:
        """Make room for ``pending`` bytes of requests that have to wait, by growing as often as Redis reads."""
        sds = self._sds
        while sds.capacity < pending:
            if sds.capacity >= QUERY_BUFFER_BYTES:
                sds.make_room(sds.capacity, QUERY_BUFFER_BYTES, self._allocator)
            else:
                sds.make_exact_room(sds.capacity, QUERY_BUFFER_BYTES, self._allocator)
        self.steady_read = self._steady_read()
        self._note_use(pending)

    def _note_use(self, used: i64) -> None:
        used = min(used, self._sds.capacity)
        if used > self._peak:
            self._peak = used

    # The timer.

    def trim(self, pending: i64, awaited: i64, idle_s: i64) -> None:
        """Free what the client does not need: it has been idle for ``idle_s`` seconds, the rest as in `before_read`."""
        needed = awaited + _LINE_END_BYTES if awaited >= 0 else 0
        capacity = self._sds.capacity
        if capacity - pending > _WASTE_BYTES:
            if idle_s > _IDLE_SECONDS:
                self._sds.resize(pending, self._allocator)
            elif capacity > _TRIM_BYTES and capacity // 2 > self._peak:
                self._sds.resize(max(pending, self._peak, needed), self._allocator)
        self.steady_read = self._steady_read()
        self._peak = max(pending, needed)


def _biggest_argument(data: bytes) -> i64:
    """The length of the longest big argument that received bytes announce, 0 if there is none.

    The content of an argument may look like an announcement. Then the buffer counts as bigger than Redis's would be.
    """
    biggest: i64 = 0
    for digits in _BULK_HEADER.findall(data):
        size = int(digits)
        if size >= BIG_ARGUMENT_BYTES and size > biggest:
            biggest = size
    return biggest
