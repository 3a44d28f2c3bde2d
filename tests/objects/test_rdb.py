"""Values to bytes and back: encodings and memory stay the same, and invalid bytes do no harm."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.objects.digest import Digest
from pyredmem.objects.hash import HashObject, new_hash
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.list import ListObject, new_list
from pyredmem.objects.object import RedisObject, decr_ref_count
from pyredmem.objects.rdb_images import Builder
from pyredmem.objects.rdb_loader import read_value
from pyredmem.objects.rdb_reader import PayloadError, RdbReader, is_intact
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.set import SetObject, new_set
from pyredmem.objects.sorted_set import SortedSetObject, new_sorted_set
from pyredmem.objects.stream import StreamObject, new_stream
from pyredmem.objects.stream_id import id_key, make_id
from pyredmem.objects.string_factory import StringFactory
from pyredmem.structures.listpack_bytes import listpack_bytes
from tests.support.payloads import body, sealed, text, version


class Desk:
    """Makes values, saves and loads them."""

    def __init__(self) -> None:
        self.allocator = Allocator()
        self.limits = EncodingLimits()
        self.strings = StringFactory(self.allocator)
        self.rng = Random(1)

    def payload(self, value: RedisObject, compresses: bool = True) -> bytes:
        writer = RdbWriter(compresses)
        value.save(writer)
        return writer.payload()

    def restore(self, payload: bytes) -> RedisObject:
        return read_value(payload).build(Builder(self.strings, self.limits, self.rng))

    def string(self, data: bytes) -> RedisObject:
        return self.strings.create(data)

    def list(self, *elements: bytes) -> ListObject:
        value = new_list(self.allocator)
        for element in elements:
            value.push(element, True, self.limits)
        return value

    def set(self, *members: bytes) -> RedisObject:
        value = new_set(members[0], 1, self.allocator, self.limits)
        for member in members:
            value.add(member, self.limits)
        return value

    def hash(self, pairs: dict[bytes, bytes], times: dict[bytes, int] | None = None) -> HashObject:
        value = new_hash(self.allocator)
        for field, content in pairs.items():
            value.set(field, content, self.limits)
        for field, when_ms in (times or {}).items():
            value.expire_at(field, when_ms)
        return value

    def sorted_set(self, scores: dict[bytes, float]) -> SortedSetObject:
        value = new_sorted_set(self.allocator, self.limits)
        for member, score in scores.items():
            value.add(member, score, self.limits, self.rng)
        return value

    def stream(self, entries: int = 250) -> StreamObject:
        """A stream whose entries have different fields, with deleted entries and with groups."""
        value = new_stream(self.allocator)
        stream = value.stream
        for at in range(1, entries + 1):
            entry = [b"f", b"v%d" % at] if at % 40 else [b"g", b"1", b"h", b"2"]
            stream.add(make_id(at, at % 3), entry, self.limits)
        for at in (1, 2, 40, 41):
            stream.delete(make_id(at, at % 3))
        stream.update_first_id()
        stream.max_deleted_id = make_id(41, 2)
        stream.add_group(b"g", make_id(5, 2), 5)
        stream.add_group(b"quiet", make_id(0, 0), -1)
        group = stream.group(b"g")
        assert group is not None
        for name in (b"a", b"b", b"idle"):
            group.add_consumer(name, 1000)
        for at, consumer in enumerate(group.consumers.values()[:2]):
            consumer.active_ms = 2000
            group.add_pending(id_key(make_id(at + 3, 0)), consumer, 1234).deliveries = at + 1
        return value


def _digest(value: RedisObject) -> bytes:
    digest = Digest()
    value.digest(digest)
    return digest.text()


DESK = Desk()
FUTURE = 1_900_000_000_000
VALUES: dict[str, RedisObject] = {
    "int": DESK.string(b"12345"),
    "embstr": DESK.string(b"hello"),
    "raw": DESK.string(b"abc" * 100),
    "big": DESK.string(b"noise".ljust(40000, b"x")),
    "listpack list": DESK.list(b"a", b"7", b"x" * 100),
    "quicklist": DESK.list(*[b"element %d" % at for at in range(3000)]),
    "intset": DESK.set(b"1", b"2", b"70000"),
    "listpack set": DESK.set(b"a", b"1", b"b"),
    "hashtable set": DESK.set(b"a", b"b" * 100),
    "listpack hash": DESK.hash({b"f": b"v", b"n": b"12"}),
    "hashtable hash": DESK.hash({b"f": b"v" * 100, b"n": b"12"}),
    "listpack zset": DESK.sorted_set({b"a": 1.5, b"b": -2.0, b"c": float("inf")}),
    "skiplist": DESK.sorted_set({b"a" * 100: 1.5, b"b": float("-inf"), b"c": 0.1}),
    "stream": DESK.stream(),
    "empty stream": new_stream(DESK.allocator),
    "listpackex": DESK.hash({b"f": b"v", b"g": b"w", b"h": b"x"}, {b"g": FUTURE, b"f": FUTURE + 5}),
    "hashtable with times": DESK.hash({b"f": b"v" * 100, b"g": b"w"}, {b"g": FUTURE}),
}


@pytest.mark.parametrize("compresses", [True, False])
@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_loaded_in_the_encoding_it_was_saved_in(name: str, compresses: bool) -> None:
    value = VALUES[name]
    payload = DESK.payload(value, compresses)
    assert is_intact(payload, checks_sum=True)
    again = DESK.restore(payload)
    assert (again.type_name(), again.encoding()) == (value.type_name(), value.encoding())
    assert _digest(again) == _digest(value)
    assert sorted(DESK.payload(again, compresses)) == sorted(payload)  # the order of a hash table may differ
    assert again.serialized_length(compresses) == value.serialized_length(compresses) == len(payload) - 11


def _is_of_fixed_size(name: str) -> bool:
    """Whether its blocks depend on its content alone: not on how it arrived, on spare room, or on random heights."""
    return name not in {"big", "stream"} and VALUES[name].encoding() not in {b"skiplist", b"quicklist"}


@pytest.mark.parametrize("name", [name for name in VALUES if _is_of_fixed_size(name)])
def test_a_loaded_value_uses_the_same_memory(name: str) -> None:
    again = DESK.restore(DESK.payload(VALUES[name]))
    assert again.memory(DESK.allocator, 0) == VALUES[name].memory(DESK.allocator, 0)


@pytest.mark.parametrize("name", VALUES)
def test_a_loaded_value_can_be_freed(name: str) -> None:
    payload = DESK.payload(VALUES[name])
    before = int(DESK.allocator.used_memory)
    again = DESK.restore(payload)
    again.free(DESK.allocator)
    assert int(DESK.allocator.used_memory) == before


def test_only_hashes_with_times_need_the_newer_version() -> None:
    versions = {name: version(DESK.payload(value)) for name, value in VALUES.items()}
    assert {name for name, number in versions.items() if number != 11} == {"listpackex", "hashtable with times"}
    assert versions["listpackex"] == 12


@pytest.mark.parametrize("name", ["listpackex", "hashtable with times"])
def test_fields_keep_their_times(name: str) -> None:
    value, again = VALUES[name], DESK.restore(DESK.payload(VALUES[name]))
    assert isinstance(value, HashObject)
    assert isinstance(again, HashObject)
    for field in (b"f", b"g", b"h"):
        assert again.time_of(field) == value.time_of(field)


def test_hashes_with_times_are_written_as_in_7_4() -> None:
    """The earliest time; then a listpack with all times, or with each field how much later its time is."""
    moment = (1000).to_bytes(8, "little")
    block = listpack_bytes([b"g", b"w", b"1000", b"f", b"v", b"0"])
    packed = DESK.hash({b"f": b"v", b"g": b"w"}, {b"g": 1000})
    assert body(DESK.payload(packed, False)) == b"\x19" + moment + bytes([len(block)]) + block
    table = DESK.hash({b"f": b"v" * 65, b"g": b"w"}, {b"g": 1000})
    fields = b"\x00\x01f\x40\x41" + b"v" * 65 + b"\x01\x01g\x01w"
    assert body(DESK.payload(table, False)) == b"\x18" + moment + b"\x02" + fields


def test_a_stream_keeps_its_ids_and_counters() -> None:
    value = VALUES["stream"]
    again = DESK.restore(DESK.payload(value))
    assert isinstance(value, StreamObject)
    assert isinstance(again, StreamObject)
    again.stream.check()
    for name in ("length", "last_id", "first_id", "max_deleted_id", "entries_added"):
        assert getattr(again.stream, name) == getattr(value.stream, name)
    group, twin = value.stream.group_list()[0], again.stream.group_list()[0]
    assert (group.last_id, group.entries_read) == (twin.last_id, twin.entries_read)
    for consumer, other in zip(group.consumers.values(), twin.consumers.values(), strict=True):
        assert (consumer.name, consumer.seen_ms, consumer.active_ms) == (other.name, other.seen_ms, other.active_ms)
        assert consumer.pending.used == other.pending.used
    assert [node.deleted for node in value.stream.tree.values()] == [
        node.deleted for node in again.stream.tree.values()
    ]


def _stream_of_first_version() -> bytes:
    """Two entries and a group that has read one of them."""
    node = listpack_bytes([b"2", b"0", b"1", b"f", b"0", *b"2 0 0 v 4 2 1 0 w 4".split()])
    key = id_key(make_id(5, 0))
    content = b"\x0f\x01" + text(key) + text(node) + b"\x02\x06\x00"
    pending = key + (99).to_bytes(8, "little") + b"\x01"
    consumer = b"\x01\x01c" + (77).to_bytes(8, "little") + b"\x01" + key
    return content + b"\x01\x01g\x05\x00\x01" + pending + consumer


def test_what_the_first_version_of_streams_lacks_is_inferred() -> None:
    again = DESK.restore(sealed(_stream_of_first_version(), 9))
    assert isinstance(again, StreamObject)
    stream, group = again.stream, again.stream.group_list()[0]
    assert (stream.first_id, stream.max_deleted_id, stream.entries_added) == (make_id(5, 0), 0, 2)
    assert group.entries_read == 1
    assert [consumer.active_ms for consumer in group.consumers.values()] == [77]
    stream.check()


# The present limits.


def test_the_present_limits_decide_about_the_encoding() -> None:
    desk = Desk()
    payloads = {name: desk.payload(value) for name, value in VALUES.items()}
    desk.limits.hash_entries = desk.limits.set_entries = desk.limits.set_intset_entries = desk.limits.zset_entries = 1
    desk.limits.list_size = 2
    expected = {
        "listpack hash": b"hashtable",
        "listpack set": b"hashtable",
        "intset": b"hashtable",
        "listpack zset": b"skiplist",
        "listpack list": b"quicklist",
        "listpackex": b"hashtable",
    }
    for name, encoding in expected.items():
        again = desk.restore(payloads[name])
        assert again.encoding() == encoding, name
        assert _digest(again) == _digest(VALUES[name])


def test_a_table_is_loaded_as_a_listpack_if_the_limits_allow_it_now() -> None:
    desk = Desk()
    desk.limits.hash_value = desk.limits.set_value = desk.limits.zset_value = 1000
    expected = {"hashtable hash": b"listpack", "hashtable set": b"listpack", "skiplist": b"listpack"}
    for name, encoding in expected.items():
        again = desk.restore(desk.payload(VALUES[name]))
        assert again.encoding() == encoding, name
        assert _digest(again) == _digest(VALUES[name])


def test_a_plain_node_stays_plain() -> None:
    desk = Desk()
    desk.limits.packed_threshold = 100
    desk.limits.list_size = 1
    value = desk.list(b"a", b"x" * 100, b"b")
    payload = desk.payload(value)
    desk.limits.packed_threshold = 1 << 30
    again = desk.restore(payload)
    assert isinstance(again, ListObject)
    assert (again.encoding(), again.elements()) == (b"quicklist", value.elements())
    again.check()
    assert desk.payload(again) == payload


# Forms from before Redis 7.


def _ziplist(content: str) -> bytes:
    entries = bytes.fromhex(content)
    return (len(entries) + 11).to_bytes(4, "little") + bytes(4) + b"\xff\xff" + entries + b"\xff"


A_ONE = "00 01 61 03 f2"  # a, 1
OLD: dict[str, tuple[bytes, bytes, object]] = {
    "list": (b"\x01\x02\x01a\x011", b"listpack", [b"a", b"1"]),
    "ziplist": (b"\x0a" + text(_ziplist(A_ONE)), b"listpack", [b"a", b"1"]),
    "ziplists": (b"\x0e\x02" + 2 * text(_ziplist(A_ONE)), b"quicklist", [b"a", b"1"] * 2),
    "empty ziplists": (b"\x0e\x02" + text(_ziplist("")) + text(_ziplist(A_ONE)), b"listpack", [b"a", b"1"]),
    "hash of a ziplist": (b"\x0d" + text(_ziplist(A_ONE)), b"listpack", [(b"a", b"1")]),
    "hash of a zipmap": (b"\x09" + text(b"\x01\x01a\x01\x001\xff"), b"listpack", [(b"a", b"1")]),
    "scores of a ziplist": (b"\x0c" + text(_ziplist(A_ONE)), b"listpack", [(b"a", 1.0)]),
    "scores as text": (b"\x03\x02\x01a\x031.5\x01b\xff", b"listpack", [(b"b", float("-inf")), (b"a", 1.5)]),
}


@pytest.mark.parametrize("name", OLD)
def test_older_forms_can_be_loaded(name: str) -> None:
    content, encoding, items = OLD[name]
    again = DESK.restore(sealed(content, 6))
    assert again.encoding() == encoding
    found: object = None
    if isinstance(again, ListObject):
        again.check()
        found = again.elements()
    elif isinstance(again, HashObject | SortedSetObject):
        found = again.items()
    assert found == items


# Invalid values.

LP = listpack_bytes
BAD: dict[str, bytes] = {
    "nothing": b"",
    "no content": b"\x00",
    "an unknown type": b"\x08\x01a",
    "a module": b"\x07\x01a",
    "an early form of hashes with times": b"\x16\x01\x00\x01a\x01b",
    "a length that is none": b"\x00\x82\x01a",
    "a string that is too short": b"\x00\x05abcd",
    "a string of an unknown form": b"\x00\xc4abcd",
    "compressed to nothing": b"\x00\xc3\x00\x00",
    "compressed to another length": b"\x00\xc3\x02\x02\x00a",
    "badly compressed": b"\x00\xc3\x02\x02\x20\x00",
    "more elements than there are": b"\x01\x81" + b"\xff" * 8 + b"\x01a",
    "an element that is a length": b"\x02\xc0\x01",
    "no node": b"\x12\x00",
    "an empty node alone": b"\x12\x01\x02" + text(LP([])),
    "an unknown kind of node": b"\x12\x01\x03" + text(LP([b"a"])),
    "an empty plain node": b"\x12\x01\x01\x00",
    "an intset of no width": b"\x0b" + text(b"\x03\0\0\0\x01\0\0\0abc"),
    "an empty intset": b"\x0b" + text(b"\x02\0\0\0\0\0\0\0"),
    "an intset that is too short": b"\x0b" + text(b"\x02\0\0\0\x02\0\0\0ab"),
    "an intset out of order": b"\x0b" + text(b"\x02\0\0\0\x02\0\0\0\x02\0\x01\0"),
    "a member twice": b"\x14" + text(LP([b"a", b"a"])),
    "a field without a value": b"\x10" + text(LP([b"a", b"b", b"c"])),
    "a field twice": b"\x10" + text(LP([b"a", b"b", b"a", b"c"])),
    "a member without a score": b"\x11" + text(LP([b"a"])),
    "a score that is no number": b"\x11" + text(LP([b"a", b"x"])),
    "a score that is not a number": b"\x11" + text(LP([b"a", b"nan"])),
    "a text that is not a number": b"\x03\x01\x01a\xfd",
    "a field without a time": b"\x19" + bytes(8) + text(LP([b"a", b"b"])),
    "a time that is no number": b"\x19" + bytes(8) + text(LP([b"a", b"b", b"c"])),
    "a time too far": b"\x19" + bytes(8) + text(LP([b"a", b"b", b"%d" % (1 << 46)])),
    "a time below zero": b"\x18" + b"\x00" * 7 + b"\x80\x01\x01\x01a\x01b",
}


@pytest.mark.parametrize("name", BAD)
def test_an_invalid_value_is_refused(name: str) -> None:
    with pytest.raises(PayloadError):
        read_value(sealed(BAD[name]))


KEY = id_key(make_id(5, 0))
GOOD_NODE = [b"1", b"0", b"1", b"f", b"0", b"2", b"0", b"0", b"v", b"4"]
BAD_NODES: dict[str, list[bytes]] = {
    "no entry": GOOD_NODE[:5],
    "a wrong count": [b"2", *GOOD_NODE[1:]],
    "a wrong count of deleted ones": [b"1", b"1", *GOOD_NODE[2:]],
    "more fields than there are": [*GOOD_NODE[:2], b"100", *GOOD_NODE[3:]],
    "fields below zero": [*GOOD_NODE[:2], b"-1", *GOOD_NODE[3:]],
    "no end of the fields": [*GOOD_NODE[:4], b"1", *GOOD_NODE[5:]],
    "unknown flags": [*GOOD_NODE[:5], b"4", *GOOD_NODE[6:]],
    "a wrong number of elements": [*GOOD_NODE[:9], b"5"],
    "an entry that is cut off": GOOD_NODE[:8],
    "an id before the node's": [*GOOD_NODE[:6], b"-1", *GOOD_NODE[7:]],
    "words for numbers": [b"x", *GOOD_NODE[1:]],
}


@pytest.mark.parametrize("name", BAD_NODES)
def test_a_stream_with_a_damaged_node_is_refused(name: str) -> None:
    tail = b"\x01\x05\x00\x05\x00\x00\x00\x01\x00"
    assert read_value(sealed(b"\x13\x01" + text(KEY) + text(LP(GOOD_NODE)) + tail)) is not None
    with pytest.raises(PayloadError):
        read_value(sealed(b"\x13\x01" + text(KEY) + text(LP(BAD_NODES[name])) + tail))


@pytest.mark.parametrize(
    "groups",
    [
        b"\x01\x01g\x00\x00\x00\x01" + KEY + bytes(8) + b"\x01\x00",  # a pending entry without a consumer
        b"\x01\x01g\x00\x00\x00\x00\x01\x01c"
        + bytes(16)
        + b"\x01"
        + KEY,  # a consumer's entry that the group does not have
        b"\x02" + b"\x01g\x00\x00\x00\x00\x00" * 2,  # two groups with the same name
        b"\x01\x01g\x00\x00\x81" + b"\xff" * 7 + b"\xfe\x00\x00",  # fewer than 0 entries were read
        b"\x01\x01g\x00\x00\x00\x00\x02" + (b"\x01c" + bytes(16) + b"\x00") * 2,
        b"\x01\x01g\x00\x00\x00\x02" + (KEY + bytes(8) + b"\x01") * 2 + b"\x00",
        b"\x01\x01g\x00\x00\x00\x01" + KEY + bytes(8) + b"\x01\x01\x01c" + bytes(16) + b"\x02" + KEY * 2,
    ],
)
def test_a_stream_with_a_damaged_group_is_refused(groups: bytes) -> None:
    head = b"\x15\x01" + text(KEY) + text(LP(GOOD_NODE)) + b"\x01\x05\x00\x05\x00\x00\x00\x01"
    assert read_value(sealed(head + b"\x00")) is not None
    with pytest.raises(PayloadError):
        read_value(sealed(head + groups))


def test_a_stream_with_wrong_counters_is_refused() -> None:
    node = text(KEY) + text(LP(GOOD_NODE))
    for content in (
        b"\x13\x01" + node + b"\x02\x05\x00\x05\x00\x00\x00\x01\x00",  # two entries
        b"\x13\x01" + node + b"\x01\x04\x00\x05\x00\x00\x00\x01\x00",  # the last id is below that of the entry
        b"\x13\x02" + node + node + b"\x02\x05\x00\x05\x00\x00\x00\x02\x00",  # the same node twice
        b"\x13\x01" + node + b"\x01\x05\x00\x05\x00\x00\x00\x81" + b"\xff" * 8 + b"\x00",  # more than 63 bits
        b"\x13\x01" + text(KEY[1:]) + text(LP(GOOD_NODE)) + b"\x01\x05\x00\x05\x00\x00\x00\x01\x00",
    ):
        with pytest.raises(PayloadError):
            read_value(sealed(content))


@pytest.mark.parametrize("payload", [b"", b"x" * 9, sealed(b"\x00\x01a", 13), sealed(b"\x00\x01a")[:-1] + b"\x00"])
def test_a_wrong_footer_is_noticed(payload: bytes) -> None:
    assert not is_intact(payload, checks_sum=True)


def test_the_version_is_checked_even_without_the_checksum() -> None:
    assert is_intact(sealed(b"\x00\x01a")[:-1] + b"\x00", checks_sum=False)
    assert not is_intact(sealed(b"\x00\x01a", 13), checks_sum=False)


@pytest.mark.parametrize("number", [0, 63, 64, 16383, 16384, (1 << 32) - 1, 1 << 32, (1 << 64) - 1])
def test_lengths_are_read_back(number: int) -> None:
    writer = RdbWriter(True)
    writer.length(number)
    assert RdbReader(writer.payload()).length() == number


# Any bytes.


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A payload in which some bytes were changed, removed or inserted."""
    content = bytearray(body(DESK.payload(VALUES[draw(st.sampled_from(sorted(VALUES)))], draw(st.booleans()))))
    for _ in range(draw(st.integers(1, 4))):
        # Most of the important bytes are near the beginning or the end.
        at = draw(st.one_of(st.integers(0, min(60, len(content))), st.integers(0, len(content))))
        removed = draw(st.integers(0, 3))
        content[at : at + removed] = draw(st.binary(max_size=3))
    return sealed(bytes(content))


@given(damaged())
@settings(max_examples=600)
def test_damaged_values_are_refused_or_consistent(payload: bytes) -> None:
    """A consistent one can be saved and loaded again."""
    before = int(DESK.allocator.used_memory)
    with contextlib.suppress(PayloadError):
        value = DESK.restore(payload)
        _assert_sound(value)
        again = DESK.restore(DESK.payload(value))
        assert _digest(again) == _digest(value)
        decr_ref_count(again, DESK.allocator)
        decr_ref_count(value, DESK.allocator)
    assert int(DESK.allocator.used_memory) == before


def _assert_sound(value: RedisObject) -> None:
    if isinstance(value, ListObject | SetObject):
        value.check()
    elif isinstance(value, StreamObject):
        value.stream.check()


@given(st.integers(0, 26), st.binary(max_size=60))
@settings(max_examples=600)
def test_any_bytes_are_refused_or_make_a_value(kind: int, content: bytes) -> None:
    before = int(DESK.allocator.used_memory)
    with contextlib.suppress(PayloadError):
        value = DESK.restore(sealed(bytes([kind]) + content))
        _assert_sound(value)
        decr_ref_count(value, DESK.allocator)
    assert int(DESK.allocator.used_memory) == before
