"""Splitting a line into words, and quoting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.config.quoting import decode, encode, quote, split_words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a b", ["a", "b"]),
        ("  a\t b \n", ["a", "b"]),
        ("", []),
        ('a ""', ["a", ""]),
        (r'"\x41\n\t\r\b\a\\\"\q"', ['A\n\t\r\b\a\\"q']),
        (r'"\x4g"', ["x4g"]),
        (r"'a\'b\n'", [r"a'b\n"]),
        ('a"b"', ["ab"]),
        (r'"\xc3\xa9"', ["é"]),
        ("a\0b", ["a"]),
        ("\v\f a\vb\fc", ["a\vb\fc"]),
        ('"a"\v"b"', ["a", "b"]),
    ],
)
def test_lines_are_split_as_in_redis(line: str, words: list[str]) -> None:
    assert split_words(line) == words


@pytest.mark.parametrize("line", ['"a', "'a", '"a"b', "'a'b", '"a\\', '"a\\"', "a 'b' \"c"])
def test_a_line_with_unbalanced_quotes_is_refused(line: str) -> None:
    assert split_words(line) is None


@given(st.binary())
def test_quoted_text_is_read_back_the_same(data: bytes) -> None:
    assert split_words(quote(decode(data))) == [decode(data)]


@given(st.binary())
def test_any_bytes_survive_as_text(data: bytes) -> None:
    assert encode(decode(data)) == data


def test_quoted_text_is_printable_ascii() -> None:
    assert quote('é"\\\n\x01') == r'"\xc3\xa9\"\\\n\x01"'
