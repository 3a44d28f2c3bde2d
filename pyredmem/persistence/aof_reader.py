"""Reads the commands of an append-only file, one after the other (Redis 7.2 aof.c ``loadSingleAppendOnlyFile``).

A command is an array of bulk strings, as in a request. Between commands there may be annotations: lines that begin with
``#``. A server with ``aof-timestamp-enabled`` writes one of them in each second in which it writes commands::

    #TS:1700000000\\r\\n
    *2\\r\\n$3\\r\\nDEL\\r\\n$1\\r\\nk\\r\\n

Nearly all commands are written exactly like that, and are parsed from a large buffer in one loop. Whatever is written
otherwise is left to a reader of lines: Redis reads a number as C's ``strtol`` does, with blanks or a sign before it and
anything after it, and does not look at the two bytes after a string.
"""

from __future__ import annotations

import re
from typing import Final

from mypy_extensions import i64

from pyredmem.base.files import ReadableFile
from pyredmem.base.numbers import INT64_MAX, INT64_MIN

#: How much of a file is read at a time (bytes).
_PIECE: Final = 1 << 18
#: The most bytes of a line that Redis reads at once (AOF_ANNOTATION_LINE_MAX_LEN, without the NUL).
_MAX_LINE: Final = 1023
#: The most arguments of a command: what a C int can count.
_MAX_ARGUMENTS: Final = 2147483647
#: As many digits fit 64 bits, and leave room for a sum.
_SURE_DIGITS: Final = 18
_TIMESTAMP: Final = b"#TS:"

_HASH: Final = 35
_DOLLAR: Final = 36
_STAR: Final = 42
_ZERO: Final = 48
_NINE: Final = 57
_CR: Final = 13
_LF: Final = 10

_C_NUMBER: Final = re.compile(rb"[ \t-\r]*([+-]?[0-9]+)")


class AofTruncated(Exception):  # noqa: N818 - not an error if the server may truncate the file
    """The file ends within a command or an annotation. What is whole ends at the reader's ``offset``."""


class AofFormatError(Exception):
    """Something in the file is not a command: where it is (bytes from the beginning), and what is wrong."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


def number_of(text: bytes) -> tuple[int, int]:
    """The number that C's ``strtol`` reads at the beginning of a text, and where it ends; 0 and 0 if there is none."""
    found = _C_NUMBER.match(text)
    if found is None:
        return 0, 0
    return max(INT64_MIN, min(INT64_MAX, int(found.group(1)))), found.end()


class CommandBuffer:
    """The part of a file that is in memory: gives whole commands and, where there is none, lines and bytes.

    ``data`` are bytes that were already read from the file: the first of them is at ``offset``.
    """

    def __init__(self, file: ReadableFile, offset: int = 0, data: bytes = b"") -> None:
        self._file = file
        self._size: i64 = file.size()
        self._start: i64 = offset  # where the data begin in the file
        self._data = data
        self._at: i64 = 0
        self._missing: i64 = 0  # how many bytes are missing, at least, for the command that was tried last

    def offset(self) -> int:
        """Where in the file the next byte is."""
        return self._start + self._at

    def left(self) -> int:
        """How many bytes the file has from here on."""
        return self._size - self._start - self._at

    def command(self) -> list[bytes] | None:
        """The next command; None, and nothing is read, if it is not whole or not written in the usual way."""
        while True:
            command = self._parse()
            if command is not None or self._missing == 0:
                return command
            have: i64 = len(self._data) - self._at
            if have + self._missing > self._size - self._start - self._at:
                return None
            # Twice as much as there was: a command with very many arguments is not tried too often.
            self._read_on(have + max(self._missing, have))

    def _parse(self) -> list[bytes] | None:
        """The next command if it is in the data; otherwise what is missing is in ``_missing``, zero if nothing is."""
        data = self._data
        end: i64 = len(data)
        at = self._at
        left: i64 = -1  # arguments that were not read; -1 before their number is known
        command: list[bytes] = []
        self._missing = 1
        while left != 0:
            if at >= end:
                return None
            if data[at] != (_STAR if left < 0 else _DOLLAR):
                self._missing = 0
                return None
            at += 1
            number: i64 = 0
            last_digit = at + _SURE_DIGITS
            first = at
            while at < end and _ZERO <= data[at] <= _NINE and at < last_digit:
                number = number * 10 + (data[at] - _ZERO)
                at += 1
            if at + 2 > end:
                return None
            if at == first or data[at] != _CR or data[at + 1] != _LF or (data[first] == _ZERO and at - first > 1):
                self._missing = 0
                return None
            at += 2
            if left < 0:
                left = number
                continue
            stop = at + number
            if stop + 2 > end:
                self._missing = stop + 2 - end
                return None
            if data[stop] != _CR or data[stop + 1] != _LF:
                self._missing = 0
                return None
            command.append(data[at:stop])
            at = stop + 2
            left -= 1
        self._missing = 0
        if not command:
            return None
        self._at = at
        return command

    def peek(self) -> bytes:
        """The next byte, which is not read by this; empty at the end of the file."""
        self._read_on(1)
        return self._data[self._at : self._at + 1]

    def line(self, size: int) -> bytes:
        """The bytes up to a line break, with it; at most ``size`` of them, or what is left of the file."""
        self._read_on(size)
        at = self._at
        end: i64 = self._data.find(b"\n", at, at + size) + 1
        if end == 0:
            end = min(at + size, len(self._data))
        self._at = end
        return self._data[at:end]

    def raw(self, size: int) -> bytes:
        """The next bytes: ``size`` of them, or what is left of the file."""
        self._read_on(size)
        at = self._at
        self._at = min(at + size, len(self._data))
        return self._data[at : self._at]

    def _read_on(self, size: i64) -> None:
        """Have ``size`` bytes in memory, or what is left of the file."""
        have: i64 = len(self._data) - self._at
        if have >= size:
            return
        pieces = [self._data[self._at :]]
        while have < size:
            piece = self._file.read(max(size - have, _PIECE))
            if not piece:
                self._size = self._start + self._at + have
                break
            pieces.append(piece)
            have += len(piece)
        self._start += self._at
        self._data = b"".join(pieces)
        self._at = 0


class AofReader:
    """Reads the commands of a file, with the tolerance of Redis.

    After an RDB preamble the commands begin at ``offset``, and ``data`` are the bytes from there on that were already
    read from the file.
    """

    def __init__(self, file: ReadableFile, offset: int = 0, data: bytes = b"") -> None:
        self._buffer = CommandBuffer(file, offset, data)
        self.offset = offset  # the end of the last whole command
        self.timestamp = 0  # of the last annotation (unix seconds), 0 if there was none

    def next(self) -> list[bytes] | None:
        """The next command, None at the end of the file. Raises AofTruncated and AofFormatError."""
        while True:
            command = self._buffer.command()
            if command is None:
                start = self._buffer.offset()
                line = self._buffer.line(_MAX_LINE)
                if not line:
                    return None
                if line[0] == _HASH:
                    self._read_annotation(line)
                    continue
                command = self._read_command(start, line)
            self.offset = self._buffer.offset()
            return command

    def _read_annotation(self, line: bytes) -> None:
        # Redis takes a part of an annotation for a whole one. It then appends the next command to the same line, and
        # cannot load the file again.
        if not line.endswith(b"\n") and self._buffer.left() == 0:
            raise AofTruncated
        if line.startswith(_TIMESTAMP):
            number, end = number_of(line[len(_TIMESTAMP) :])
            if end:
                self.timestamp = number

    def _read_command(self, start: int, line: bytes) -> list[bytes]:
        """Read a command line by line; ``line`` is its first one, which begins at ``start``."""
        if line[0] != _STAR:
            raise AofFormatError(start, "Expected a command, which begins with '*'")
        if line == b"*":
            raise AofTruncated
        count, _ = number_of(line[1:])
        if not 1 <= count <= _MAX_ARGUMENTS:
            raise AofFormatError(start, "Invalid number of arguments")
        command: list[bytes] = []
        while len(command) < count:
            command.append(self._read_argument())
        return command

    def _read_argument(self) -> bytes:
        start = self._buffer.offset()
        line = self._buffer.line(_MAX_LINE)
        if not line:
            raise AofTruncated
        if line[0] != _DOLLAR:
            raise AofFormatError(start, "Expected an argument, which begins with '$'")
        size, _ = number_of(line[1:])
        if size < 0:
            raise AofFormatError(start, "Invalid length of an argument")
        if size + 2 > self._buffer.left():  # no memory is asked for because of a false length
            raise AofTruncated
        argument = self._buffer.raw(size)
        if len(self._buffer.raw(2)) < 2:
            raise AofTruncated
        return argument
