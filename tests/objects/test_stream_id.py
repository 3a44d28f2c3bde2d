"""Parsing and writing the ids of stream entries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.base.errors import CommandError
from pyredmem.objects.stream_id import (
    MAX_ID,
    id_key,
    id_of_key,
    id_text,
    make_id,
    parse_bound,
    parse_high,
    parse_id,
    parse_low,
)

IDS = st.integers(0, MAX_ID)


@given(IDS)
def test_text_and_key_are_read_back_as_the_id(number: int) -> None:
    assert parse_id(id_text(number), 0) == number
    assert id_of_key(id_key(number)) == number


@given(IDS, IDS)
def test_keys_sort_as_ids(one: int, other: int) -> None:
    assert (id_key(one) < id_key(other)) == (one < other)


def test_the_caller_chooses_a_missing_sequence() -> None:
    assert parse_id(b"5", 7) == make_id(5, 7)


@pytest.mark.parametrize(
    "text", [b"", b"-", b"+", b"x", b"1-", b"-1", b"1-x", b"1-2-3", b"1--2", b"18446744073709551616", b"0" * 128]
)
def test_an_invalid_id_is_refused(text: bytes) -> None:
    with pytest.raises(CommandError):
        parse_id(text, 0)


@pytest.mark.parametrize(("text", "number"), [(b"1\x00-5", make_id(1, 0)), (b"01-02", make_id(1, 2))])
def test_odd_spellings_are_read_as_in_c(text: bytes, number: int) -> None:
    assert parse_id(text, 0) == number


def test_minus_and_plus_are_the_ends_of_a_range() -> None:
    assert (parse_bound(b"-", 0), parse_bound(b"+", 0)) == (0, MAX_ID)
    assert (parse_low(b"3"), parse_high(b"3")) == (make_id(3, 0), make_id(4, 0) - 1)
    assert (parse_low(b"(3-1"), parse_high(b"(3-1")) == (make_id(3, 2), make_id(3, 0))


@pytest.mark.parametrize("text", [b"(", b"(-", b"(+", b"(x"])
def test_an_exclusive_end_must_be_an_id(text: bytes) -> None:
    with pytest.raises(CommandError):
        parse_low(text)


def test_the_first_and_last_id_cannot_be_excluded() -> None:
    with pytest.raises(CommandError, match="start"):
        parse_low(b"(18446744073709551615-18446744073709551615")
    with pytest.raises(CommandError, match="end"):
        parse_high(b"(0-0")
