"""Replies as Python values that are easy to read and still say exactly what was on the wire.

| on the wire                   | in a test                                 |
|-------------------------------|-------------------------------------------|
| `+OK`                         | `OK`; others: `Simple(b"PONG")`           |
| `-ERR syntax error`           | `SYNTAX_ERROR` or `Error(b"ERR ...")`     |
| `:5`                          | `5`                                       |
| `$1 a`                        | `b"a"`                                    |
| `$-1`, under RESP3 `_`        | `None`                                    |
| `*-1`                         | `NULL_ARRAY`                              |
| `*2 ...`                      | `[b"a", 5]`                               |
| `%1 ...`                      | `Map({b"f": b"v"})`                       |
| `~2 ...`                      | `Set([b"a", b"b"])`                       |
| `>2 ...`                      | `Push([b"invalidate", [b"k"]])`           |
| `,1.5`                        | `Double(b"1.5")`                          |
| `#t`                          | `Boolean(True)`                           |
| `=7 txt:...`                  | `Verbatim(b"txt", b"...")`                |
| nothing: the client is blocked | `NO_REPLY`                               |

Two of these are equal only when the bytes on the wire are equal: `5`, `b"5"` and `Simple(b"5")` differ, a map differs
from the flat array with the same words, and the order of its pairs counts. Only null is spelt differently in the two
protocols: `decode` fails when a client is sent a reply that does not exist in the protocol that it speaks.
"""

from __future__ import annotations

from typing import Any

from tests.support import wire
from tests.support.wire import OK, QUEUED, BigNumber, Boolean, Double, Error, NullArray, Simple, Verbatim

__all__ = ["OK", "QUEUED", "BigNumber", "Boolean", "Double", "Error", "Simple", "Verbatim"]

#: One of the values above. `Any`, because a test uses a reply without checking its type first: a reply of another
#: type then fails the test anyway.
Reply = Any


class _Items(list[Any]):  # noqa: PLW1641 - a list has no hash either
    """Items in the order sent. Equal only to one of the same class, never to a plain list, which is an array."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and list.__eq__(self, other) is True

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return f"{type(self).__name__}({super().__repr__()})"


class Set(_Items):
    """`~count`: the members in the order sent."""


class Push(_Items):
    """`>count`: a message that is not a reply, such as an invalidation message."""


class Map(dict[Any, Any]):  # noqa: PLW1641 - a dictionary has no hash either
    """`%count`; equal to a map with the same pairs in the same order, never to a plain dictionary."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Map) and list(self.items()) == list(other.items())

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return f"Map({super().__repr__()})"


class _NoReply:
    """Nothing was sent."""

    def __repr__(self) -> str:
        return "NO_REPLY"


PONG = Simple(b"PONG")
NULL_ARRAY = NullArray()
NO_REPLY = _NoReply()

# Error replies of many commands. An error reply of a single command is defined in the tests of that command.
SYNTAX_ERROR = Error(b"ERR syntax error")
WRONG_TYPE = Error(b"WRONGTYPE Operation against a key holding the wrong kind of value")
NO_SUCH_KEY = Error(b"ERR no such key")
NOT_AN_INTEGER = Error(b"ERR value is not an integer or out of range")
NOT_A_FLOAT = Error(b"ERR value is not a valid float")
NOT_POSITIVE = Error(b"ERR value is out of range, must be positive")
MIN_OR_MAX_NOT_A_FLOAT = Error(b"ERR min or max is not a float")
OVERFLOW = Error(b"ERR increment or decrement would overflow")
BAD_NUMKEYS = Error(b"ERR numkeys should be greater than 0")
INVALID_CURSOR = Error(b"ERR invalid cursor")
DB_INDEX_OUT_OF_RANGE = Error(b"ERR DB index is out of range")
NEEDS_AUTHENTICATION = Error(b"NOAUTH Authentication required.")
OUT_OF_MEMORY = Error(b"OOM command not allowed when used memory > 'maxmemory'.")
BUSY_KEY = Error(b"BUSYKEY Target key name already exists.")


def wrong_arity(command: str) -> Error:
    """The error for a command with too few or too many arguments; a subcommand is spelt `config|get`."""
    return Error(f"ERR wrong number of arguments for '{command}' command".encode())


def bulks(*words: str | bytes | None) -> list[bytes | None]:
    """An array of bulk strings."""
    return [word.encode() if isinstance(word, str) else word for word in words]


def is_error(reply: Reply, beginning: bytes) -> bool:
    """Whether a reply is an error whose text has this beginning: its code, such as `b"WRONGTYPE"`, or more."""
    return isinstance(reply, Error) and reply.text.startswith(beginning)


def from_wire(reply: wire.Reply) -> Reply:
    """The Python value that stands for a reply."""
    if isinstance(reply, wire.Bulk):
        return reply.data
    if isinstance(reply, wire.Integer):
        return reply.value
    if isinstance(reply, wire.Null):
        return None
    if isinstance(reply, wire.Array):
        return [from_wire(item) for item in reply.items]
    if isinstance(reply, wire.Set):
        return Set(from_wire(item) for item in reply.items)
    if isinstance(reply, wire.Push):
        return Push(from_wire(item) for item in reply.items)
    if isinstance(reply, wire.Map):
        pairs = Map((from_wire(name), from_wire(value)) for name, value in reply.pairs)
        assert len(pairs) == len(reply.pairs), f"a map names a key twice: {reply}"
        return pairs
    return reply


def decode(data: bytes, protocol: int) -> list[Reply]:
    """The replies in bytes from the wire; the bytes must be whole replies of the protocol."""
    decoder = _StrictDecoder(protocol)
    decoder.feed(data)
    replies = [from_wire(reply) for reply in decoder.take_all()]
    assert not decoder.pending, f"bytes that are not a whole reply: {decoder.pending!r}"
    return replies


class _StrictDecoder(wire.Decoder):
    """A decoder that knows which protocol the client speaks."""

    def __init__(self, protocol: int) -> None:
        super().__init__()
        self._protocol = protocol

    def _line(self) -> bytes:
        line = super()._line()
        fits = line not in {b"$-1", b"*-1"} if self._protocol == 3 else line[:1] in b"+-:$*"
        assert fits, f"{line!r} in a reply to a client that speaks RESP{self._protocol}"
        return line
