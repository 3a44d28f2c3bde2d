"""The checksum of serialized values."""

from __future__ import annotations

from pyredmem.base.crc64 import Checksum, crc64


def test_the_check_value_is_the_published_one() -> None:
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA


def test_the_empty_string_has_the_checksum_zero() -> None:
    assert crc64(b"") == 0


def test_leading_zeros_do_not_change_the_checksum_but_trailing_zeros_do() -> None:
    assert crc64(b"\0\0a") == crc64(b"a")
    assert crc64(b"a\0") != crc64(b"a")


def test_the_checksum_is_unsigned() -> None:
    assert all(0 <= crc64(bytes([byte])) < 1 << 64 for byte in range(256))


def test_long_strings_have_the_checksum_that_their_bytes_have_one_by_one() -> None:
    data = bytes(byte * 7 % 256 for byte in range(300))
    for length in (63, 64, 65, 71, 72, 300):
        bytewise = Checksum()
        for at in range(length):
            bytewise.add(data, at, at + 1)
        assert crc64(data[:length]) == bytewise.value()


def test_pieces_have_the_checksum_of_the_whole() -> None:
    data = bytes(range(256)) * 2
    pieces = Checksum()
    pieces.add(data, 0, 101)
    pieces.add(data, 101, 101)
    pieces.add(data, 101, 512)
    assert pieces.value() == crc64(data)
