"""XXH3, Yann Collet's fast hash, in its variant of 64 bits: the digest of a string in Redis 8.4."""

from __future__ import annotations

from importlib import import_module
from typing import Final

#: A digest has this many hexadecimal digits, leading zeros included.
DIGEST_DIGITS: Final = 16


def xxh3_digest(data: bytes) -> bytes:
    """The hash of a string, with seed 0, in lowercase hexadecimal digits. The first call loads the library."""
    digest: str = import_module("xxhash").xxh3_64_hexdigest(data)
    return digest.encode()
