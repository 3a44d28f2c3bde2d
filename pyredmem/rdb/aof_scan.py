"""Reads the commands of one file up to the first error, and describes it as redis-check-aof does.

The check is stricter than a server in some things and laxer in others: every line must end with ``\\r\\n``, but a
command may have no arguments. It looks at no command except MULTI and EXEC, which must come in pairs: what follows a
MULTI is whole only with its EXEC.
"""

import re
from typing import Final

from pyredmem.base.numbers import INT64_MAX
from pyredmem.persistence.aof_reader import CommandBuffer, number_of
from pyredmem.rdb.text import readable

#: The most bytes that redis-check-aof reads of a line with a number, and of an annotation.
_MOST_OF_NUMBER: Final = 127
_MOST_OF_ANNOTATION: Final = 1023
#: What the beginning of a command looks like.
_BEGINNING: Final = re.compile(rb"\*[1-9][0-9]{0,9}\r\n\$[0-9]{1,10}\r\n")
_MOST_OF_BEGINNING: Final = 30
#: How much is searched at a time for the beginning of a command (bytes).
_PIECE: Final = 1 << 16


class BadAnnotationError(Exception):
    """An annotation has no time, and the times matter."""


class Scan:
    """Reads one file. ``lines`` are counted on from the files before it.

    If ``until`` is not zero, it stops at the first annotation with a later time (unix seconds).
    """

    def __init__(self, buffer: CommandBuffer, path: str, lines: int, until: int) -> None:
        self._buffer = buffer
        self._path = path
        self._until = until
        self._open = 0  # the number of MULTI without EXEC; negative if there are more EXEC
        self._place = 0  # where the number, string or annotation begins that was read last
        self._commands = 0
        self.lines = lines
        self.ok_up_to = buffer.offset()  # the end of what is whole
        self.commands = 0  # that are whole
        self.error = ""  # with its place
        self.is_no_command = False  # whether it ended where neither a command nor an annotation begins
        self.ends_early = False  # whether the file ends within a command or a transaction
        self.later = -1  # where the annotation is that has a later time, if it ended there
        self.torn_annotation = -1  # where the last annotation begins, if it is not whole

    def run(self) -> None:
        """Read up to the end, to an error, or to an annotation with a later time. Raises BadAnnotationError."""
        buffer = self._buffer
        goes_on = True
        while goes_on:
            start = buffer.offset()
            if self._open == 0:
                self.ok_up_to = start
                self.commands = self._commands
            command = buffer.command()
            goes_on = self._read_unusual() if command is None else self._take(start, command)
        if self._open != 0 and not self.error and not self.is_no_command and self.later < 0:
            self._fail("Reached EOF before reading EXEC for MULTI")
            self.ends_early = True

    def _take(self, start: int, command: list[bytes]) -> bool:
        """Count a whole command. Its headers are written in the usual way, so their lengths are known."""
        headers = len(b"*%d\r\n$%d\r\n" % (len(command), len(command[0])))
        self._place = start + headers
        self.lines += 3
        if not self._balance(command[0]):
            return False
        self._place = self._buffer.offset() - len(command[-1]) - 2
        self.lines += 2 * len(command) - 2
        self._commands += 1
        return True

    def _read_unusual(self) -> bool:
        """Read what is not a whole command, or is not written in the usual way; returns whether it goes on."""
        first = self._buffer.peek()
        if first == b"#":
            return self._read_annotation()
        if first == b"*":
            return self._read_command()
        self.is_no_command = bool(first)
        return False

    def _read_annotation(self) -> bool:
        self._place = self._buffer.offset()
        line = self._buffer.line(_MOST_OF_ANNOTATION)
        if self._buffer.left() == 0 and not line.endswith(b"\n"):
            self.torn_annotation = self._place
        if self._until == 0 or not line.startswith(b"#TS:"):
            return True
        time, end = number_of(line[4:])
        if line[4 + end : 5 + end] != b"\r":
            raise BadAnnotationError
        if time > self._until:
            self.later = self._place
        return time <= self._until

    def _read_command(self) -> bool:
        count = self._read_number(b"*")
        if count is None:
            return False
        for number in range(count):
            argument = self._read_string()
            if argument is None or (number == 0 and not self._balance(argument)):
                return False
        self._commands += 1
        return True

    def _read_number(self, prefix: bytes) -> int | None:
        """The number of a line; None, and an error, if there is none."""
        self._place = self._buffer.offset()
        line = self._buffer.line(_MOST_OF_NUMBER)
        if not line:  # Redis has no message for that
            self.ends_early = True
            return None
        if line[:1] != prefix:
            self._fail(f"Expected prefix '{prefix.decode()}', got: {_quoted(line[:1])}")
            return None
        number, end = number_of(line[1:])
        return number if self._ends_line(line[1 + end :]) else None

    def _read_string(self) -> bytes | None:
        size = self._read_number(b"$")
        if size is None:
            return None
        if not 0 <= size <= INT64_MAX - 2:
            self._fail(f"Expected to read string of {size} bytes, which is not in the suitable range")
            return None
        self._place = self._buffer.offset()
        left = self._buffer.left()
        if size + 2 > left:
            self._fail(f"Expected to read {size + 2} bytes, got {left} bytes")
            self.ends_early = True
            return None
        string = self._buffer.raw(size)
        return string if self._ends_line(self._buffer.raw(2)) else None

    def _ends_line(self, rest: bytes) -> bool:
        """Whether these bytes are the end of a line; an error if they are not."""
        if rest[:2] == b"\r\n":
            self.lines += 1
            return True
        found = "".join([_hexadecimal(byte) for byte in (rest + b"\0\0")[:2]])
        self._fail(f"Expected \\r\\n, got: {found}")
        self.ends_early = len(rest) < 2 and self._buffer.left() == 0
        return False

    def _balance(self, name: bytes) -> bool:
        """Count a command that begins or ends a transaction; an error if it must not come here."""
        word = name.partition(b"\0")[0].lower()
        if word == b"multi":
            self._open += 1
            if self._open != 1:
                self._fail(f"Unexpected MULTI in AOF {self._path}")
                return False
        elif word == b"exec":
            self._open -= 1
            if self._open != 0:
                self._fail(f"Unexpected EXEC in AOF {self._path}")
                return False
        return True

    def is_in_transaction(self) -> bool:
        """Whether it ended after a MULTI that has no EXEC."""
        return self._open == 1

    def _fail(self, message: str) -> None:
        self.error = f"0x{self._place:16x}: {message}"

    def find_further_commands(self) -> int:
        """After an error: where in the rest of the file a command seems to begin; -1 if none does."""
        text = b""
        start = self._buffer.offset()
        while piece := self._buffer.raw(_PIECE):
            text += piece
            found = _BEGINNING.search(text)
            if found is not None:
                return start + found.start()
            start += max(0, len(text) - _MOST_OF_BEGINNING)
            text = text[-_MOST_OF_BEGINNING:]
        return -1


def _quoted(byte: bytes) -> str:
    """A byte in quotes. After a NUL redis-check-aof prints nothing any more."""
    return "'" if byte == b"\0" else f"'{readable(byte)}'"


def _hexadecimal(byte: int) -> str:
    """A byte as the program in C prints it, for which it is a signed number."""
    return f"{byte if byte < 128 else byte + 0xFFFFFF00:02x}"
