"""Digests of values, keys and whole databases, equal to those of Redis's DEBUG DIGEST for equal data.

A digest is 20 bytes, at first all zero. There are two ways to add data to one (Redis 7.2 debug.c):

* *mix*: exclusive-or with the SHA1 of the data, then SHA1 of the result: the order matters (lists, a field and its
  value);
* *xor*: exclusive-or with the SHA1 of the data: the order does not matter (members of a set, keys of a database).
"""

from __future__ import annotations

from hashlib import sha1
from math import isfinite
from typing import Final

from pyredmem.base.double_text import format_by_grisu

_BYTES: Final = 20

# The numbers of the types, which are part of the digest.
STRING_TYPE: Final = 0
LIST_TYPE: Final = 1
SET_TYPE: Final = 2
SORTED_SET_TYPE: Final = 3
HASH_TYPE: Final = 4
STREAM_TYPE: Final = 6


class Digest:
    """A digest that data is being added to.

    A score is mixed in as its text, with 17 digits or, in newer versions, as few as identify it.
    """

    def __init__(self, has_short_scores: bool = False) -> None:
        self.has_short_scores = has_short_scores
        self._value = 0

    def xor(self, data: bytes) -> None:
        """Add data whose order does not matter."""
        self._value ^= int.from_bytes(_sha1(data))

    def mix(self, data: bytes) -> None:
        """Add data whose order matters."""
        self.xor(data)
        self._value = int.from_bytes(_sha1(self.data()))

    def mix_score(self, score: float) -> None:
        """Add a score."""
        if self.has_short_scores and isfinite(score) and score != 0.0:
            self.mix(format_by_grisu(score))
        else:
            self.mix(b"%.17g" % score)

    def mix_number(self, number: int) -> None:
        """Add a 32-bit number, the most significant byte first."""
        self.mix(number.to_bytes(4))

    def data(self) -> bytes:
        """The digest as 20 bytes."""
        return self._value.to_bytes(_BYTES)

    def text(self) -> bytes:
        """The digest as hexadecimal digits."""
        return self.data().hex().encode()


def _sha1(data: bytes) -> bytes:
    return sha1(data, usedforsecurity=False).digest()
