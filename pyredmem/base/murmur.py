"""MurmurHash64A, Austin Appleby's public-domain hash in its variant for 64-bit processors.

Redis uses it for HyperLogLog, so each of its bits shows in stored values. Words are little-endian on all machines.
"""

from __future__ import annotations

from typing import Final

_MULTIPLIER: Final = 0xC6A4A7935BD1E995
_SHIFT: Final = 47
_MASK: Final = (1 << 64) - 1
_WORD_BYTES: Final = 8


def murmur64(data: bytes, seed: int) -> int:
    """The unsigned 64-bit hash of a string."""
    size = len(data)
    digest = (seed ^ (size * _MULTIPLIER)) & _MASK
    whole = size - size % _WORD_BYTES
    for at in range(0, whole, _WORD_BYTES):
        word = int.from_bytes(data[at : at + _WORD_BYTES], "little") * _MULTIPLIER & _MASK
        word = (word ^ (word >> _SHIFT)) * _MULTIPLIER & _MASK
        digest = (digest ^ word) * _MULTIPLIER & _MASK
    if whole < size:
        digest = (digest ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    digest = (digest ^ (digest >> _SHIFT)) * _MULTIPLIER & _MASK
    return digest ^ (digest >> _SHIFT)
