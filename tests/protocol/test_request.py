"""Requests: the grammar, its limits, and the same result for pieces of any size."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.protocol.hiredis_request import HiredisRequestParser
from pyredmem.protocol.request import RequestParser, split_words

PARSERS = [RequestParser, HiredisRequestParser]

WELL_FORMED: list[tuple[bytes, list[list[bytes]]]] = [
    (b"", []),
    (b"PING\r\n", [[b"PING"]]),
    (b"PING\n", [[b"PING"]]),
    (b"  set  a   b \r\n", [[b"set", b"a", b"b"]]),
    (b"\r\n\r\nPING\r\n", [[b"PING"]]),
    (b'set k "a b\\x41\\n"\r\n', [[b"set", b"k", b"a bA\n"]]),
    (b"*1\r\n$4\r\nPING\r\n", [[b"PING"]]),
    (b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", [[b"GET", b""]]),
    (b"*0\r\n*1\r\n$4\r\nPING\r\n", [[b"PING"]]),
    (b"*-1\r\nPING\r\n", [[b"PING"]]),
    (b"*-10\r\nPING\r\n", [[b"PING"]]),
    (b"*2\r\n$4\r\nECHO\r\n$6\r\na\r\nb\r\n\r\n", [[b"ECHO", b"a\r\nb\r\n"]]),
    (b"*1\r\n$4\r\nPINGxy*1\r\n$4\r\nPING\r\n", [[b"PING"], [b"PING"]]),  # Redis skips the two bytes unread
    (b"*2\r\n$3\r\nGET\r\n$5\r\n+a(=~\r\n", [[b"GET", b"+a(=~"]]),
    (b"*1\r\n$3\r\nfoo\r\nbar baz\r\n*1\r\n$1\r\nx\r\n", [[b"foo"], [b"bar", b"baz"], [b"x"]]),
    (b"*2\r\n$3\r\nGET\r\n$3000\r\n" + b"v" * 3000 + b"\r\nPING\r\n", [[b"GET", b"v" * 3000], [b"PING"]]),
    (b"*3\r\n$1\r\na\r\n", []),
    (b"*2\r\n$1\r\na\r\n$5\r\nab", []),
    (b"*1\r\nabc\r", []),
    # The end of a line is searched for as in C strings: there is none after a NUL.
    (b"PI\x00NG\r\nPING\r\n", []),
    (b"*1\x00\r\n$4\r\nPING\r\n", []),
    (b"*1\r\n$4\x00\r\nPING\r\n", []),
    (b"*1\r\n\x00abc\r\nPING\r\n", []),
]

BROKEN: list[tuple[bytes, bytes]] = [
    (b"*x\r\n", b"invalid multibulk length"),
    (b"*\r\n", b"invalid multibulk length"),
    (b"*01\r\n", b"invalid multibulk length"),
    (b"*+1\r\n", b"invalid multibulk length"),
    (b"*2147483648\r\n", b"invalid multibulk length"),
    (b"*99999999999999999999999\r\n", b"invalid multibulk length"),
    (b"*1\r\n+OK\r\n", b"expected '$', got '+'"),
    (b"*1\r\n:1\r\n", b"expected '$', got ':'"),
    (b"*1\r\n*1\r\n$1\r\na\r\n", b"expected '$', got '*'"),
    (b"*1\r\n$-1\r\n", b"invalid bulk length"),
    (b"*1\r\n$x\r\n", b"invalid bulk length"),
    (b"*1\r\n$536870913\r\n", b"invalid bulk length"),
    (b'set k "a\r\n', b"unbalanced quotes in request"),
    (b'set k "a"b\r\n', b"unbalanced quotes in request"),
    (b"a" * 65537, b"too big inline request"),
    (b"\x00\r\n" + b"a" * 65534, b"too big inline request"),
    (b"*" + b"1" * 65537, b"too big mbulk count string"),
    (b"*1\r\n$" + b"1" * 65537, b"too big bulk count string"),
]


def parse(parser: RequestParser, chunks: Iterable[bytes]) -> tuple[list[list[bytes]], bytes | None]:
    requests: list[list[bytes]] = []
    for chunk in chunks:
        parser.feed(chunk)
        while found := parser.requests():
            requests += found
        if parser.error is not None:
            return requests, parser.error.message
    return requests, None


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(("data", "expected"), WELL_FORMED)
def test_well_formed_requests_at_once(parser: type[RequestParser], data: bytes, expected: list[list[bytes]]) -> None:
    assert parse(parser(), [data]) == (expected, None)


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(("data", "expected"), WELL_FORMED)
def test_well_formed_requests_byte_by_byte(
    parser: type[RequestParser], data: bytes, expected: list[list[bytes]]
) -> None:
    assert parse(parser(), [data[at : at + 1] for at in range(len(data))]) == (expected, None)


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(("data", "expected"), BROKEN)
def test_protocol_errors(parser: type[RequestParser], data: bytes, expected: bytes) -> None:
    assert parse(parser(), [data]) == ([], b"ERR Protocol error: " + expected)


@pytest.mark.parametrize("parser", PARSERS)
def test_requests_before_a_protocol_error_are_returned(parser: type[RequestParser]) -> None:
    requests, error = parse(parser(), [b"*1\r\n$4\r\nPING\r\n*1\r\n:1\r\n"])
    assert requests == [[b"PING"]]
    assert error is not None


@pytest.mark.parametrize("parser", PARSERS)
def test_limits_are_lower_for_a_client_that_has_not_authenticated(parser: type[RequestParser]) -> None:
    strict = parser()
    strict.authenticated = False
    assert parse(strict, [b"*11\r\n"]) == ([], b"ERR Protocol error: unauthenticated multibulk length")
    strict = parser()
    strict.authenticated = False
    assert parse(strict, [b"*1\r\n$16385\r\n"]) == ([], b"ERR Protocol error: unauthenticated bulk length")


@pytest.mark.parametrize("parser", PARSERS)
def test_before_authentication_requests_are_returned_one_at_a_time(parser: type[RequestParser]) -> None:
    strict = parser()
    strict.authenticated = False
    strict.feed(b"AUTH a\r\nPING\r\n")
    assert strict.requests() == [[b"AUTH", b"a"]]
    assert strict.requests() == [[b"PING"]]
    assert strict.requests() == []


@pytest.mark.parametrize("parser", PARSERS)
def test_pending_counts_the_bytes_of_the_unfinished_request(parser: type[RequestParser]) -> None:
    strict = parser()
    strict.feed(b"*2\r\n$3\r\nGET\r\n$5\r\nab")
    assert strict.requests() == []
    assert strict.pending() == len(b"GET") + len(b"ab")
    strict.feed(b"cde\r\n")
    assert strict.requests() == [[b"GET", b"abcde"]]
    assert strict.pending() == 0


@pytest.mark.parametrize("parser", PARSERS)
def test_a_large_string_in_many_pieces_is_joined(parser: type[RequestParser]) -> None:
    value = bytes(range(256)) * 4096
    data = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%b\r\nPING\r\n" % (len(value), value)
    chunks = [data[at : at + 1500] for at in range(0, len(data), 1500)]
    assert parse(parser(), chunks) == ([[b"SET", b"k", value], [b"PING"]], None)


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("prefix", [b"", b"*1\r\n$4\r\nPING\r\n"])
def test_an_announced_array_takes_no_memory_before_its_strings_arrive(
    parser: type[RequestParser], prefix: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | bytes] = []

    class Reader(hiredis.Reader):
        def feed(self, data: str | bytes, start: int = 0, length: int = -1, /) -> None:
            seen.append(data)
            super().feed(data, start, length)

    monkeypatch.setattr(hiredis, "Reader", Reader)
    assert parse(parser(), [prefix + b"*2147483647\r\n"])[1] is None
    assert seen == []  # hiredis would have allocated room for all of them


def encode(words: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


messages = st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=5), max_size=8)


@pytest.mark.parametrize("parser", PARSERS)
@given(messages=messages, cuts=st.lists(st.integers(0, 400), max_size=10))
def test_any_split_of_the_bytes_gives_the_same_requests(
    parser: type[RequestParser], messages: list[list[bytes]], cuts: list[int]
) -> None:
    data = b"".join(map(encode, messages))
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    chunks = [data[start:end] for start, end in pairwise(edges)]
    assert parse(parser(), chunks) == (messages, None)


@given(
    data=st.lists(
        st.sampled_from(
            [
                b"*1\r\n",
                b"$4\r\n",
                b"PING",
                b"\r\n",
                b"+",
                b"*",
                b":1\r\n",
                b"_\r\n",
                b"|1\r\n",
                b"(1\r\n",
                b"=5\r\n",
                b"~1\r\n",
                b"a",
            ]
        )
    )
)
def test_both_parsers_give_the_same_result_for_any_bytes(data: list[bytes]) -> None:
    whole = b"".join(data)
    assert parse(HiredisRequestParser(), [whole]) == parse(RequestParser(), [whole])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", []),
        (b"a 'b c' d", [b"a", b"b c", b"d"]),
        (b"'it\\'s'", [b"it's"]),
        (b'"\\a\\b\\t\\r\\"\\q"', [b'\a\b\t\r"q']),
        (b'"\\xzz"', [b"xzz"]),
        (b"a'b", None),
        (b"'a'b", None),
        (b'"a', None),
        (b"\va\vb \fc\f", [b"a\vb", b"c\f"]),
    ],
)
def test_a_line_is_split_into_words_as_in_redis(line: bytes, words: list[bytes] | None) -> None:
    assert split_words(line) == words
