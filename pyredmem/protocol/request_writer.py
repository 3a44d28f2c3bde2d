"""Requests as bytes: what a client sends, and what an append-only file holds."""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

CRLF: Final = b"\r\n"

_HEADERS: Final = 256
_COUNTS: Final = [b"*%d\r\n" % number for number in range(_HEADERS)]
_LENGTHS: Final = [b"$%d\r\n" % number for number in range(_HEADERS)]


def write_request(writer: BytesWriter, argv: list[bytes]) -> None:
    """Append a command in RESP."""
    count: i64 = len(argv)
    writer.write(_COUNTS[count] if count < _HEADERS else b"*%d\r\n" % int(count))
    for word in argv:
        length: i64 = len(word)
        writer.write(_LENGTHS[length] if length < _HEADERS else b"$%d\r\n" % int(length))
        writer.write(word)
        writer.write(CRLF)


def request(argv: list[bytes]) -> bytes:
    """A command in RESP."""
    writer = BytesWriter()
    write_request(writer, argv)
    return writer.getvalue()
