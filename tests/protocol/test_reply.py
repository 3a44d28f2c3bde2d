"""The sinks: each type of reply as RESP2, as RESP3 and as a Python value."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.protocol.null_sink import NullSink
from pyredmem.protocol.reply import ReplySink
from pyredmem.protocol.resp import LARGE_BULK, Resp3Sink, RespSink
from pyredmem.protocol.values import ErrorReply, SimpleReply, ValueSink
from tests.support import wire

Reply = Callable[[ReplySink], object]

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
    ("attribute", lambda r: r.attribute(1), b"", b"|1\r\n"),
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
def test_each_reply_as_bytes(name: str, say: Reply, resp2: bytes, resp3: bytes) -> None:
    for sink, expected in ((RespSink(), resp2), (Resp3Sink(), resp3)):
        say(sink)
        assert sink.size() == len(expected)
        assert sink.take() == expected
        assert sink.size() == 0


def test_a_large_string_is_handed_over_without_a_copy() -> None:
    sink = RespSink()
    value = b"v" * LARGE_BULK
    sink.ok()
    sink.bulk(value)
    sink.ok()
    parts = sink.take_parts()
    assert any(part is value for part in parts)
    assert b"".join(parts) == b"+OK\r\n$%d\r\n%b\r\n+OK\r\n" % (LARGE_BULK, value)


@pytest.mark.parametrize("size", [10, LARGE_BULK])
def test_the_content_of_another_sink_is_moved_to_the_end(size: int) -> None:
    sink, messages = RespSink(), Resp3Sink()
    value = b"v" * size
    sink.ok()
    messages.push(1)
    messages.bulk(value)
    messages.null()
    sink.append_from(messages)
    sink.ok()
    expected = b"+OK\r\n>1\r\n$%d\r\n%b\r\n_\r\n+OK\r\n" % (size, value)
    assert (sink.size(), messages.size()) == (len(expected), 0)
    assert sink.take() == expected


def test_a_large_string_of_another_sink_is_moved_without_a_copy() -> None:
    sink, messages = RespSink(), RespSink()
    value = b"v" * LARGE_BULK
    messages.bulk(value)
    sink.append_from(messages)
    assert any(part is value for part in sink.take_parts())


def test_large_encoded_bytes_are_handed_over_without_a_copy() -> None:
    sink = RespSink()
    encoded = b"$%d\r\n%b\r\n" % (LARGE_BULK, b"v" * LARGE_BULK)
    sink.ok()
    sink.raw(encoded)
    assert sink.size() == 5 + len(encoded)
    assert any(part is encoded for part in sink.take_parts())


@pytest.mark.parametrize("protocol", [2, 3])
def test_the_null_sink_takes_every_reply_and_says_its_protocol(protocol: int) -> None:
    sink = NullSink(protocol)
    for _, say, _, _ in WIRE:
        say(sink)
    sink.text("text")
    assert sink.protocol == protocol


@pytest.mark.parametrize("sink", [RespSink(), NullSink(2), ValueSink(2)])
def test_resp2_has_no_attributes(sink: ReplySink) -> None:
    assert not sink.attribute(1)


@pytest.mark.parametrize("sink", [Resp3Sink(), NullSink(3), ValueSink(3)])
def test_resp3_has_attributes(sink: ReplySink) -> None:
    assert sink.attribute(1)


# Python values.


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


@pytest.mark.parametrize(
    ("say", "expected"),
    [
        (lambda r: r.double(3.0), b"3"),
        (lambda r: r.double(0.1), b"0.1"),
        (lambda r: r.fixed_double(0.1), b"0.10000000000000001"),
        (lambda r: r.boolean(True), 1),
        (lambda r: r.big_number(b"123"), b"123"),
        (lambda r: r.verbatim(b"text"), b"text"),
    ],
    ids=["whole double", "double", "coordinate", "boolean", "big number", "verbatim"],
)
def test_values_of_resp2_have_only_the_types_of_resp2(say: Reply, expected: object) -> None:
    (value,) = values(say, protocol=2)
    assert (type(value), value) == (type(expected), expected)


def test_a_map_whose_keys_no_dict_can_have_becomes_a_list_of_pairs() -> None:
    def say(reply: ReplySink) -> None:
        reply.map(2)
        reply.array(1)
        reply.integer(1)
        reply.integer(2)
        reply.null()
        reply.integer(3)

    assert values(say) == [[([1], 2), (None, 3)]]


def say_map_with_equal_keys(reply: ReplySink) -> None:
    reply.map(2)
    reply.bulk(b"k")
    reply.integer(1)
    reply.bulk(b"k")
    reply.integer(2)


def test_a_map_with_equal_keys_loses_none_of_them() -> None:
    assert values(say_map_with_equal_keys) == [[(b"k", 1), (b"k", 2)]]
    assert values(say_map_with_equal_keys, protocol=2) == [[b"k", 1, b"k", 2]]


def test_an_attribute_is_left_out_of_the_values() -> None:
    def say(reply: ReplySink) -> None:
        reply.array(2)
        reply.integer(1)
        if reply.attribute(1):
            reply.bulk(b"popularity")
            reply.array(1)
            reply.integer(90)
        reply.integer(2)

    assert values(say, protocol=2) == values(say, protocol=3) == [[1, 2]]


def test_simple_strings_and_errors_differ_from_bulk_strings() -> None:
    simple, error = values(lambda r: (r.simple(b"OK"), r.error(b"ERR x"))[1])
    assert isinstance(simple, SimpleReply)
    assert isinstance(error, ErrorReply)
    assert (simple.text, error.message) == (b"OK", b"ERR x")


def test_an_unfinished_reply_cannot_be_taken() -> None:
    sink = ValueSink()
    sink.array(2)
    sink.integer(1)
    with pytest.raises(AssertionError):
        sink.take()


# A random reply gives the same values whether it is built as values or written as RESP and parsed.

TEXTS = st.binary(max_size=20).map(lambda text: text.replace(b"\r", b"").replace(b"\n", b""))
I64S = st.integers(-(2**63), 2**63 - 1)

PARTS: st.SearchStrategy[Reply] = st.one_of(
    st.just(lambda r: r.ok()),
    TEXTS.map(lambda text: lambda r: r.simple(text)),
    st.binary(max_size=20).map(lambda text: lambda r: r.error(text)),
    I64S.map(lambda number: lambda r: r.integer(number)),
    st.binary(max_size=20).map(lambda data: lambda r: r.bulk(data)),
    st.just(lambda r: r.null()),
    st.just(lambda r: r.null_array()),
    st.floats().map(lambda number: lambda r: r.double(number)),
    st.floats(-1000, 1000).map(lambda number: lambda r: r.fixed_double(number)),
    st.booleans().map(lambda value: lambda r: r.boolean(value)),
    st.binary(max_size=20).map(lambda text: lambda r: r.verbatim(text)),
    st.integers().map(lambda number: lambda r: r.big_number(b"%d" % number)),
)


def aggregates(parts: st.SearchStrategy[Reply]) -> st.SearchStrategy[Reply]:
    def said(name: str, items: list[Reply]) -> Reply:
        def say(reply: ReplySink) -> None:
            getattr(reply, name)(len(items) // 2 if name == "map" else len(items))
            for item in items:
                item(reply)

        return say

    lists = st.lists(parts, max_size=4)
    flat = st.builds(said, st.sampled_from(["array", "set", "push"]), lists)
    pairs = st.lists(st.tuples(parts, parts), max_size=4).map(lambda found: [part for pair in found for part in pair])
    return st.one_of(flat, st.builds(said, st.just("map"), pairs))


def value_of(reply: wire.Reply) -> object:
    """What a ValueSink gives for a reply with these bytes, said independently of it."""
    match reply:
        case wire.Simple(text):
            return SimpleReply(text)
        case wire.Error(text):
            return ErrorReply(text)
        case wire.Integer(number) | wire.Boolean(number):
            return number
        case wire.Bulk(data) | wire.Verbatim(_, data):
            return data
        case wire.Null() | wire.NullArray():
            return None
        case wire.Double(text):
            return float(text)
        case wire.BigNumber(digits):
            return int(digits)
        case wire.Map(pairs):
            found = [(value_of(key), value_of(value)) for key, value in pairs]
            plain = all(isinstance(key, bytes | int | float) for key, _ in found)
            return dict(found) if plain and len(dict(found)) == len(found) else found
        case wire.Array(items) | wire.Set(items) | wire.Push(items):
            return [value_of(item) for item in items]
    raise AssertionError(reply)


def comparable(value: object) -> object:
    """A value in which 1, 1.0 and true differ, as do the two zeros, while NaN is itself."""
    match value:
        case SimpleReply():
            return ("simple", value.text)
        case ErrorReply():
            return ("error", value.message)
        case list():
            return [comparable(item) for item in value]
        case tuple():
            return tuple(comparable(item) for item in value)
        case dict():
            return {"dict": [(comparable(key), comparable(item)) for key, item in value.items()]}
    return (type(value), repr(value))


@pytest.mark.parametrize("protocol", [2, 3])
@given(say=st.recursive(PARTS, aggregates, max_leaves=12))
def test_values_are_what_a_client_parses_from_the_bytes(protocol: int, say: Reply) -> None:
    sink = RespSink() if protocol == 2 else Resp3Sink()
    say(sink)
    decoder = wire.Decoder()
    decoder.feed(sink.take())
    parsed = [comparable(value_of(reply)) for reply in decoder.take_all()]
    assert [comparable(value) for value in values(say, protocol)] == parsed


@pytest.mark.parametrize("size", [10, LARGE_BULK])
def test_a_part_of_the_output_is_found_without_taking_it(size: int) -> None:
    sink = RespSink()
    for text in (b"a" * 5, b"b" * size, b"c" * 5):
        sink.bulk(text)
    pieces = [sink.part(start, 100) for start in range(0, sink.size() + 1, 7)]
    parts = [sink.part(start, 7) for start in range(0, sink.size(), 7)]
    output = sink.take()
    assert pieces == [output[start : start + 100] for start in range(0, len(output) + 1, 7)]
    assert b"".join(parts) == output
