"""MurmurHash64A."""

from __future__ import annotations

import pytest

from pyredmem.base.murmur import murmur64


@pytest.mark.parametrize(
    ("data", "seed", "digest"),
    [
        (b"", 0, 0),
        (b"", 1, 0xC6A4A7935BD064DC),
        (b"a", 0, 0x071717D2D36B6B11),
        (b"abcdefgh", 0, 0xAFDB0257FF41AA98),
        (b"abcdefghi", 0, 0xC9B9D84356146AC2),
        (b"\xff" * 15, 0xADC83B19, 0xFCB94112D3063067),
    ],
)
def test_the_hash_of_known_strings(data: bytes, seed: int, digest: int) -> None:
    assert murmur64(data, seed) == digest
