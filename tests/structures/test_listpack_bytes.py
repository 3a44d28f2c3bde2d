"""The bytes of listpacks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.layout import LISTPACK_EMPTY_SIZE
from pyredmem.structures.listpack import entry_sizes
from pyredmem.structures.listpack_bytes import ListpackReader, listpack_bytes, listpack_elements, read_listpack

ELEMENT = st.one_of(
    st.binary(max_size=70),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: b"%d" % number),
    st.sampled_from([b"x" * 63, b"x" * 64, b"x" * 4095, b"x" * 4096, b"x" * 17000, b"127", b"128", b"-4096", b"-4097"]),
)


@given(st.lists(ELEMENT, max_size=10))
def test_a_listpack_has_as_many_bytes_as_the_ledger_counts(elements: list[bytes]) -> None:
    data = listpack_bytes(elements)
    assert len(data) == entry_sizes(elements) + LISTPACK_EMPTY_SIZE
    assert int.from_bytes(data[:4], "little") == len(data)


@pytest.mark.parametrize(
    ("element", "entry"),
    [
        (b"a", b"\x81a\x02"),
        (b"7", b"\x07\x01"),
        (b"-1", b"\xdf\xff\x02"),
        (b"4095", b"\xcf\xff\x02"),
        (b"-4097", b"\xf1\xff\xef\x03"),
        (b"65536", b"\xf2\x00\x00\x01\x04"),
        (b"16777216", b"\xf3\x00\x00\x00\x01\x05"),
        (b"4294967296", b"\xf4\x00\x00\x00\x00\x01\x00\x00\x00\x09"),
        (b"007", b"\x83007\x04"),
        (b"y" * 126, b"\xe0\x7e" + b"y" * 126 + b"\x01\x80"),
    ],
)
def test_an_element_is_encoded_as_in_redis(element: bytes, entry: bytes) -> None:
    assert listpack_bytes([element]) == bytes([7 + len(entry), 0, 0, 0, 1, 0]) + entry + b"\xff"


def test_from_65535_elements_on_the_header_does_not_give_their_number() -> None:
    assert listpack_bytes([b"1"] * 70000)[4:6] == b"\xff\xff"


# Reading.


@given(st.lists(st.one_of(st.binary(max_size=200), st.integers(-(2**63), 2**63 - 1).map(lambda n: b"%d" % n))))
def test_the_elements_are_read_back(elements: list[bytes]) -> None:
    assert listpack_elements(listpack_bytes(elements)) == elements


@given(st.lists(ELEMENT, max_size=10))
def test_the_bytes_of_the_entries_are_those_that_the_ledger_counts(elements: list[bytes]) -> None:
    assert read_listpack(listpack_bytes(elements))[1] == entry_sizes(elements)


def test_an_integer_that_stands_there_as_text_or_in_too_many_bytes_counts_as_the_ledger_counts_it() -> None:
    entries = b"\x827" + b"7\x03" + b"\xf1\x07\x00\x03"
    data = bytes([7 + len(entries), 0, 0, 0, 2, 0]) + entries + b"\xff"
    assert read_listpack(data) == ([b"77", b"7"], 4)


@given(st.lists(st.one_of(st.binary(max_size=200), st.integers(-(2**63), 2**63 - 1))))
def test_elements_are_read_one_by_one(elements: list[bytes | int]) -> None:
    reader = ListpackReader(
        listpack_bytes([b"%d" % element if isinstance(element, int) else element for element in elements])
    )
    for element in elements:
        assert reader.left() > 0
        assert element == (reader.integer() if isinstance(element, int) else reader.next())
    assert reader.left() == 0
    reader.finish()


def test_an_integer_that_stands_there_as_text_is_read_as_a_number() -> None:
    entry = b"\x827" + b"7\x03"
    assert ListpackReader(bytes([7 + len(entry), 0, 0, 0, 1, 0]) + entry + b"\xff").integer() == 77


def test_a_text_is_not_read_as_a_number() -> None:
    with pytest.raises(ValueError, match="no integer"):
        ListpackReader(listpack_bytes([b"text"])).integer()


def test_the_number_of_elements_must_be_that_of_the_header() -> None:
    reader = ListpackReader(listpack_bytes([b"a", b"b"]))
    reader.next()
    with pytest.raises(ValueError, match="number of elements"):
        reader.finish()


def test_there_is_nothing_to_read_after_the_last_element() -> None:
    with pytest.raises((ValueError, IndexError)):
        ListpackReader(listpack_bytes([])).next()


@pytest.mark.parametrize("length", [63, 64, 4095, 4096, 70000])
def test_long_elements_are_read_back(length: int) -> None:
    elements = [b"x" * length, b"y"]
    assert listpack_elements(listpack_bytes(elements)) == elements


def test_more_elements_than_the_header_can_count_are_read_back() -> None:
    elements = [b"a"] * 70000
    assert listpack_elements(listpack_bytes(elements)) == elements


@pytest.mark.parametrize(
    "data",
    [
        b"",
        listpack_bytes([b"a"])[:-1],
        listpack_bytes([b"a"])[:-1] + b"\x00",
        listpack_bytes([b"a"]).replace(b"\x01\x00", b"\x02\x00", 1),
        b"\x09\0\0\0\x01\0\xf5\x01\xff",
        b"\x09\0\0\0\x01\0\x81\x02\xff",
        b"\x09\0\0\0\x01\0\x05\x02\xff",
        b"\x08\0\0\0\x01\0\xe0\xff",
    ],
)
def test_bytes_that_are_not_a_listpack_are_refused(data: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        listpack_elements(data)
