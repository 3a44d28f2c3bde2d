"""The hash of a key, by which tables choose its bucket."""

from __future__ import annotations

from zlib import crc32

from mypy_extensions import i64


def key_hash(key: bytes, seed: i64) -> i64:
    """A number of up to 44 bits, or CPython's keyed SipHash if ``seed`` is 0; ``seed`` is below 2**32.

    CPython's hash differs between processes and resists clients that choose their keys to collide. With a seed the hash
    is the same in every process, and so is the order of SCAN, the sample for an eviction, the rest of a rehash. The
    multiplication breaks the regularity of CRCs: similar keys would fill the buckets more evenly than chance does.
    """
    if seed == 0:
        return hash(key)
    checksum: i64 = crc32(key, seed)
    return checksum * 0x7FEB352D >> 20


def hash_seed(seed: int) -> int:
    """A seed for `key_hash`, from any integer; never 0."""
    return seed % 0xFFFFFFFF + 1
