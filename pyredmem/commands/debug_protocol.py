"""DEBUG PROTOCOL: one example of each type of reply, with the same contents as in Redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyredmem.base.errors import CommandError
from pyredmem.protocol.reply import ReplySink

_UNKNOWN_TYPE: Final = (
    b"ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|"
    b"attrib|push|verbatim|true|false"
)


def reply_example(reply: ReplySink, kind: bytes) -> None:
    example = _EXAMPLES.get(kind)
    if example is None:
        raise CommandError(_UNKNOWN_TYPE)
    example(reply)


def _string(reply: ReplySink) -> None:
    reply.bulk(b"Hello World")


def _integer(reply: ReplySink) -> None:
    reply.integer(12345)


def _double(reply: ReplySink) -> None:
    reply.double(3.141)


def _big_number(reply: ReplySink) -> None:
    reply.big_number(b"1234567999999999999999999999999999999")


def _null(reply: ReplySink) -> None:
    reply.null()


def _array(reply: ReplySink) -> None:
    reply.array(3)
    for number in range(3):
        reply.integer(number)


def _set(reply: ReplySink) -> None:
    reply.set(3)
    for number in range(3):
        reply.integer(number)


def _map(reply: ReplySink) -> None:
    reply.map(3)
    for number in range(3):
        reply.integer(number)
        reply.boolean(number == 1)


def _attribute(reply: ReplySink) -> None:
    if reply.attribute(1):
        reply.bulk(b"key-popularity")
        reply.array(2)
        reply.bulk(b"key:123")
        reply.integer(90)
    reply.bulk(b"Some real reply following the attribute")


def _push(reply: ReplySink) -> None:
    if reply.protocol < 3:
        raise CommandError(b"ERR RESP2 is not supported by this command")
    reply.push(2)
    reply.bulk(b"server-cpu-usage")
    reply.integer(42)
    reply.bulk(b"Some real reply following the push reply")


def _verbatim(reply: ReplySink) -> None:
    reply.verbatim(b"This is a verbatim\nstring")


def _true(reply: ReplySink) -> None:
    reply.boolean(True)


def _false(reply: ReplySink) -> None:
    reply.boolean(False)


_EXAMPLES: Final[dict[bytes, Callable[[ReplySink], None]]] = {
    b"string": _string,
    b"integer": _integer,
    b"double": _double,
    b"bignum": _big_number,
    b"null": _null,
    b"array": _array,
    b"set": _set,
    b"map": _map,
    b"attrib": _attribute,
    b"push": _push,
    b"verbatim": _verbatim,
    b"true": _true,
    b"false": _false,
}
