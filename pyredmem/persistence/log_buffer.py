"""What was recorded and is not written yet: in Redis a string that grows, and is kept while it is short."""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import sds_capacity, sds_make_room
from pyredmem.protocol.request_writer import write_request

#: An empty buffer is kept if it has room for fewer bytes than this (Redis 7.2 aof.c).
_KEPT_BYTES: Final = 4000


class LogBuffer:
    """Requests as bytes, and their block in the ledger."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._out = BytesWriter()
        self._address: i64 = 0
        self._capacity: i64 = 0
        self.allocated: i64 = 0  # how large the block is (bytes)

    def size(self) -> i64:
        """How many bytes there are."""
        return len(self._out)

    def content(self) -> bytes:
        """All the bytes."""
        return self._out.getvalue()

    def add(self, argv: list[bytes]) -> None:
        """Add a command."""
        before: i64 = len(self._out)
        write_request(self._out, argv)
        self._fit(before)

    def annotate(self, line: bytes) -> None:
        """Add a line that is no command."""
        before: i64 = len(self._out)
        self._out.write(line)
        self._fit(before)

    def clear(self) -> None:
        """Forget the bytes."""
        self._out.truncate(0)
        if self._capacity >= _KEPT_BYTES:
            self.free()

    def free(self) -> None:
        """Give the block back."""
        if self._address != 0:
            self._allocator.free(self._address)
        self._address = 0
        self._capacity = 0
        self.allocated = 0

    def addresses(self) -> list[int]:
        """The blocks in the ledger."""
        return [] if self._address == 0 else [int(self._address)]

    def _fit(self, before: i64) -> None:
        """Have a block that is large enough, now that there are more than ``before`` bytes."""
        if len(self._out) <= self._capacity:
            return
        header, request = sds_make_room(before, len(self._out) - before, True)
        if self._address != 0:
            self._allocator.free(self._address)
        self._address = self._allocator.alloc(request)
        self.allocated = self._allocator.usable(self._address)
        self._capacity = sds_capacity(header, self.allocated)
