"""The reply sink of redis.call: the reply of a command as the values that Lua is given.

The parts of a reply follow one another in a list. A part is a value, or None and the number of a kind with its
arguments; lua/api.lua puts them together again. An array announces its size, so no part has to wait for another.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.double_text import format_fixed
from pyredmem.base.numbers import format_double
from pyredmem.protocol.reply import ReplySink, one_line

# The kinds of parts after None, as lua/api.lua has them.
NULL: Final = 0
STATUS: Final = 1
ERROR: Final = 2
ARRAY: Final = 4
MAP: Final = 5
SET: Final = 6
DOUBLE: Final = 7
BIG_NUMBER: Final = 8
VERBATIM: Final = 9

_OK: Final[list[object]] = [None, STATUS, b"OK"]


class LuaSink(ReplySink):
    """Collects one reply in ``parts``. A script speaks RESP2 until it calls redis.setresp."""

    def __init__(self) -> None:
        super().__init__(2)
        self.parts: list[object] = []
        self.markers: i64 = 0  # how many of the parts are None

    def begin(self) -> None:
        """Forget the last reply."""
        if self.parts:
            self.parts = []
        self.markers = 0

    def _mark(self, kind: int, argument: object) -> None:
        self.markers += 1
        parts = self.parts
        parts.append(None)
        parts.append(kind)
        parts.append(argument)

    def ok(self) -> None:
        self.markers += 1
        self.parts += _OK

    def simple(self, text: bytes) -> None:
        self._mark(STATUS, text)

    def error(self, message: bytes) -> None:
        self._mark(ERROR, one_line(message))

    def integer(self, number: i64) -> None:
        self.parts.append(int(number))

    def bulk(self, data: bytes) -> None:
        self.parts.append(data)

    def bulks(self, items: list[bytes]) -> None:
        self._mark(ARRAY, len(items))
        self.parts += items

    def null(self) -> None:
        if self.protocol == 2:
            self.parts.append(False)
        else:
            self.markers += 1
            self.parts.append(None)
            self.parts.append(NULL)

    def null_array(self) -> None:
        self.null()

    def array(self, size: i64) -> None:
        self._mark(ARRAY, int(size))

    def map(self, size: i64) -> None:
        if self.protocol == 2:
            self._mark(ARRAY, int(2 * size))
        else:
            self._mark(MAP, int(size))

    def set(self, size: i64) -> None:
        self._mark(ARRAY if self.protocol == 2 else SET, int(size))

    def push(self, size: i64) -> None:
        self._mark(ARRAY, int(size))

    def attribute(self, size: i64) -> bool:
        return False  # scripts do not see attributes

    def double(self, number: float) -> None:
        if self.protocol == 2:
            self.parts.append(format_double(number))
        else:
            self._mark(DOUBLE, number)

    def fixed_double(self, number: float) -> None:
        text = format_fixed(number)
        if self.protocol == 2:
            self.parts.append(text)
        else:
            self._mark(DOUBLE, float(text))

    def boolean(self, value: bool) -> None:
        if self.protocol == 2:
            self.parts.append(int(value))
        else:
            self.parts.append(value)

    def verbatim(self, text: bytes, kind: bytes = b"txt") -> None:
        if self.protocol == 2:
            self.parts.append(text)
        else:
            self._mark(VERBATIM, text)
            self.parts.append(kind)

    def big_number(self, digits: bytes) -> None:
        if self.protocol == 2:
            self.parts.append(digits)
        else:
            self._mark(BIG_NUMBER, digits)
