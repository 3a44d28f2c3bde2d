"""Parses requests, whatever pieces their bytes arrive in.

The grammar is that of Redis's ``processMultibulkBuffer`` and ``processInlineBuffer``: a request is either an array of
bulk strings (``*2\\r\\n$3\\r\\nGET\\r\\n$1\\r\\nk\\r\\n``) or a line of words. :class:`RequestParser` is that grammar
with all its limits and errors. Work and copies are linear in the bytes received: a large string is collected in pieces
and joined once, when its last piece is there.

Interpreted builds put hiredis in front of this parser, see :mod:`pyredmem.protocol.hiredis_request`.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import ProtocolError
from pyredmem.base.numbers import parse_integer

#: The longest line: an inline request, or the header of an array or a string (PROTO_INLINE_MAX_SIZE), bytes.
MAX_LINE: Final = 65536
#: The most strings of an array: what a C int can count.
MAX_ARGUMENTS: Final = 2147483647
#: The limits for a client that has not authenticated (Redis 7.2 networking.c).
UNAUTHENTICATED_ARGUMENTS: Final = 10
UNAUTHENTICATED_BULK: Final = 16384
#: An incomplete string of at least this many bytes is collected in pieces, so that many small reads stay linear.
COLLECTED_STRING: Final = 1024

_STAR: Final = 42
_DOLLAR: Final = 36
_CR: Final = 13
_ZERO: Final = 48
_NINE: Final = 57

# What ``_number`` returns in place of a number. A negative number itself is returned as -1.
_INCOMPLETE: Final = -2  # the end of the line has not arrived
_NOT_A_NUMBER: Final = -3


class RequestParser:
    """Turns the bytes of one connection into requests: ``feed`` bytes, then take the ``requests`` they complete."""

    def __init__(self, max_bulk: i64 = 512 * 1024 * 1024) -> None:
        self.max_bulk: i64 = max_bulk  # proto-max-bulk-len, bytes
        self.authenticated = True
        self.error: ProtocolError | None = None
        self._data = b""
        self._position: i64 = 0
        self._missing: i64 = 0  # arguments of the current request that have not arrived
        self._bulk: i64 = -1  # length of the string whose header has been read
        self._arguments: list[bytes] = []
        self._arguments_size: i64 = 0
        self._pieces: list[bytes] = []  # of a large string, instead of _data
        self._pieces_size: i64 = 0

    def pending(self) -> i64:
        """Bytes received that are not part of a complete request yet."""
        return len(self._data) - self._position + self._pieces_size + self._arguments_size

    def awaited_bulk(self) -> i64:
        """The length of the string that is being received, -1 if none is."""
        return self._bulk

    def feed(self, data: bytes) -> None:
        """Take received bytes."""
        if self._pieces_size > 0:
            self._pieces.append(data)
            self._pieces_size += len(data)
        elif self._position >= len(self._data):
            self._data = data
            self._position = 0
        else:
            self._data = self._data[self._position :] + data
            self._position = 0

    def requests(self) -> list[list[bytes]]:
        """The requests that are complete, in order; empty if more bytes are needed.

        Before a client has authenticated, one request is returned at a time: if it is AUTH, other limits apply to the
        next one. A protocol error is in ``error`` once all requests before it have been returned.
        """
        found: list[list[bytes]] = []
        try:
            while self.error is None:
                request = self._next()
                if request is None:
                    break
                found.append(request)
                if not self.authenticated:
                    break
        except ProtocolError as error:
            self.error = error
        return found

    def _next(self) -> list[bytes] | None:
        """The next request, None while it is incomplete; raises ProtocolError."""
        while True:
            if self._missing == 0:
                position = self._position
                if position >= len(self._data):
                    if position > 0:
                        self._data = b""
                        self._position = 0
                    return None
                if self._data[position] != _STAR:
                    words = self._inline()
                    if words is None:
                        return None
                    if words:
                        return words
                    continue
                if not self._array_header():
                    return None
                if self._missing == 0:
                    continue
            if not self._strings():
                return None
            arguments = self._arguments
            self._arguments = []
            self._arguments_size = 0
            return arguments

    def _number(self, start: i64) -> i64:
        """Read the number of a header line, whose first digit is at ``start``, and move the position after the line.

        Returns _INCOMPLETE or _NOT_A_NUMBER where there is none.
        """
        data = self._data
        end: i64 = len(data)
        at: i64 = start
        number: i64 = 0
        while at < end and at - start < 12:
            byte: i64 = data[at]
            if byte < _ZERO or byte > _NINE:
                break
            number = number * 10 + (byte - _ZERO)
            at += 1
        # The usual case: digits without a leading zero, then the end of the line.
        if at > start and at + 1 < end and data[at] == _CR and (at - start == 1 or data[start] != _ZERO):
            self._position = at + 2
            return number
        return self._unusual_number(start)

    def _unusual_number(self, start: i64) -> i64:
        line_end = self._header_end(start)
        if line_end < 0:
            return _INCOMPLETE
        parsed = parse_integer(self._data[start:line_end])
        if parsed is None:
            return _NOT_A_NUMBER
        self._position = line_end + 2
        number: i64 = parsed
        return number if number >= 0 else -1

    def _header_end(self, start: i64) -> i64:
        """The place of the CR of a header line, -1 if the line is incomplete.

        Redis searches for it as in a C string, so it finds none after a NUL.
        """
        line_end: i64 = self._data.find(b"\r", start)
        if line_end < 0 or line_end + 1 >= len(self._data) or self._data.find(b"\x00", start, line_end) >= 0:
            return -1
        return line_end

    def _array_header(self) -> bool:
        start = self._position + 1
        count = self._number(start)
        if count == _INCOMPLETE:
            if len(self._data) - self._position > MAX_LINE:
                raise ProtocolError(b"ERR Protocol error: too big mbulk count string")
            return False
        if count == _NOT_A_NUMBER or count > MAX_ARGUMENTS:
            raise ProtocolError(b"ERR Protocol error: invalid multibulk length")
        if count > UNAUTHENTICATED_ARGUMENTS and not self.authenticated:
            raise ProtocolError(b"ERR Protocol error: unauthenticated multibulk length")
        self._missing = count if count > 0 else 0
        return True

    def _strings(self) -> bool:
        """Read the strings of an array; False while it is incomplete."""
        while self._missing > 0:
            if self._pieces_size > 0:
                if not self._join_pieces():
                    return False
                continue
            if self._bulk < 0 and not self._bulk_header():
                return False
            start = self._position
            size = self._bulk
            if start + size + 2 > len(self._data):
                if size >= COLLECTED_STRING:
                    self._collect()
                return False
            end = start + size
            self._add(self._data[start:end])
            self._position = end + 2
        return True

    def _bulk_header(self) -> bool:
        position = self._position
        data = self._data
        if position >= len(data):
            return False
        if data[position] != _DOLLAR:
            # Redis waits for the whole line before it checks the first byte.
            if self._header_end(position) < 0:
                return self._long_bulk_header()
            raise ProtocolError(b"ERR Protocol error: expected '$', got '" + data[position : position + 1] + b"'")
        size = self._number(position + 1)
        if size == _INCOMPLETE:
            return self._long_bulk_header()
        if size < 0 or size > self.max_bulk:
            raise ProtocolError(b"ERR Protocol error: invalid bulk length")
        if size > UNAUTHENTICATED_BULK and not self.authenticated:
            raise ProtocolError(b"ERR Protocol error: unauthenticated bulk length")
        self._bulk = size
        return True

    def _long_bulk_header(self) -> bool:
        if len(self._data) - self._position > MAX_LINE:
            raise ProtocolError(b"ERR Protocol error: too big bulk count string")
        return False

    def _add(self, argument: bytes) -> None:
        self._arguments.append(argument)
        self._arguments_size += len(argument)
        self._bulk = -1
        self._missing -= 1

    def _collect(self) -> None:
        """Start to collect a large string in pieces."""
        piece = self._data[self._position :]
        self._data = b""
        self._position = 0
        if piece:
            self._pieces = [piece]
            self._pieces_size = len(piece)

    def _join_pieces(self) -> bool:
        """Complete a large string once all of its pieces and the end of its line have arrived."""
        surplus = self._pieces_size - (self._bulk + 2)
        if surplus < 0:
            return False
        pieces = self._pieces
        self._pieces = []
        self._pieces_size = 0
        # The string ends surplus + 2 bytes before the end of the last piece, or in an earlier piece if the end of the
        # line is split.
        last = pieces.pop()
        while len(last) < surplus + 2:
            last = pieces.pop() + last
        cut = len(last) - (surplus + 2)
        pieces.append(last[:cut])
        self._data = last[cut + 2 :]
        self._position = 0
        self._add(b"".join(pieces))
        return True

    def _inline(self) -> list[bytes] | None:
        """Read a line of words; None while the line is incomplete."""
        data = self._data
        line_end: i64 = data.find(b"\n", self._position)
        # As in a C string, no end of the line is found after a NUL.
        if line_end < 0 or data.find(b"\x00", self._position, line_end) >= 0:
            if len(data) - self._position > MAX_LINE:
                raise ProtocolError(b"ERR Protocol error: too big inline request")
            return None
        line = data[self._position : line_end]
        if line.endswith(b"\r"):
            line = line[:-1]
        self._position = line_end + 1
        words = split_words(line)
        if words is None:
            raise ProtocolError(b"ERR Protocol error: unbalanced quotes in request")
        return words


_ESCAPES: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
_HEX_DIGITS: Final = b"0123456789abcdefABCDEF"
_SPACES: Final = b" \n\r\t\v\f"
_WORD_ENDS: Final = b" \n\r\t"


def split_words(line: bytes) -> list[bytes] | None:
    r"""Split a line into words as Redis does (sdssplitargs); None if quotes are unbalanced.

    In double quotes ``\n``, ``\r``, ``\t``, ``\b``, ``\a`` and ``\xHH`` are escapes, in single quotes only ``\'``. A
    closing quote must be followed by a space or by the end of the line.
    """
    if b'"' not in line and b"'" not in line and b"\v" not in line and b"\f" not in line:
        return line.split()
    words: list[bytes] = []
    at = 0
    end = len(line)
    while True:
        while at < end and line[at] in _SPACES:
            at += 1
        if at >= end:
            return words
        word: list[bytes] = []
        while at < end and line[at] not in _WORD_ENDS:
            byte = line[at : at + 1]
            if byte in {b'"', b"'"}:
                at = _quoted(line, at, word)
                if at < 0 or (at < end and line[at] not in _SPACES):
                    return None
                break
            word.append(byte)
            at += 1
        words.append(b"".join(word))


def _quoted(line: bytes, start: int, word: list[bytes]) -> int:
    """Append the quoted text that starts at ``start`` to ``word``; returns the place after it, or -1."""
    quote = line[start : start + 1]
    at = start + 1
    end = len(line)
    while at < end:
        byte = line[at : at + 1]
        if byte == quote:
            return at + 1
        if byte == b"\\" and at + 1 < end:
            following = line[at + 1 : at + 2]
            if quote == b"'":
                if following == b"'":
                    byte = b"'"
                    at += 1
            elif following == b"x" and at + 3 < end and line[at + 2] in _HEX_DIGITS and line[at + 3] in _HEX_DIGITS:
                byte = bytes([int(line[at + 2 : at + 4], 16)])
                at += 3
            else:
                byte = _ESCAPES.get(following, following)
                at += 1
        word.append(byte)
        at += 1
    return -1
