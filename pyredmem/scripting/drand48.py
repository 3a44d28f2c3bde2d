"""The random numbers of math.random: those of drand48 in the C library of Unix, so that all machines give one sequence.

All scripts and functions of a server draw from one sequence, which nothing but math.randomseed starts anew.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

_FACTOR: Final = 0x5DEECE66D
_ADDEND: Final = 0xB
_MASK: Final = 0xFFFFFFFFFFFF
_FIRST_STATE: Final = 0x1234ABCD330E
_LOWEST_BITS: Final = 0x330E
_LARGEST: Final = 0x7FFFFFFF


class Drand48:
    """A sequence of random numbers."""

    def __init__(self) -> None:
        self._state: i64 = _FIRST_STATE

    def seed(self, number: int) -> None:
        """Start anew; the lowest 32 bits of the number count."""
        self._state = (number & 0xFFFFFFFF) << 16 | _LOWEST_BITS

    def draw(self) -> float:
        """A number of at least 0 and less than 1."""
        # The product needs more than 64 bits; only the lowest 48 matter, so the upper half is multiplied apart.
        low: i64 = self._state & 0xFFFFFF
        high: i64 = self._state >> 24
        product: i64 = low * _FACTOR + _ADDEND + ((high * (_FACTOR & 0xFFFFFF) & 0xFFFFFF) << 24)
        self._state = product & _MASK
        return float((self._state >> 17) % _LARGEST) / float(_LARGEST)
