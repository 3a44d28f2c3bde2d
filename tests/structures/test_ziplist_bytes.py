"""Ziplists and zipmaps, the blocks of old payloads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.structures.ziplist_bytes import ziplist_elements, zipmap_elements


def _ziplist(*entries: bytes) -> bytes:
    """A ziplist of ``entries``, which are given without the length of the entry before."""
    content = b""
    before = 0
    for entry in entries:
        length = bytes([before]) if before < 254 else b"\xfe" + before.to_bytes(4, "little")
        before = len(length + entry)
        content += length + entry
    size = len(content) + 11
    header = size.to_bytes(4, "little") + (size - 1 - before).to_bytes(4, "little")
    return header + len(entries).to_bytes(2, "little") + content + b"\xff"


@pytest.mark.parametrize(
    ("entry", "element"),
    [
        (b"\x00", b""),
        (b"\x03abc", b"abc"),
        (b"\x40\x41" + b"x" * 65, b"x" * 65),
        (b"\x80\x00\x01\x00\x00" + b"x" * 65536, b"x" * 65536),
        (b"\xc0\xff\xff", b"-1"),
        (b"\xd0\x00\x00\x00\x80", b"-2147483648"),
        (b"\xe0" + b"\xff" * 7 + b"\x7f", b"9223372036854775807"),
        (b"\xf0\x00\x00\x80", b"-8388608"),
        (b"\xfe\x80", b"-128"),
        (b"\xf1", b"0"),
        (b"\xfd", b"12"),
    ],
)
def test_every_encoding_is_read(entry: bytes, element: bytes) -> None:
    assert ziplist_elements(_ziplist(b"\x01a", entry, b"\x01b")) == [b"a", element, b"b"]


def test_an_entry_after_a_long_one_is_read() -> None:
    assert ziplist_elements(_ziplist(b"\x41\x2c" + b"x" * 300, b"\x01b")) == [b"x" * 300, b"b"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x0b\0\0\0\x0a\0\0\0\0\0\xfe",
        _ziplist(b"\x01a")[:-1],
        _ziplist(b"\x05a"),
        _ziplist(b"\xff"),
        _ziplist(b"\xc1aa"),
        _ziplist(b"\x01a").replace(b"\x01\x00", b"\x02\x00", 1),
    ],
)
def test_bytes_that_are_not_a_ziplist_are_refused(data: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        ziplist_elements(data)


@given(st.binary(max_size=30))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    data = (len(content) + 11).to_bytes(4, "little") + bytes(4) + b"\xff\xff" + content + b"\xff"
    for elements_of, given_bytes in ((ziplist_elements, data), (zipmap_elements, content)):
        try:
            elements = elements_of(given_bytes)
        except (ValueError, IndexError):
            continue
        assert all(isinstance(element, bytes) for element in elements)
        assert len(elements) <= len(content), "an element takes a byte at least"


def test_a_zipmap_has_free_bytes_after_its_values() -> None:
    long = b"\xfe\x00\x01\x00\x00"
    data = b"\x02\x01a\x02\x00bc" + long + b"f" * 256 + b"\x01\x02vxx\xff"
    assert zipmap_elements(data) == [b"a", b"bc", b"f" * 256, b"v"]


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x01\x05a\xff", b"\x01\xffa\xff", b"\x01\x01a"])
def test_bytes_that_are_not_a_zipmap_are_refused(data: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        zipmap_elements(data)
