"""A sample value of every type and encoding, each made in an empty ledger of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.objects.hash import HashObject, new_hash
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.list import ListObject, new_list
from pyredmem.objects.object import RedisObject
from pyredmem.objects.set import SetObject, new_set
from pyredmem.objects.sorted_set import SortedSetObject, new_sorted_set
from pyredmem.objects.stream import StreamObject, new_stream
from pyredmem.objects.stream_id import MAX_ID, id_key, make_id
from pyredmem.objects.string_factory import StringFactory

LIMITS = EncodingLimits()
SOON = 2_000_000_000_000


# Strings.


def a_string(allocator: Allocator, data: bytes) -> RedisObject:
    """As SET makes it, never a shared integer."""
    strings = StringFactory(allocator)
    strings.sharing = False
    return strings.create(data)


def a_buffer(allocator: Allocator, data: bytes) -> RedisObject:
    """A string that is modified in place."""
    return StringFactory(allocator).create_buffer(bytearray(data))


# Lists.


def list_limits(size: int = -2, depth: int = 0, packed_threshold: int = 1 << 30) -> EncodingLimits:
    made = EncodingLimits()
    made.list_size = size
    made.list_compress_depth = depth
    made.packed_threshold = packed_threshold
    return made


def a_list(allocator: Allocator, count: int, limits: EncodingLimits) -> ListObject:
    value = new_list(allocator)
    for number in range(count):
        value.push(b"element of the list %d" % number, number % 3 > 0, limits)
    return value


# Sets.


def numbers(count: int, factor: int = 1) -> list[bytes]:
    return [b"%d" % (number * factor) for number in range(count)]


def words(count: int) -> list[bytes]:
    return [b"member %d of the set" % number for number in range(count)]


def a_set(allocator: Allocator, members: list[bytes], limits: EncodingLimits = LIMITS) -> SetObject:
    value = new_set(members[0], 1, allocator, limits)
    for member in members:
        value.add(member, limits)
    return value


# Sorted sets.


def a_sorted_set(allocator: Allocator, count: int, entries: int = 128) -> SortedSetObject:
    """With members added in no order, some equal scores, and some members that got another score or were removed."""
    limits = EncodingLimits()
    limits.zset_entries = entries
    rng = Random(count)
    value = new_sorted_set(allocator, limits)
    for number in range(count + 40):
        value.add(b"member %d" % (number * 7919 % 10007), float(number * 31 % 1000) / 7, limits, rng)
    for number in range(0, count, 3):
        value.add(b"member %d" % (number * 7919 % 10007), float(number % 50), limits, rng)
    for number in range(40):
        value.remove(b"member %d" % ((count + number) * 7919 % 10007))
    return value


# Hashes.


def a_hash(allocator: Allocator, count: int, timed: int = 0, limits: EncodingLimits = LIMITS) -> HashObject:
    """A hash with ``count`` fields. The last ``timed`` of them have expire times, several of which are equal."""
    value = new_hash(allocator)
    for number in range(count):
        value.set(b"field %d" % number, b"value of field %d" % number, limits)
    for number in range(count - timed, count):
        value.expire_at(b"field %d" % number, SOON - number // 3)
    return value


def a_big_hash(allocator: Allocator, count: int, timed: int = 0) -> HashObject:
    """The same as a hash table, however few fields there are."""
    limits = EncodingLimits()
    limits.hash_entries = 0
    return a_hash(allocator, count, timed, limits)


# Streams.


def stream_limits(entries: int = 5) -> EncodingLimits:
    made = EncodingLimits()
    made.stream_node_entries = entries
    return made


def add_entry(value: StreamObject, number: int, limits: EncodingLimits) -> None:
    entry = [b"field", b"value %d" % number, b"other", b"more %d" % number]
    if number % 7 == 0:
        entry = [b"different %d" % number, b"value %d" % number]
    value.stream.add(make_id(1_700_000_000_000 + number * 37, number % 3), entry, limits)


def add_groups(value: StreamObject, groups: int) -> None:
    """Add groups whose names begin alike, with consumers and pending entries."""
    stream = value.stream
    ids = stream.range(0, MAX_ID).ids
    for number in range(groups):
        name = b"group" + b"s" * number
        stream.add_group(name, make_id(1_700_000_000_000, number), 0)
        group = stream.group(name)
        assert group is not None
        for place in range(4):
            consumer = group.add_consumer(b"consumer %d" % place, 5)
            for entry_id in ids[place::6] if place < 3 else []:
                group.add_pending(id_key(entry_id), consumer, 77).deliveries = 3
            if number == 0 and place == 0:
                for entry_id in ids[5::6]:
                    group.add_pending(id_key(entry_id), consumer, 78)


def a_stream(allocator: Allocator, count: int, groups: int, entries: int = 5) -> StreamObject:
    """A stream with groups, from which some entries were deleted."""
    value = new_stream(allocator)
    for number in range(count):
        add_entry(value, number, stream_limits(entries))
    add_groups(value, groups)
    for entry_id in value.stream.range(0, MAX_ID).ids[3::4]:
        value.stream.delete(entry_id)
    value.stream.update_first_id()
    return value


# The shapes that passes and dismantling are tested with.

LIST_SHAPES = [
    (10, list_limits()),  # a listpack
    (200, list_limits(8)),
    (200, list_limits(8, 2)),  # compressed in the middle
    (60, list_limits(8, 0, 22)),  # plain nodes among others
    (5000, list_limits()),
]
SET_SHAPES = [
    numbers(1),
    numbers(500, 1 << 20),
    numbers(100, 1 << 55),
    words(1),
    words(100),
    words(200),  # a table that is rehashing
    words(1500),
    numbers(2000),  # a table of numbers
    [b"", b"a", b"\xff", *words(300)],  # bytes that the interpreter has once
]
SORTED_SET_COUNTS = [1, 100, 129, 2000]
HASH_SHAPES = [(5, 0), (500, 0), (700, 0), (40, 7), (40, 40), (900, 10), (900, 300), (900, 900)]
STREAM_SHAPES = [(1, 0), (20, 0), (300, 0), (300, 1), (300, 3), (0, 0), (0, 2)]

Make = Callable[[Allocator], RedisObject]

SAMPLES: dict[str, Make] = {
    "int": partial(a_string, data=b"12345"),
    "negative int": partial(a_string, data=b"-9223372036854775808"),
    "empty string": partial(a_string, data=b""),
    "one byte": partial(a_string, data=b"x"),
    "embstr": partial(a_string, data=b"e" * 44),
    "raw": partial(a_string, data=b"r" * 300),
    "big argument": partial(a_string, data=b"big" * 20000),
    "buffer": partial(a_buffer, data=b"r" * 300),
    "empty buffer": partial(a_buffer, data=b""),
    "big buffer": partial(a_buffer, data=b"big" * 50000),
    "large sorted set listpack": partial(a_sorted_set, count=1000, entries=100000),
    "small hash table": partial(a_big_hash, count=60),
    "small hash table with times": partial(a_big_hash, count=60, timed=30),
}
for shape, (count, limits) in enumerate(LIST_SHAPES):
    SAMPLES[f"list of {count}, shape {shape}"] = partial(a_list, count=count, limits=limits)
for shape, members in enumerate(SET_SHAPES):
    SAMPLES[f"set of {len(members)}, shape {shape}"] = partial(a_set, members=members)
for count in SORTED_SET_COUNTS:
    SAMPLES[f"sorted set of {count}"] = partial(a_sorted_set, count=count)
for count, timed in HASH_SHAPES:
    SAMPLES[f"hash of {count}, {timed} with times"] = partial(a_hash, count=count, timed=timed)
for count, groups in STREAM_SHAPES:
    SAMPLES[f"stream of {count}, {groups} groups"] = partial(a_stream, count=count, groups=groups)
