"""The reply sink: a handler describes its reply here, without knowing where the reply goes.

A handler names the *type* of each part (``bulk``, ``integer``, ``map`` ...). The sink writes RESP2 or RESP3, or builds
Python values, or drops what it is given. An aggregate announces its size, and then each of its parts is one more call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from mypy_extensions import i64

from pyredmem.base.double_text import format_fixed
from pyredmem.memory.heap_bytes import HeapBytes

_LINE_BREAKS: Final = bytes.maketrans(b"\r\n", b"  ")


def one_line(message: bytes) -> bytes:
    """An error message on one line, as RESP needs it: line breaks become spaces."""
    return message.translate(_LINE_BREAKS)


class ReplySink(ABC):
    """Receives one reply, part by part. ``protocol`` is 2 or 3."""

    def __init__(self, protocol: i64) -> None:
        self.protocol: i64 = protocol

    @abstractmethod
    def ok(self) -> None:
        """The simple string OK."""

    @abstractmethod
    def simple(self, text: bytes) -> None:
        """A simple string: short, without CR or LF."""

    @abstractmethod
    def error(self, message: bytes) -> None:
        """An error: a code and a text. Line breaks in it become spaces."""

    @abstractmethod
    def integer(self, number: i64) -> None:
        """A signed 64-bit integer."""

    @abstractmethod
    def bulk(self, data: bytes) -> None:
        """A binary-safe string."""

    @abstractmethod
    def null(self) -> None:
        """The absence of a value."""

    @abstractmethod
    def null_array(self) -> None:
        """The absence of an array. RESP2 has a null of its own for it."""

    @abstractmethod
    def array(self, size: i64) -> None:
        """An array; ``size`` replies follow."""

    @abstractmethod
    def map(self, size: i64) -> None:
        """A map; ``size`` pairs of replies follow. A flat array under RESP2."""

    @abstractmethod
    def set(self, size: i64) -> None:
        """An unordered set; ``size`` replies follow. An array under RESP2."""

    @abstractmethod
    def push(self, size: i64) -> None:
        """An out-of-band message; ``size`` replies follow. An array under RESP2."""

    @abstractmethod
    def attribute(self, size: i64) -> bool:
        """Additional data about the reply that follows it.

        Returns whether the protocol has attributes. Only then do ``size`` pairs of replies follow; the reply that the
        attribute belongs to comes in either case.
        """

    @abstractmethod
    def double(self, number: float) -> None:
        """A floating-point number. A bulk string under RESP2."""

    def fixed_double(self, number: float) -> None:
        """A coordinate: a floating-point number with at most 17 decimals and no exponent. A bulk string under RESP2."""
        self.bulk(format_fixed(number))

    @abstractmethod
    def boolean(self, value: bool) -> None:
        """True or false. 1 or 0 under RESP2."""

    @abstractmethod
    def verbatim(self, text: bytes, kind: bytes = b"txt") -> None:
        """Text for people to read; ``kind`` has three letters. A bulk string under RESP2."""

    @abstractmethod
    def big_number(self, digits: bytes) -> None:
        """An integer of any size in decimal. A bulk string under RESP2."""

    def bulk_from(self, heap: HeapBytes, address: i64, length: i64) -> None:
        """A binary-safe string that lies in the heap."""
        self.bulk(heap.load(address, length))

    def bulks(self, items: list[bytes]) -> None:
        """An array of bulk strings."""
        self.array(len(items))
        for item in items:
            self.bulk(item)

    def text(self, text: str) -> None:
        """A bulk string from text."""
        self.bulk(text.encode())
