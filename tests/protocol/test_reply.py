"""The sinks: each reply type on the wire of RESP2 and RESP3, and as a Python value."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyredmem.protocol.reply import ReplySink
from pyredmem.protocol.resp import LARGE_BULK, Resp3Sink, RespSink
from pyredmem.protocol.values import ErrorReply, SimpleReply, ValueSink

Reply = Callable[[ReplySink], None]

WIRE: list[tuple[str, Reply, bytes, bytes]] = [
    ("ok", lambda r: r.ok(), b"+OK\r\n", b"+OK\r\n"),
    ("simple", lambda r: r.simple(b"PONG"), b"+PONG\r\n", b"+PONG\r\n"),
    ("error", lambda r: r.error(b"ERR a\r\nb"), b"-ERR a  b\r\n", b"-ERR a  b\r\n"),
    ("small integer", lambda r: r.integer(7), b":7\r\n", b":7\r\n"),
    ("negative integer", lambda r: r.integer(-7), b":-7\r\n", b":-7\r\n"),
    ("big integer", lambda r: r.integer(2**63 - 1), b":9223372036854775807\r\n", b":9223372036854775807\r\n"),
    ("empty bulk", lambda r: r.bulk(b""), b"$0\r\n\r\n", b"$0\r\n\r\n"),
    ("binary bulk", lambda r: r.bulk(b"\r\n\x00"), b"$3\r\n\r\n\x00\r\n", b"$3\r\n\r\n\x00\r\n"),
    ("long bulk", lambda r: r.bulk(b"a" * 2000), *2 * (b"$2000\r\n" + b"a" * 2000 + b"\r\n",)),
    ("null", lambda r: r.null(), b"$-1\r\n", b"_\r\n"),
    ("null array", lambda r: r.null_array(), b"*-1\r\n", b"_\r\n"),
    ("array", lambda r: r.array(2), b"*2\r\n", b"*2\r\n"),
    ("map", lambda r: r.map(2), b"*4\r\n", b"%2\r\n"),
    ("set", lambda r: r.set(2), b"*2\r\n", b"~2\r\n"),
    ("push", lambda r: r.push(2), b"*2\r\n", b">2\r\n"),
    ("double", lambda r: r.double(1.5), b"$3\r\n1.5\r\n", b",1.5\r\n"),
    ("infinity", lambda r: r.double(float("inf")), b"$3\r\ninf\r\n", b",inf\r\n"),
    ("coordinate", lambda r: r.fixed_double(0.1), b"$19\r\n0.10000000000000001\r\n", b",0.10000000000000001\r\n"),
    ("whole coordinate", lambda r: r.fixed_double(-180.0), b"$4\r\n-180\r\n", b",-180\r\n"),
    ("no negative zero", lambda r: r.fixed_double(-0.0), b"$1\r\n0\r\n", b",0\r\n"),
    ("true", lambda r: r.boolean(True), b":1\r\n", b"#t\r\n"),
    ("false", lambda r: r.boolean(False), b":0\r\n", b"#f\r\n"),
    ("verbatim", lambda r: r.verbatim(b"text"), b"$4\r\ntext\r\n", b"=8\r\ntxt:text\r\n"),
    ("big number", lambda r: r.big_number(b"123"), b"$3\r\n123\r\n", b"(123\r\n"),
    ("bulks", lambda r: r.bulks([b"a", b"b"]), b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "say", "resp2", "resp3"), WIRE, ids=[case[0] for case in WIRE])
def test_each_reply_on_the_wire(name: str, say: Reply, resp2: bytes, resp3: bytes) -> None:
    for sink, expected in ((RespSink(), resp2), (Resp3Sink(), resp3)):
        say(sink)
        assert sink.size() == len(expected)
        assert sink.take() == expected
        assert sink.size() == 0


def test_a_large_string_is_handed_over_uncopied() -> None:
    sink = RespSink()
    value = b"v" * LARGE_BULK
    sink.ok()
    sink.bulk(value)
    sink.ok()
    parts = sink.take_parts()
    assert any(part is value for part in parts)
    assert b"".join(parts) == b"+OK\r\n$%d\r\n%b\r\n+OK\r\n" % (LARGE_BULK, value)


@pytest.mark.parametrize("size", [10, LARGE_BULK])
def test_what_was_written_beyond_a_mark_can_be_forgotten(size: int) -> None:
    sink = RespSink()
    sink.ok()
    mark = sink.size()
    sink.bulk(b"v" * size)
    sink.integer(1)
    sink.truncate(mark)
    assert sink.size() == mark
    assert sink.take() == b"+OK\r\n"


def values(say: Reply, protocol: int = 3) -> list[object]:
    sink = ValueSink(protocol)
    say(sink)
    return sink.take()


def test_nested_replies_become_nested_values() -> None:
    def say(reply: ReplySink) -> None:
        reply.array(3)
        reply.map(1)
        reply.bulk(b"k")
        reply.array(0)
        reply.integer(1)
        reply.null()

    assert values(say) == [[{b"k": []}, 1, None]]
    assert values(say, protocol=2) == [[[b"k", []], 1, None]]


def test_a_map_whose_keys_no_dict_can_have_becomes_a_list_of_pairs() -> None:
    def say(reply: ReplySink) -> None:
        reply.map(2)
        reply.array(1)
        reply.integer(1)
        reply.integer(2)
        reply.null()
        reply.integer(3)

    assert values(say) == [[([1], 2), (None, 3)]]


def test_simple_strings_and_errors_are_told_from_bulk_strings() -> None:
    simple, error = values(lambda r: (r.simple(b"OK"), r.error(b"ERR x"))[1])
    assert isinstance(simple, SimpleReply)
    assert isinstance(error, ErrorReply)
    assert (simple.text, error.message) == (b"OK", b"ERR x")


def test_an_unfinished_reply_is_not_taken() -> None:
    sink = ValueSink()
    sink.array(2)
    sink.integer(1)
    with pytest.raises(AssertionError):
        sink.take()
