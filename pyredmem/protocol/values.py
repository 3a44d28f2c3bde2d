"""A sink that builds Python values: what a client that parses the same reply would get.

======================  ========================================  ===========================
reply                   RESP3                                     RESP2
======================  ========================================  ===========================
bulk string             bytes                                     bytes
simple string, error    :class:`SimpleReply`, `ErrorReply`        the same
integer, big number     int                                       int, the digits as bytes
double                  float                                     its text as bytes
boolean                 bool                                      1 or 0
null, null array        None                                      None
array, set, push        list (the members of a set may be         list
                        unhashable)
map                     dict; a list of pairs where a dict would  flat list of keys and values
                        lose a key or cannot hold it
verbatim string         bytes                                     bytes
attribute               left out                                  left out
======================  ========================================  ===========================
"""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.base.double_text import format_fixed
from pyredmem.base.numbers import format_double
from pyredmem.protocol.reply import ReplySink, one_line


class ErrorReply:
    """An error inside a reply. It is a value and not an exception, because EXEC replies with it among others."""

    def __init__(self, message: bytes) -> None:
        self.message = message

    def __repr__(self) -> str:
        return f"ErrorReply({self.message!r})"


class SimpleReply:
    """A simple string such as OK, so that it is not mistaken for a bulk string."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"SimpleReply({self.text!r})"


class _Frame:
    """An aggregate that is not complete yet."""

    def __init__(self, missing: i64, is_map: bool, is_attribute: bool) -> None:
        self.missing: i64 = missing
        self.is_map = is_map
        self.is_attribute = is_attribute
        self.items: list[object] = []


class ValueSink(ReplySink):
    """Collects complete replies in ``replies``."""

    def __init__(self, protocol: i64 = 3) -> None:
        super().__init__(protocol)
        self.replies: list[object] = []
        self._stack: list[_Frame] = []

    def take(self) -> list[object]:
        """The complete replies since the last take."""
        assert not self._stack, "a reply is unfinished"
        replies = self.replies
        self.replies = []
        return replies

    def _add(self, value: object) -> None:
        while self._stack:
            frame = self._stack[-1]
            frame.items.append(value)
            frame.missing -= 1
            if frame.missing > 0:
                return
            self._stack.pop()
            if frame.is_attribute:
                return
            value = _finish(frame)
        self.replies.append(value)

    def _open(self, parts: i64, is_map: bool = False) -> None:
        frame = _Frame(parts, is_map, False)
        if parts == 0:
            self._add(_finish(frame))
        else:
            self._stack.append(frame)

    def ok(self) -> None:
        self._add(SimpleReply(b"OK"))

    def simple(self, text: bytes) -> None:
        self._add(SimpleReply(text))

    def error(self, message: bytes) -> None:
        self._add(ErrorReply(one_line(message)))

    def integer(self, number: i64) -> None:
        self._add(int(number))

    def bulk(self, data: bytes) -> None:
        self._add(data)

    def null(self) -> None:
        self._add(None)

    def null_array(self) -> None:
        self._add(None)

    def array(self, size: i64) -> None:
        self._open(size)

    def map(self, size: i64) -> None:
        self._open(2 * size, self.protocol == 3)

    def set(self, size: i64) -> None:
        self._open(size)

    def push(self, size: i64) -> None:
        self._open(size)

    def attribute(self, size: i64) -> bool:
        if self.protocol == 2:
            return False
        if size > 0:
            self._stack.append(_Frame(2 * size, True, True))
        return True

    def double(self, number: float) -> None:
        self._add(number if self.protocol == 3 else format_double(number))

    def fixed_double(self, number: float) -> None:
        text = format_fixed(number)
        self._add(float(text) if self.protocol == 3 else text)

    def boolean(self, value: bool) -> None:
        if self.protocol == 3:
            self._add(value)
        else:
            self._add(int(value))

    def verbatim(self, text: bytes, kind: bytes = b"txt") -> None:
        self._add(text)

    def big_number(self, digits: bytes) -> None:
        self._add(int(digits) if self.protocol == 3 else digits)


def _finish(frame: _Frame) -> object:
    if not frame.is_map:
        return frame.items
    keys = frame.items[0::2]
    pairs = list(zip(keys, frame.items[1::2], strict=True))
    if all(isinstance(key, (bytes, int, float)) for key in keys):
        values = dict(pairs)
        if len(values) == len(keys):  # two equal keys, or 1 beside 1.0 and true, are one key of a dict
            return values
    return pairs
