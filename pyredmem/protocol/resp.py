"""RESP2 and RESP3 replies as bytes.

Small parts go into a growing native buffer. A large string is not copied into it: it becomes a part of its own, and the
transport gets the list of parts, so a value of 64 MB is written without a second copy.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from pyredmem.base.double_text import format_fixed
from pyredmem.base.numbers import format_double
from pyredmem.protocol.reply import ReplySink

CRLF: Final = b"\r\n"

#: Bulk strings from this size on are handed over without a copy (bytes).
LARGE_BULK: Final = 32768

_HEADERS: Final = 1024
_BULK_HEADERS: Final = tuple([b"$%d\r\n" % size for size in range(_HEADERS)])
_INTEGERS: Final = tuple([b":%d\r\n" % number for number in range(_HEADERS)])
_LINE_BREAKS: Final = bytes.maketrans(b"\r\n", b"  ")


class RespSink(ReplySink):
    """Replies of RESP2; RESP3 differs in a few types only."""

    def __init__(self) -> None:
        super().__init__(2)
        self._writer = BytesWriter()
        self._parts: list[bytes] = []
        self._parts_size: i64 = 0

    # What has been written.

    def size(self) -> i64:
        """Bytes written and not yet taken."""
        return self._parts_size + len(self._writer)

    def has_parts(self) -> bool:
        """Whether a large string waits as a part of its own."""
        return len(self._parts) > 0

    def take(self) -> bytes:
        """All bytes written since the last take, as one string."""
        if self._parts:
            return b"".join(self.take_parts())
        output = self._writer.getvalue()
        self._writer.truncate(0)
        return output

    def take_parts(self) -> list[bytes]:
        """All bytes written since the last take, large strings as parts of their own."""
        self._close_part()
        parts = self._parts
        self._parts = []
        self._parts_size = 0
        return parts

    def truncate(self, size: i64) -> None:
        """Forget what was written beyond ``size`` bytes (a reply that the client does not want)."""
        if size >= self._parts_size:
            self._writer.truncate(size - self._parts_size)
            return
        data = self.take()[:size]
        self._writer.write(data)

    def _close_part(self) -> None:
        if len(self._writer) > 0:
            part = self._writer.getvalue()
            self._parts.append(part)
            self._parts_size += len(part)
            self._writer = BytesWriter()

    def raw(self, data: bytes) -> None:
        """Bytes that are already RESP."""
        self._writer.write(data)

    # Replies.

    def ok(self) -> None:
        """The simple string OK."""
        self._writer.write(b"+OK\r\n")

    def simple(self, text: bytes) -> None:
        """A simple string."""
        writer = self._writer
        writer.write(b"+")
        writer.write(text)
        writer.write(CRLF)

    def error(self, message: bytes) -> None:
        """An error; line breaks inside become spaces."""
        writer = self._writer
        writer.write(b"-")
        writer.write(message.translate(_LINE_BREAKS))
        writer.write(CRLF)

    def integer(self, number: i64) -> None:
        """A signed 64-bit integer."""
        if 0 <= number < _HEADERS:
            self._writer.write(_INTEGERS[number])
        else:
            self._line(b":", number)

    def bulk(self, data: bytes) -> None:
        """A binary-safe string."""
        size: i64 = len(data)
        if size < _HEADERS:
            writer = self._writer
            writer.write(_BULK_HEADERS[size])
            writer.write(data)
            writer.write(CRLF)
            return
        self._line(b"$", size)
        if size < LARGE_BULK:
            self._writer.write(data)
        else:
            self._close_part()
            self._parts.append(data)
            self._parts_size += size
        self._writer.write(CRLF)

    def _line(self, kind: bytes, number: i64) -> None:
        writer = self._writer
        writer.write(kind)
        writer.write(str(number).encode())
        writer.write(CRLF)

    def null(self) -> None:
        """The absence of a value."""
        self._writer.write(b"$-1\r\n")

    def null_array(self) -> None:
        """The absence of an array."""
        self._writer.write(b"*-1\r\n")

    def array(self, size: i64) -> None:
        """An array header."""
        self._line(b"*", size)

    def map(self, size: i64) -> None:
        """A flat array of keys and values."""
        self._line(b"*", 2 * size)

    def set(self, size: i64) -> None:
        """An array header."""
        self._line(b"*", size)

    def push(self, size: i64) -> None:
        """An array header."""
        self._line(b"*", size)

    def double(self, number: float) -> None:
        """The decimal text as a bulk string."""
        self.bulk(format_double(number))

    def boolean(self, value: bool) -> None:
        """1 or 0."""
        self._writer.write(b":1\r\n" if value else b":0\r\n")

    def verbatim(self, text: bytes, kind: bytes = b"txt") -> None:
        """The text as a bulk string."""
        self.bulk(text)

    def big_number(self, digits: bytes) -> None:
        """The digits as a bulk string."""
        self.bulk(digits)


class Resp3Sink(RespSink):
    """Replies of RESP3."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol = 3

    def null(self) -> None:
        """The null of RESP3."""
        self._writer.write(b"_\r\n")

    def null_array(self) -> None:
        """The null of RESP3."""
        self._writer.write(b"_\r\n")

    def map(self, size: i64) -> None:
        """A map header."""
        self._line(b"%", size)

    def set(self, size: i64) -> None:
        """A set header."""
        self._line(b"~", size)

    def push(self, size: i64) -> None:
        """A push header."""
        self._line(b">", size)

    def attribute(self, size: i64) -> None:
        """Facts beside the reply that follows them: ``size`` pairs."""
        self._line(b"|", size)

    def double(self, number: float) -> None:
        """A double."""
        writer = self._writer
        writer.write(b",")
        writer.write(format_double(number))
        writer.write(CRLF)

    def fixed_double(self, number: float) -> None:
        """A double without an exponent."""
        writer = self._writer
        writer.write(b",")
        writer.write(format_fixed(number))
        writer.write(CRLF)

    def boolean(self, value: bool) -> None:
        """True or false."""
        self._writer.write(b"#t\r\n" if value else b"#f\r\n")

    def verbatim(self, text: bytes, kind: bytes = b"txt") -> None:
        """A verbatim string with its kind."""
        self._line(b"=", len(text) + 4)
        writer = self._writer
        writer.write(kind)
        writer.write(b":")
        writer.write(text)
        writer.write(CRLF)

    def big_number(self, digits: bytes) -> None:
        """A big number."""
        writer = self._writer
        writer.write(b"(")
        writer.write(digits)
        writer.write(CRLF)
