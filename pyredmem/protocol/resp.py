"""RESP2 and RESP3 replies as bytes.

Small parts are written to a growing native buffer. A large string is not copied into it: it becomes a part of its own,
and the transport gets the list of parts. So a value of 64 MB is sent without a second copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from pyredmem.base.double_text import format_fixed
from pyredmem.base.numbers import format_double
from pyredmem.memory.heap_bytes import HeapBytes
from pyredmem.protocol.reply import ReplySink, one_line

CRLF: Final = b"\r\n"

#: Strings of at least this many bytes become a part of their own.
LARGE_BULK: Final = 32768

#: Bytes of strings after which `on_growth` is called, while one command writes a long reply.
GROWTH_STEP: Final = 65536
#: What a string takes beside its bytes, at least.
_FRAME_BYTES: Final = 6

_HEADERS: Final = 1024
_BULK_HEADERS: Final = tuple([b"$%d\r\n" % size for size in range(_HEADERS)])
_INTEGERS: Final = tuple([b":%d\r\n" % number for number in range(_HEADERS)])


class RespSink(ReplySink):
    """Replies of RESP2. RESP3 differs in a few types only."""

    def __init__(self) -> None:
        super().__init__(2)
        self._writer = BytesWriter()
        self._parts: list[bytes] = []
        self._parts_size: i64 = 0
        self._largest_part: i64 = 0
        self._step_left: i64 = GROWTH_STEP
        self._discards = False
        #: Called each time the output has grown by another step without being taken.
        self.on_growth: Callable[[], None] | None = None

    # The bytes written so far.

    def size(self) -> i64:
        """How many bytes have been written since the last take."""
        return self._parts_size + len(self._writer)

    def largest_part(self) -> i64:
        """Length of the longest string that waits as a part of its own; 0 if there is none."""
        return self._largest_part

    def has_parts(self) -> bool:
        """Whether a large string waits as a part of its own."""
        return len(self._parts) > 0

    def take(self) -> bytes:
        """All bytes written since the last take, as one string."""
        if self._parts:
            return b"".join(self.take_parts())
        output = self._writer.getvalue()
        self._writer.truncate(0)
        self._step_left = GROWTH_STEP
        return output

    def take_parts(self) -> list[bytes]:
        """All bytes written since the last take, with each large string as a part of its own."""
        self._close_part()
        parts = self._parts
        self._parts = []
        self._parts_size = 0
        self._largest_part = 0
        self._step_left = GROWTH_STEP
        return parts

    def part(self, start: i64, most: i64) -> bytes:
        """At most ``most`` of the bytes written since the last take, from ``start`` on."""
        found = b""
        for part in self._parts:
            size: i64 = len(part)
            if start < size:
                found += part[start : start + most - len(found)]
                start = size
            start -= size
        writer = self._writer
        end = min(start + most - len(found), len(writer))
        return found + bytes([writer[at] for at in range(start, end)])

    def discard(self) -> None:
        """Drop the output, and what is still to come: the client is disconnected while its command runs."""
        self.take_parts()
        self._discards = True

    def _grown(self) -> None:
        """Another step of output has been written."""
        self._step_left = GROWTH_STEP
        if self._discards:
            self.take_parts()
        elif self.on_growth is not None:
            self.on_growth()

    def raw(self, data: bytes) -> None:
        """Write bytes that are already RESP."""
        if len(data) < LARGE_BULK:
            self._writer.write(data)
        else:
            self._add_part(data)

    def append_from(self, other: RespSink) -> None:
        """Move everything written to ``other`` to the end of this sink. Large strings are not copied."""
        if not other.has_parts():
            self._writer.write(other.take())
            return
        for part in other.take_parts():
            self.raw(part)

    def _add_part(self, data: bytes) -> None:
        self._close_part()
        size: i64 = len(data)
        self._parts.append(data)
        self._parts_size += size
        if size > self._largest_part:
            self._largest_part = size

    def _close_part(self) -> None:
        if len(self._writer) > 0:
            part = self._writer.getvalue()
            self._parts.append(part)
            self._parts_size += len(part)
            self._writer = BytesWriter()

    # Replies.

    def ok(self) -> None:
        self._writer.write(b"+OK\r\n")

    def simple(self, text: bytes) -> None:
        writer = self._writer
        writer.write(b"+")
        writer.write(text)
        writer.write(CRLF)

    def error(self, message: bytes) -> None:
        writer = self._writer
        writer.write(b"-")
        writer.write(one_line(message))
        writer.write(CRLF)

    def integer(self, number: i64) -> None:
        if 0 <= number < _HEADERS:
            self._writer.write(_INTEGERS[number])
        else:
            self._line(b":", number)

    def bulk(self, data: bytes) -> None:
        size: i64 = len(data)
        if size < _HEADERS:
            writer = self._writer
            writer.write(_BULK_HEADERS[size])
            writer.write(data)
            writer.write(CRLF)
        else:
            self._large_bulk(data, size)
        self._step_left -= size + _FRAME_BYTES
        if self._step_left < 0:
            self._grown()

    def bulk_from(self, heap: HeapBytes, address: i64, length: i64) -> None:
        if length >= _HEADERS:
            self.bulk(heap.load(address, length))
            return
        writer = self._writer
        writer.write(_BULK_HEADERS[length])
        heap.reply(address, length, writer)
        writer.write(CRLF)
        self._step_left -= length + _FRAME_BYTES
        if self._step_left < 0:
            self._grown()

    def _large_bulk(self, data: bytes, size: i64) -> None:
        self._line(b"$", size)
        if size < LARGE_BULK:
            self._writer.write(data)
        else:
            self._add_part(data)
        self._writer.write(CRLF)

    def _line(self, kind: bytes, number: i64) -> None:
        writer = self._writer
        writer.write(kind)
        writer.write(str(number).encode())
        writer.write(CRLF)

    def null(self) -> None:
        self._writer.write(b"$-1\r\n")

    def null_array(self) -> None:
        self._writer.write(b"*-1\r\n")

    def array(self, size: i64) -> None:
        self._line(b"*", size)

    def map(self, size: i64) -> None:
        self._line(b"*", 2 * size)

    def set(self, size: i64) -> None:
        self._line(b"*", size)

    def push(self, size: i64) -> None:
        self._line(b"*", size)

    def attribute(self, size: i64) -> bool:
        return False

    def double(self, number: float) -> None:
        self.bulk(format_double(number))

    def boolean(self, value: bool) -> None:
        self._writer.write(b":1\r\n" if value else b":0\r\n")

    def verbatim(self, text: bytes, kind: bytes = b"txt") -> None:
        self.bulk(text)

    def big_number(self, digits: bytes) -> None:
        self.bulk(digits)


class Resp3Sink(RespSink):
    """Replies of RESP3."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol = 3

    def null(self) -> None:
        self._writer.write(b"_\r\n")

    def null_array(self) -> None:
        self._writer.write(b"_\r\n")

    def map(self, size: i64) -> None:
        self._line(b"%", size)

    def set(self, size: i64) -> None:
        self._line(b"~", size)

    def push(self, size: i64) -> None:
        self._line(b">", size)

    def attribute(self, size: i64) -> bool:
        self._line(b"|", size)
        return True

    def double(self, number: float) -> None:
        writer = self._writer
        writer.write(b",")
        writer.write(format_double(number))
        writer.write(CRLF)

    def fixed_double(self, number: float) -> None:
        writer = self._writer
        writer.write(b",")
        writer.write(format_fixed(number))
        writer.write(CRLF)

    def boolean(self, value: bool) -> None:
        self._writer.write(b"#t\r\n" if value else b"#f\r\n")

    def verbatim(self, text: bytes, kind: bytes = b"txt") -> None:
        self._line(b"=", len(text) + 4)
        writer = self._writer
        writer.write(kind)
        writer.write(b":")
        writer.write(text)
        writer.write(CRLF)

    def big_number(self, digits: bytes) -> None:
        writer = self._writer
        writer.write(b"(")
        writer.write(digits)
        writer.write(CRLF)
