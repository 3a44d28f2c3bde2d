"""A sink that builds Python values: for scripts, for clients inside the process and for tests.

Bulk and simple strings become ``bytes``, arrays lists, maps dicts where the keys allow it (else a list of pairs), sets
lists (their members may not be hashable), errors :class:`ErrorReply`, null ``None``.
"""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.protocol.reply import ReplySink


class ErrorReply:
    """An error inside a reply; it is a value, since EXEC returns it among others."""

    def __init__(self, message: bytes) -> None:
        self.message = message

    def __repr__(self) -> str:
        return f"ErrorReply({self.message!r})"


class SimpleReply:
    """A simple string such as OK; kept apart from bulk strings."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"SimpleReply({self.text!r})"


class _Frame:
    """An aggregate that still waits for parts."""

    def __init__(self, missing: i64, is_map: bool) -> None:
        self.missing: i64 = missing
        self.is_map = is_map
        self.items: list[object] = []


class ValueSink(ReplySink):
    """Collects finished replies in ``replies``."""

    def __init__(self, protocol: i64 = 3) -> None:
        super().__init__(protocol)
        self.replies: list[object] = []
        self._stack: list[_Frame] = []

    def take(self) -> list[object]:
        """The finished replies since the last take."""
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
            value = _finish(frame)
        self.replies.append(value)

    def _open(self, parts: i64, is_map: bool) -> None:
        frame = _Frame(parts, is_map)
        if parts == 0:
            self._add(_finish(frame))
        else:
            self._stack.append(frame)

    def ok(self) -> None:
        """The simple string OK."""
        self._add(SimpleReply(b"OK"))

    def simple(self, text: bytes) -> None:
        """A simple string."""
        self._add(SimpleReply(text))

    def error(self, message: bytes) -> None:
        """An error."""
        self._add(ErrorReply(message))

    def integer(self, number: i64) -> None:
        """An int."""
        self._add(int(number))

    def bulk(self, data: bytes) -> None:
        """The bytes."""
        self._add(data)

    def null(self) -> None:
        """None."""
        self._add(None)

    def null_array(self) -> None:
        """None."""
        self._add(None)

    def array(self, size: i64) -> None:
        """A list."""
        self._open(size, False)

    def map(self, size: i64) -> None:
        """A dict; a flat list under RESP2."""
        self._open(2 * size, self.protocol == 3)

    def set(self, size: i64) -> None:
        """A list."""
        self._open(size, False)

    def push(self, size: i64) -> None:
        """A list."""
        self._open(size, False)

    def double(self, number: float) -> None:
        """A float."""
        self._add(number)

    def fixed_double(self, number: float) -> None:
        """A float."""
        self._add(number)

    def boolean(self, value: bool) -> None:
        """A bool."""
        self._add(value)

    def verbatim(self, text: bytes, kind: bytes = b"txt") -> None:
        """The text."""
        self._add(text)

    def big_number(self, digits: bytes) -> None:
        """An int."""
        self._add(int(digits))


def _finish(frame: _Frame) -> object:
    if not frame.is_map:
        return frame.items
    keys = frame.items[0::2]
    values = frame.items[1::2]
    if all(isinstance(key, (bytes, int, float)) for key in keys):
        return dict(zip(keys, values, strict=True))
    return list(zip(keys, values, strict=True))
