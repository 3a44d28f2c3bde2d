"""The parser of the test client."""

from __future__ import annotations

import pytest

from tests.support.wire import (
    Array,
    BigNumber,
    Boolean,
    Bulk,
    Decoder,
    Double,
    Error,
    Integer,
    Map,
    Null,
    NullArray,
    Push,
    Reply,
    Set,
    Simple,
    Verbatim,
    WireError,
    request,
)

CASES: list[tuple[bytes, Reply]] = [
    (b"+OK\r\n", Simple(b"OK")),
    (b"-ERR x\r\n", Error(b"ERR x")),
    (b":-7\r\n", Integer(-7)),
    (b"$3\r\na\r\n\r\n", Bulk(b"a\r\n")),
    (b"$0\r\n\r\n", Bulk(b"")),
    (b"$-1\r\n", Null()),
    (b"*-1\r\n", NullArray()),
    (b"_\r\n", Null()),
    (b"*2\r\n:1\r\n*1\r\n+a\r\n", Array((Integer(1), Array((Simple(b"a"),))))),
    (b"%1\r\n+a\r\n:1\r\n", Map(((Simple(b"a"), Integer(1)),))),
    (b"~1\r\n:1\r\n", Set((Integer(1),))),
    (b">1\r\n:1\r\n", Push((Integer(1),))),
    (b",1.5\r\n", Double(b"1.5")),
    (b"#t\r\n", Boolean(True)),
    (b"=7\r\ntxt:abc\r\n", Verbatim(b"txt", b"abc")),
    (b"(123\r\n", BigNumber(b"123")),
    (b"!5\r\nERR x\r\n", Error(b"ERR x")),
]


@pytest.mark.parametrize(("data", "reply"), CASES)
def test_each_type_is_decoded(data: bytes, reply: Reply) -> None:
    decoder = Decoder()
    decoder.feed(data + b"+next")
    assert decoder.take() == reply
    assert decoder.pending == b"+next"


@pytest.mark.parametrize(("data", "reply"), CASES)
def test_a_reply_may_come_byte_by_byte(data: bytes, reply: Reply) -> None:
    decoder = Decoder()
    for at in range(len(data)):
        assert decoder.take() is None
        decoder.feed(data[at : at + 1])
    assert decoder.take() == reply


@pytest.mark.parametrize(("one", "other"), [(Simple(b"OK"), Bulk(b"OK")), (Null(), NullArray()), (Array(()), Set(()))])
def test_replies_of_different_types_differ(one: Reply, other: Reply) -> None:
    assert one != other


def test_bytes_that_are_not_resp_are_refused() -> None:
    decoder = Decoder()
    decoder.feed(b"?what\r\n")
    with pytest.raises(WireError):
        decoder.take()


def test_a_request_is_encoded_as_a_multibulk() -> None:
    assert request("SET", b"\x00", 5) == b"*3\r\n$3\r\nSET\r\n$1\r\n\x00\r\n$1\r\n5\r\n"
